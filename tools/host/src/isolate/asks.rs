//! Every function that a guest may call in its host, as a message: written down once, for both ends.

use playhouse_core::grant::Capability;
use serde::{Deserialize, Serialize};

use super::seat::Seat;
use super::wire::{self, ToWorker};
use crate::bindings::v0::playhouse::tool as v0;
use crate::bindings::v1::playhouse::tool as v1;
use crate::guest::Guest;
use crate::imports::{Contract, Import};
use crate::offers::{CallsTools, Offers};

/// Makes of each line a message, the worker's end that sends it, and the end here that answers it.
macro_rules! asks {
    ($(
        $contract:ident $capability:ident: $version:ident::$module:ident {
            $( [$($async:tt)?] fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty = $ask:ident; )*
        }
    )*) => {
        /// What a guest asks of its host.
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) enum Ask {
            $($( $ask { $($argument: $type),* }, )*)*
            /// Another tool, with what is left of the fuel. Apart, because fuel goes both ways.
            CallTool { name: String, arguments: String, fuel: u64 },
        }

        impl Ask {
            /// What a component must import to ask this.
            pub(crate) fn import(&self) -> Import {
                let (contract, capability) = match self {
                    $($( Self::$ask { .. } => (Contract::$contract, Capability::$capability), )*)*
                    Self::CallTool { .. } => (Contract::V1, Capability::Tools),
                };
                Import { capability, contract }
            }

            /// Has `guest` answer: a frame. An error ends the guest.
            pub(crate) async fn answer(self, guest: &mut Guest) -> wasmtime::Result<Vec<u8>> {
                match self {
                    $($( Self::$ask { $($argument),* } => {
                        let answer = $version::$module::Host::$name(guest, $($argument),*);
                        framed(&asks!(@done [$($async)?] answer)?)
                    } )*)*
                    Self::CallTool { name, arguments, fuel } => {
                        let (answer, left) = guest.call_tool(name, arguments, fuel).await;
                        // What it took is taken, even if the guest is to hear no answer.
                        framed(&(answer.ok(), left))
                    }
                }
            }
        }

        $( impl $version::$module::Host for Seat {
            $( $($async)? fn $name(&mut self, $($argument: $type),*) -> wasmtime::Result<$answer> {
                self.ask(Ask::$ask { $($argument),* })
            } )*
        } )*
    };
    (@done [] $answer:ident) => { $answer };
    (@done [async] $answer:ident) => { $answer.await };
}

asks! {
    V1 Context: v1::context {
        [] fn effect_id() -> String = EffectId;
        [] fn time_left_ms() -> u64 = TimeLeft;
    }
    V1 Progress: v1::progress {
        [] fn report(done: u64, total: u64, message: String) -> () = Report;
        [] fn partial(text: String) -> () = Partial;
    }
    V1 Log: v1::log {
        [] fn write(level: v1::log::Level, message: String) -> () = Log;
    }
    V1 Clock: v1::clock {
        [] fn now_ms() -> u64 = Now;
    }
    V1 Random: v1::random {
        [] fn bytes(count: u32) -> Vec<u8> = Random;
    }
    V0 Kv: v0::kv {
        [] fn get(key: String) -> Option<String> = GetV0;
    }
    V1 Kv: v1::kv {
        [async] fn get(key: String) -> Result<Option<String>, String> = Get;
        [async] fn keys(prefix: String, after: Option<String>, limit: u32)
            -> Result<Vec<String>, String> = Keys;
    }
    V1 KvWrite: v1::kv_write {
        [async] fn put(key: String, value: String) -> Result<(), String> = Put;
        [async] fn delete(key: String) -> Result<bool, String> = Delete;
    }
    V1 Files: v1::files {
        [async] fn roots() -> Vec<String> = Roots;
        [async] fn stat(path: String) -> Result<v1::files::Info, v1::files::Error> = Stat;
        [async] fn entries(path: String, after: Option<String>, limit: u32)
            -> Result<Vec<v1::files::Info>, v1::files::Error> = Entries;
        [async] fn read(path: String, offset: u64, max: u32) -> Result<Vec<u8>, v1::files::Error> = Read;
    }
    V1 FilesWrite: v1::files_write {
        [async] fn write(path: String, content: Vec<u8>, version: Option<String>)
            -> Result<String, v1::files_write::Error> = Write;
        [async] fn remove(path: String) -> Result<(), v1::files_write::Error> = Remove;
    }
    V1 Http: v1::http {
        [async] fn fetch(request: v1::http::Request) -> Result<v1::http::Response, v1::http::Error> = Fetch;
    }
    V1 Secrets: v1::secrets {
        [] fn is_granted(name: String) -> bool = HasSecret;
        [] fn hmac_sha256(name: String, payload: Vec<u8>) -> Result<Vec<u8>, String> = Sign;
    }
    V1 Model: v1::model {
        [async] fn ask(instructions: String, prompt: String, max_tokens: u32)
            -> Result<String, String> = Question;
    }
}

impl CallsTools for Seat {
    async fn call_tool(
        &mut self,
        name: String,
        arguments: String,
        fuel: u64,
    ) -> (wasmtime::Result<Result<String, v1::tools::Error>>, u64) {
        match self.ask(Ask::CallTool { name, arguments, fuel }) {
            Ok((Some(answer), left)) => (Ok(answer), left),
            Ok((None, left)) => (Err(self.stopped()), left),
            Err(ended) => (Err(ended), fuel),
        }
    }
}

impl Offers for Seat {}

fn framed(answer: &impl Serialize) -> wasmtime::Result<Vec<u8>> {
    Ok(wire::frame(&(ToWorker::Answer, answer))?)
}
