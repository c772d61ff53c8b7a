//! What a component is and wants, before anybody grants it anything.

use std::collections::BTreeMap;
use std::path::Path;

use playhouse_core::digest;
use playhouse_core::grant::Capability;
use playhouse_core::tool::{Annotations, EffectClass};
use serde::Serialize;
use serde_json::Value;

use crate::cache::{self, Cache};
use crate::component::{Introduced, introduced};
use crate::describe::{self, Claim};
use crate::engine::{self, Ticker};
use crate::error::LoadError;
use crate::imports::{self, Import as Known};
use crate::limits::Limits;
use crate::offers;
use crate::sandbox::Sandbox;

/// A component, looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Size of the file.
    pub bytes: usize,
    /// What it imports, in its own order; empty: it can touch nothing.
    pub imports: Vec<Import>,
    /// What it says about itself; `None` if it imports what this host does not have, for then it cannot be asked.
    pub about: Option<About>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// As in the component.
    pub name: String,
    /// What whoever grants it lets the tool do, in plain words; `None` if this host has no such thing.
    pub lets: Option<&'static str>,
    /// What its author can do, where this host has no such thing.
    pub remedy: Option<&'static str>,
    /// What the tool says it needs it for.
    pub because: Option<String>,
}

/// What a tool says about itself, and what of it is believed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// For the model.
    pub description: String,
    /// `expression (string), digits (integer, optional)`.
    pub takes: String,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// JSON Schema of the output.
    pub output_schema: Value,
    /// Capability to what it is needed for, in its own words.
    pub wants: BTreeMap<String, String>,
    /// SHA-256 of all that it says, in hex: what a lock pins.
    pub describe_sha256: String,
    /// SHA-256 of what models and people read of that, in hex: the same in another version that says the same.
    pub text_sha256: String,
    /// What it declares.
    pub declares: EffectClass,
    /// What it counts as, unless the operator says otherwise.
    pub counts_as: EffectClass,
    /// The same where all that is granted of `http` only reads.
    pub counts_as_reading: EffectClass,
    /// What a call can do to the world, whatever is granted.
    pub annotations: Annotations,
}

/// Looks at the component in `path`. It is asked to describe itself, with nothing granted, and not called. Compiled code is
/// kept in `cache`, as by a [tool box](crate::Config::cache) that has the same one.
///
/// # Errors
/// [`LoadError`] if it is no component, no tool, or describes itself in a way that would not be accepted.
pub fn inspect(path: &Path, cache: Option<&Path>) -> Result<Inspection, LoadError> {
    let file = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let wasm = std::fs::read(path).map_err(|source| LoadError::File { path: path.to_owned(), source })?;
    inspect_bytes(&file, &wasm, cache)
}

/// The same for bytes that are in no file yet; `file` is what errors call them.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_bytes(file: &str, wasm: &[u8], cache: Option<&Path>) -> Result<Inspection, LoadError> {
    let not = |reason: String| LoadError::NotAComponent { tool: file.to_owned(), reason };
    let names = imports::names(wasm).map_err(not)?;
    let known: Option<Vec<Known>> = names.iter().map(|name| Known::named(name)).collect();
    let about = known.map(|known| asked(file, wasm, &known, cache)).transpose()?;
    let import = |name: String| {
        let capability = Known::named(&name).map(|known| known.capability);
        let remedy = capability.is_none().then(|| imports::remedy(&name));
        let said = about.as_ref().map(|about| &about.wants);
        let because =
            said.zip(capability).and_then(|(wants, capability)| wants.get(capability.name()).cloned());
        Import { lets: capability.map(Capability::lets), remedy, name, because }
    };
    let imports = names.into_iter().map(import).collect();
    Ok(Inspection { sha256: digest::of_bytes(wasm), bytes: wasm.len(), imports, about })
}

/// What the component in `wasm`, of which all imports are `known`, says of itself.
fn asked(file: &str, wasm: &[u8], known: &[Known], cache: Option<&Path>) -> Result<About, LoadError> {
    let limits = Limits { running: 1, ..Limits::default() };
    let engine = engine::build(&limits).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
    let cache = cache.map(Cache::open).transpose()?;
    let component = cache::compiled(cache.as_ref(), &engine, file, wasm)?;
    let ready = offers::linker(&engine, known).and_then(|linker| linker.instantiate_pre(&component));
    let sandbox = ready.and_then(|ready| Sandbox::new(&engine, limits, ready));
    let sandbox = sandbox
        .map_err(|error| LoadError::NotATool { tool: file.to_owned(), reason: format!("{error:#}") })?;
    let ticker = Ticker::start(&engine).map_err(|error| LoadError::Engine(error.to_string()))?;
    let said = introduced(&sandbox, &ticker, file)?;
    Ok(about(known, sandbox.can_be_asked(), said))
}

fn about(known: &[Known], can_be_asked: bool, introduced: Introduced) -> About {
    let describe_sha256 = digest::of_bytes(introduced.text.as_bytes());
    let said = introduced.about;
    let words = (&said.description, &said.input_schema, &said.output_schema, &said.wants);
    let claim = Claim { declared: said.effect, believed: None, can_be_asked };
    let counts_as = |reads: &dyn Fn(Capability) -> bool| {
        let only_reads = known.iter().all(|import| reads(import.capability));
        let proven = if only_reads { EffectClass::Idempotent } else { EffectClass::Once };
        describe::effect(known.is_empty(), proven, claim)
    };
    let effect = counts_as(&Capability::only_reads);
    About {
        counts_as: effect,
        counts_as_reading: counts_as(&|it| it == Capability::Http || it.only_reads()),
        annotations: describe::annotations(known, effect, Capability::only_reads),
        text_sha256: digest::of_value(&serde_json::json!(words)),
        describe_sha256,
        wants: said.wants,
        takes: playhouse_schema::shape(&said.input_schema),
        name: said.name,
        version: said.version,
        description: said.description,
        input_schema: said.input_schema,
        output_schema: said.output_schema,
        declares: said.effect,
    }
}
