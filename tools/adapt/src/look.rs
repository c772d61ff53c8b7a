//! What a component imports and exports, without compiling it.

use wasmparser::{
    Chunk, ComponentExternalKind, ComponentType, ComponentTypeRef, InstanceTypeDeclaration, Parser, Payload,
    Validator,
};

use crate::error::AdaptError;

/// A component, looked at.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) imports: Vec<Import<'a>>,
    /// Names of the instances that it exports.
    pub(crate) exports: Vec<&'a str>,
    /// The components in it.
    pub(crate) inner: Vec<&'a [u8]>,
}

/// One import.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    pub(crate) name: &'a str,
    /// What its type declares, if it is an instance whose type stands in the component itself.
    pub(crate) declares: Option<Box<[InstanceTypeDeclaration<'a>]>>,
}

impl Import<'_> {
    /// Whether there is anything in it to call. Many an interface is imported for its types alone.
    pub(crate) fn has_functions(&self) -> bool {
        let is_function = |declared: &InstanceTypeDeclaration<'_>| {
            matches!(declared, InstanceTypeDeclaration::Export { ty: ComponentTypeRef::Func(_), .. })
        };
        self.declares.as_ref().is_none_or(|declared| declared.iter().any(is_function))
    }
}

/// Checks `bytes` by the rules of the component model. What of it no tool may use, the host refuses.
pub(crate) fn valid(bytes: &[u8]) -> Result<(), String> {
    Validator::new().validate_all(bytes).map(drop).map_err(|error| error.to_string())
}

impl<'a> Look<'a> {
    /// Looks at the outermost component in `bytes`.
    pub(crate) fn at(bytes: &'a [u8]) -> Result<Self, AdaptError> {
        let not = |reason: String| AdaptError::NotAComponent(reason);
        if bytes.starts_with(b"\0asm\x01\0\0\0") {
            return Err(not(
                "it is a core module; make a component of it (`wasm-tools component new`)".to_owned()
            ));
        }
        valid(bytes).map_err(not)?;
        let mut found = Self { bytes, imports: Vec::new(), exports: Vec::new(), inner: Vec::new() };
        found.read().map_err(|error| not(error.to_string()))?;
        Ok(found)
    }

    fn read(&mut self) -> wasmparser::Result<()> {
        let (mut parser, mut rest, mut types) = (Parser::new(0), self.bytes, Types::default());
        loop {
            let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else { return Ok(()) };
            rest = &rest[consumed..];
            match payload {
                Payload::ModuleSection { unchecked_range, .. } => rest = &rest[length(&unchecked_range)..],
                Payload::ComponentSection { unchecked_range, .. } => {
                    let (inner, after) = rest.split_at(length(&unchecked_range));
                    self.inner.push(inner);
                    rest = after;
                }
                Payload::ComponentTypeSection(section) => {
                    for declared in section {
                        types.0.push(match declared? {
                            ComponentType::Instance(declares) => Some(declares),
                            _ => None,
                        });
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        types.alias(&alias?);
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import?;
                        let declares = types.import(import.ty);
                        self.imports.push(Import { name: import.name.name, declares });
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        let export = export?;
                        match export.kind {
                            ComponentExternalKind::Instance => self.exports.push(export.name.name),
                            ComponentExternalKind::Type => types.0.push(None),
                            _ => {}
                        }
                    }
                }
                Payload::End(_) => return Ok(()),
                _ => {}
            }
        }
    }

    /// The export of `interface`, in any of the versions that `fits`.
    pub(crate) fn export(&self, interface: &str, fits: impl Fn(&str) -> bool) -> Option<&'a str> {
        self.exports
            .iter()
            .copied()
            .find(|name| name.split_once('@').is_some_and(|(of, version)| of == interface && fits(version)))
    }
}

/// The bytes are valid, so that what a section says of its length is so.
fn length(range: &std::ops::Range<u64>) -> usize {
    usize::try_from(range.end - range.start).expect("it lies in memory")
}

/// The type index space, as far as it holds types of instances.
#[derive(Default)]
struct Types<'a>(Vec<Option<Box<[InstanceTypeDeclaration<'a>]>>>);

impl<'a> Types<'a> {
    fn alias(&mut self, alias: &wasmparser::ComponentAlias<'_>) {
        use wasmparser::{ComponentAlias, ComponentOuterAliasKind};
        let is_type = match alias {
            ComponentAlias::InstanceExport { kind, .. } => *kind == ComponentExternalKind::Type,
            ComponentAlias::Outer { kind, .. } => *kind == ComponentOuterAliasKind::Type,
            ComponentAlias::CoreInstanceExport { .. } => false,
        };
        if is_type {
            self.0.push(None);
        }
    }

    fn import(&mut self, ty: ComponentTypeRef) -> Option<Box<[InstanceTypeDeclaration<'a>]>> {
        match ty {
            ComponentTypeRef::Instance(at) => self.0.get_mut(at as usize).and_then(Option::take),
            ComponentTypeRef::Type(_) => {
                self.0.push(None);
                None
            }
            _ => None,
        }
    }
}
