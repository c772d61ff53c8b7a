//! From imports to grants: what a component reaches for, and what it is handed.
//!
//! There is one interface per capability, so the import list of a component is the list of what it can do. A linker is
//! built per component and holds exactly the interfaces it imports, each of them granted; everything else is refused
//! here, before the component is instantiated for the first time.

use std::collections::BTreeMap;

use playhouse_core::tool::{Grant, ToolError, ToolErrorKind};
use wasmtime::Engine;
use wasmtime::component::types::Component as ComponentType;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::kv;
use crate::config::{Table, ToolConfig};
use crate::error::LoadError;
use crate::sandbox::Guest;

/// A capability this host can hand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    /// Read one table.
    Kv,
}

impl Interface {
    pub(crate) fn of_import(name: &str) -> Option<Self> {
        (name == "playhouse:tool/kv@0.1.0").then_some(Self::Kv)
    }

    /// What it lets a tool do, in plain words.
    pub(crate) fn lets(self) -> &'static str {
        match self {
            Self::Kv => "read one table that you give it",
        }
    }

    /// Whether nothing in the world can be changed through it.
    pub(crate) fn only_reads(self) -> bool {
        match self {
            Self::Kv => true,
        }
    }

    fn granted_by(self, tool: &ToolConfig) -> bool {
        match self {
            Self::Kv => !tool.tables.is_empty(),
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Kv => "give it a table in the configuration, or remove the tool",
        }
    }

    fn link(self, linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
        match self {
            Self::Kv => kv::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest),
        }
    }
}

/// What `component` imports, if all of it is known and granted.
pub(crate) fn imports(
    engine: &Engine,
    file: &str,
    component: &ComponentType,
    config: &ToolConfig,
) -> Result<Vec<Interface>, LoadError> {
    let mut granted = Vec::new();
    for (name, _) in component.imports(engine) {
        let Some(interface) = Interface::of_import(name) else {
            return Err(LoadError::UnknownImport {
                tool: file.into(),
                import: name.into(),
                remedy: remedy(name),
            });
        };
        if !interface.granted_by(config) {
            let remedy = interface.remedy();
            return Err(LoadError::NotGranted { tool: file.into(), import: name.into(), remedy });
        }
        granted.push(interface);
    }
    Ok(granted)
}

/// What the author of a component can do about an import that nobody here can grant.
pub(crate) fn remedy(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        return "build the tool without WASI (Rust: target wasm32-unknown-unknown) and use the interfaces of `tool.wit`";
    }
    if import.starts_with("playhouse:tool/") {
        return "it was built against another version of `tool.wit`: build it against the one of this host";
    }
    "build the tool against `tool.wit`, and nothing else"
}

/// A linker with exactly `imports`.
pub(crate) fn linker(engine: &Engine, imports: &[Interface]) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    for interface in imports {
        interface.link(&mut linker)?;
    }
    Ok(linker)
}

/// The table that `grant` opens to a tool with these imports: `None` if it reads none.
pub(crate) fn table<T: Clone>(
    tool: &str,
    imports: &[Interface],
    tables: &BTreeMap<String, T>,
    grant: &Grant,
) -> Result<Option<T>, ToolError> {
    if !imports.contains(&Interface::Kv) {
        return Ok(None);
    }
    let known = || tables.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let denied = |message| Err(ToolError::new(ToolErrorKind::Denied, message));
    match &grant.table {
        None => denied(format!("tool `{tool}` reads a table and was granted none: grant one of {}", known())),
        Some(name) => match tables.get(name) {
            Some(table) => Ok(Some(table.clone())),
            None => denied(format!("tool `{tool}` has no table `{name}`: grant one of {}", known())),
        },
    }
}

impl kv::Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.host_call()?;
        let table: Option<&Table> = self.table();
        let table =
            table.ok_or_else(|| wasmtime::Error::msg("no table is granted while a tool describes itself"))?;
        Ok(table.get(&key).cloned())
    }
}
