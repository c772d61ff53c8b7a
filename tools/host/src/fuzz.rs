//! What the fuzz targets of `fuzz/` need of the inside of this crate. No part of what it offers.

use playhouse_schema::Schema;
use serde_json::Value;

use crate::describe::Description;

/// A description that was accepted.
#[derive(Debug)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    input: Schema,
    output: Schema,
}

/// What became of a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// As arguments.
    pub input: Result<(), String>,
    /// As output.
    pub output: Result<(), String>,
}

impl Described {
    /// Checks `value` against both schemas.
    pub fn check(&self, value: &Value) -> Checked {
        Checked { input: self.input.check(value), output: self.output.check(value) }
    }
}

/// As when a component is loaded.
///
/// # Errors
/// Why the description is refused.
pub fn describe(text: &str) -> Result<Described, String> {
    let Description { name, version, input_schema, output_schema, .. } = Description::parse(text)?;
    let (input, output) = (Schema::compile(&input_schema)?, Schema::compile(&output_schema)?);
    Ok(Described { name, version, input, output })
}

/// Frames, for a worker that a test has taken over.
pub mod worker {
    use crate::isolate::Ask;
    use crate::isolate::wire::{self, FromWorker, ToWorker};
    use crate::ready::{Job, Said};

    /// What a worker is told.
    #[derive(Debug, PartialEq, Eq)]
    pub enum Told {
        /// To start.
        Start,
        /// To let a tool introduce itself.
        Describe,
        /// To call a tool.
        Call,
        /// Something else.
        Other,
    }

    /// What a frame's body says.
    pub fn told(body: &[u8]) -> Told {
        match wire::open(body) {
            Ok((ToWorker::Start { .. }, _)) => Told::Start,
            Ok((ToWorker::Run { job: Job::Describe, .. }, _)) => Told::Describe,
            Ok((ToWorker::Run { .. }, _)) => Told::Call,
            _ => Told::Other,
        }
    }

    /// That it is ready.
    pub fn ready() -> Vec<u8> {
        framed(&FromWorker::Ready { is_confined: true })
    }

    /// That the guest returned `text`.
    pub fn done(text: &str) -> Vec<u8> {
        framed(&FromWorker::Done { said: Ok(Said::Text(text.to_owned())), fuel: 0 })
    }

    /// The same, and that it took no fuel at all.
    pub fn done_for_nothing(text: &str) -> Vec<u8> {
        framed(&FromWorker::Done { said: Ok(Said::Text(text.to_owned())), fuel: u64::MAX })
    }

    /// A wish to read in the table.
    pub fn ask_to_read(key: &str) -> Vec<u8> {
        framed(&FromWorker::Ask(Ask::Get { key: key.to_owned() }))
    }

    /// A wish to have something signed.
    pub fn ask_to_sign(name: &str) -> Vec<u8> {
        framed(&FromWorker::Ask(Ask::Sign { name: name.to_owned(), payload: Vec::new() }))
    }

    /// A wish to call a tool.
    pub fn ask_for_tool(name: &str) -> Vec<u8> {
        let (name, arguments) = (name.to_owned(), "{}".to_owned());
        framed(&FromWorker::Ask(Ask::CallTool { name, arguments, fuel: 0 }))
    }

    fn framed(message: &FromWorker) -> Vec<u8> {
        wire::frame(message).expect("it is short")
    }
}
