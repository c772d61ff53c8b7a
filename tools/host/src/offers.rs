//! What the host offers to guests: one module per group of interfaces of `tools/wit`.
//!
//! Each function begins with [`Guest::host_call`](crate::guest::Guest::host_call), or with
//! [`reach`](crate::guest::Guest::reach) if it reaches out of the call, which counts it and looks at the deadline; each that
//! waits does so within the deadline; each that answers ends with [`hear`](crate::guest::Guest::hear) or
//! [`bring`](crate::guest::Guest::bring), so that the receipt covers the answer. What a call is not granted is an error that says so, as the
//! interface defines it, and not a trap: the tool may go on without.

mod call;
mod files;
mod http;
mod kv;
mod model;
mod secrets;
mod tools;

pub(crate) use call::shown;
use playhouse_core::grant::Capability;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::v0;
use crate::bindings::v1::playhouse::tool as wit;
use crate::guest::Guest;
use crate::imports::{Contract, Import};

pub(crate) use tools::CallsTools;

/// Whoever answers all that guests may ask: here a [`Guest`](crate::guest::Guest), in a worker process the line to it.
pub(crate) trait Offers:
    v0::playhouse::tool::kv::Host
    + wit::context::Host
    + wit::progress::Host
    + wit::log::Host
    + wit::clock::Host
    + wit::random::Host
    + wit::kv::Host
    + wit::kv_write::Host
    + wit::files::Host
    + wit::files_write::Host
    + wit::http::Host
    + wit::secrets::Host
    + wit::model::Host
    + CallsTools
    + Send
    + 'static
{
}

impl Offers for Guest {}

/// A linker with exactly `imports`.
pub(crate) fn linker<T: Offers>(engine: &Engine, imports: &[Import]) -> wasmtime::Result<Linker<T>> {
    let mut linker = Linker::new(engine);
    for import in imports {
        link(&mut linker, *import)?;
    }
    Ok(linker)
}

fn link<T: Offers>(linker: &mut Linker<T>, import: Import) -> wasmtime::Result<()> {
    let Import { capability, contract } = import;
    if contract == Contract::V0 {
        return v0::playhouse::tool::kv::add_to_linker::<_, HasSelf<T>>(linker, |host| host);
    }
    match capability {
        Capability::Context => wit::context::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Progress => wit::progress::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Log => wit::log::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Clock => wit::clock::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Random => wit::random::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Kv => wit::kv::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::KvWrite => wit::kv_write::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Files => wit::files::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::FilesWrite => wit::files_write::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Http => wit::http::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Secrets => wit::secrets::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
        Capability::Tools => tools::add_to_linker(linker),
        Capability::Model => wit::model::add_to_linker::<_, HasSelf<T>>(linker, |host| host),
    }
}
