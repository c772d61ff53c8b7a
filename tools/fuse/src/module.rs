//! A core module, as far as it has to be known to be joined with others.

use std::collections::HashMap;

use wasmparser::{
    Data, Element, ExternalKind, FuncType, FunctionBody, Global, Import, KnownCustom, MemoryType, Name,
    Parser, Payload, Table, TypeRef,
};

use crate::FuseError;

/// The items of a module, in its own numbers.
#[derive(Default)]
pub(crate) struct Module<'a> {
    pub(crate) types: Vec<FuncType>,
    pub(crate) imports: Vec<Import<'a>>,
    /// The types of the functions that it defines.
    pub(crate) functions: Vec<u32>,
    pub(crate) tables: Vec<Table<'a>>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<Global<'a>>,
    pub(crate) exports: HashMap<&'a str, (ExternalKind, u32)>,
    pub(crate) elements: Vec<Element<'a>>,
    pub(crate) data: Vec<Data<'a>>,
    pub(crate) bodies: Vec<FunctionBody<'a>>,
    /// What its functions are called, by their numbers.
    pub(crate) names: Vec<(u32, &'a str)>,
    /// Whether it has something that is kept only if it stays as it is.
    pub(crate) stays: bool,
}

impl<'a> Module<'a> {
    pub(crate) fn read(wasm: &'a [u8]) -> Result<Self, FuseError> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            module.take(payload?)?;
        }
        Ok(module)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), FuseError> {
        match payload {
            Payload::TypeSection(groups) => {
                let types: Result<_, _> = groups.into_iter_err_on_gc_types().collect();
                self.stays |= types.is_err();
                self.types = types.unwrap_or_default();
            }
            Payload::ImportSection(section) => {
                self.imports = section.into_imports().collect::<Result<_, _>>()?;
                self.stays |= self.imports.iter().any(|import| kind(&import.ty).is_none());
            }
            Payload::FunctionSection(section) => {
                self.functions = section.into_iter().collect::<Result<_, _>>()?
            }
            Payload::TableSection(section) => self.tables = section.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(section) => {
                self.memories = section.into_iter().collect::<Result<_, _>>()?
            }
            Payload::GlobalSection(section) => {
                self.globals = section.into_iter().collect::<Result<_, _>>()?
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    self.exports.insert(export.name, (export.kind, export.index));
                }
            }
            Payload::ElementSection(section) => {
                self.elements = section.into_iter().collect::<Result<_, _>>()?
            }
            Payload::DataSection(section) => self.data = section.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    for name in names {
                        // Names are a help for readers of traces; broken ones are nobody's harm.
                        let Ok(Name::Function(functions)) = name else { continue };
                        self.names
                            .extend(functions.into_iter().flatten().map(|name| (name.index, name.name)));
                    }
                }
            }
            Payload::StartSection { .. } | Payload::TagSection(_) => self.stays = true,
            _ => {}
        }
        Ok(())
    }

    /// How many items of this kind it imports: they have the first numbers.
    pub(crate) fn imported(&self, wanted: ExternalKind) -> usize {
        self.imports.iter().filter(|import| kind(&import.ty) == Some(wanted)).count()
    }
}

/// `None`: a kind that is not joined.
pub(crate) fn kind(ty: &TypeRef) -> Option<ExternalKind> {
    match ty {
        TypeRef::Func(_) => Some(ExternalKind::Func),
        TypeRef::Table(_) => Some(ExternalKind::Table),
        TypeRef::Memory(_) => Some(ExternalKind::Memory),
        TypeRef::Global(_) => Some(ExternalKind::Global),
        TypeRef::Tag(_) | TypeRef::FuncExact(_) => None,
    }
}
