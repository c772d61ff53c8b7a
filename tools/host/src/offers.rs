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

use playhouse_core::grant::Capability;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::{v0, v1};
use crate::guest::Guest;
use crate::imports::{Contract, Import};

/// A linker with exactly `imports`.
pub(crate) fn linker(engine: &Engine, imports: &[Import]) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    for import in imports {
        link(&mut linker, *import)?;
    }
    Ok(linker)
}

fn link(linker: &mut Linker<Guest>, import: Import) -> wasmtime::Result<()> {
    use v1::playhouse::tool as wit;
    type This = HasSelf<Guest>;
    let Import { capability, contract } = import;
    if contract == Contract::V0 {
        return v0::playhouse::tool::kv::add_to_linker::<_, This>(linker, |guest| guest);
    }
    match capability {
        Capability::Context => wit::context::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Progress => wit::progress::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Log => wit::log::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Clock => wit::clock::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Random => wit::random::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Kv => wit::kv::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::KvWrite => wit::kv_write::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Files => wit::files::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::FilesWrite => wit::files_write::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Http => wit::http::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Secrets => wit::secrets::add_to_linker::<_, This>(linker, |guest| guest),
        Capability::Tools => tools::add_to_linker(linker),
        Capability::Model => wit::model::add_to_linker::<_, This>(linker, |guest| guest),
    }
}
