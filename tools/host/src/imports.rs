//! What a component imports: the interface, and the version of the contract.

use playhouse_core::grant::Capability;
use wasmparser::{Parser, Payload};

/// The minor versions of contract 1 that this host serves.
const MINORS: std::ops::RangeInclusive<u64> = 0..=0;
const PACKAGE: &str = "playhouse:tool/";

/// One import that this host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) capability: Capability,
    pub(crate) contract: Contract,
}

/// A version of `tools/wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contract {
    /// 0.1, with `kv` alone.
    V0,
    /// 1.x
    V1,
}

impl Import {
    /// `playhouse:tool/kv@1.0.0`; `None` if this host has no such thing.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
        let capability = Capability::named(interface)?;
        let contract = contract(version)?;
        (contract == Contract::V1 || capability == Capability::Kv).then_some(Self { capability, contract })
    }
}

fn contract(version: &str) -> Option<Contract> {
    let mut parts = version.split('.').map(str::parse::<u64>);
    match (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?, parts.next()) {
        (0, 1, 0, None) => Some(Contract::V0),
        (1, minor, _, None) if MINORS.contains(&minor) => Some(Contract::V1),
        _ => None,
    }
}

/// Names of what the component in `wasm` imports, in its own order. Nothing is compiled for it, so what a host refuses is
/// known at once, however large it is.
///
/// # Errors
/// In a sentence, if there is no component.
pub(crate) fn names(wasm: &[u8]) -> Result<Vec<String>, String> {
    match wasm {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => {}
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            return Err("it is a core module; make a component of it (`componentize`, `wasm-tools`)".into());
        }
        _ => return Err("it does not begin like one".into()),
    }
    outermost(wasm).map_err(|error| error.to_string())
}

/// A component has others in it, with imports of their own.
fn outermost(wasm: &[u8]) -> wasmparser::Result<Vec<String>> {
    let (mut names, mut depth) = (Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// What the author of a component can do about an import that nobody here can grant.
pub(crate) fn remedy(import: &str) -> &'static str {
    if import.starts_with("wasi:sockets/") {
        return "no tool opens sockets: use an HTTP library that speaks `wasi:http`, and `playhouse tool adapt`";
    }
    if import.starts_with("wasi:") && import.contains("@0.3") {
        return "`playhouse tool adapt` speaks WASI 0.2: build it for that";
    }
    if import.starts_with("wasi:") {
        return "`playhouse tool adapt` makes a tool of a component that speaks WASI; or build it without (Rust: target \
                wasm32-unknown-unknown) and use the interfaces of `tools/wit/v1`";
    }
    if import.starts_with(PACKAGE) {
        return "it was built against another version of `tools/wit`: build it against one that this host has";
    }
    "build the tool against `tools/wit/v1`, and nothing else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_up_to_our_own_are_known_and_no_others() {
        let known = |name: &str| Import::named(name).map(|import| (import.capability, import.contract));
        assert_eq!(known("playhouse:tool/kv@0.1.0"), Some((Capability::Kv, Contract::V0)));
        assert_eq!(known("playhouse:tool/kv@1.0.0"), Some((Capability::Kv, Contract::V1)));
        assert_eq!(known("playhouse:tool/http@1.0.7"), Some((Capability::Http, Contract::V1)));
        for name in [
            "playhouse:tool/http@0.1.0",
            "playhouse:tool/kv@1.1.0",
            "playhouse:tool/kv@2.0.0",
            "playhouse:tool/kv@1.0",
            "playhouse:tool/kv@1.0.0.0",
            "playhouse:tool/kv",
            "playhouse:tool/tool@1.0.0",
            "wasi:http/types@0.2.0",
            "other:tool/kv@1.0.0",
        ] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[test]
    fn the_imports_of_the_outermost_component_are_named_and_no_others() {
        let nested = r#"(component
            (import "playhouse:tool/kv@1.0.0" (instance))
            (component (import "inner:a/b" (instance)) (core module (import "x" "y" (func))))
            (core module)
            (import "wasi:http/types@0.3.0" (instance (export "f" (func async)))))"#;
        let wasm = wat::parse_str(nested).expect("it is one");
        assert_eq!(names(&wasm).expect("it is one"), ["playhouse:tool/kv@1.0.0", "wasi:http/types@0.3.0"]);
        for bad in [&wasm[..wasm.len() - 1], b"\0asm\x01\0\0\0", b"{}", b""] {
            assert!(names(bad).is_err(), "{bad:?}");
        }
    }
}
