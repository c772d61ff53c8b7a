//! What a component is made of, and which of its core modules can become one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind,
    ExternalKind, Instance, Parser, Payload,
};

use crate::{
    FuseError, fuse,
    module::{Module, kind},
};

/// A component, read.
pub(crate) struct Plan<'a> {
    pub(crate) wasm: &'a [u8],
    pub(crate) sources: Vec<&'a [u8]>,
    pub(crate) modules: Vec<Module<'a>>,
    pub(crate) instances: Vec<Instance<'a>>,
    /// Core items by their numbers: where each comes from.
    pub(crate) items: Items<'a>,
    /// What has to be written in this order; all else is written when something refers to it.
    pub(crate) pieces: Vec<Piece<'a>>,
    /// How many modules of the components inside it became one in theirs.
    pub(crate) joined_inside: usize,
    /// For each instance whether its module is joined.
    member: Vec<bool>,
}

/// The core items of a component, in its own numbers.
#[derive(Default)]
pub(crate) struct Items<'a> {
    pub(crate) functions: Vec<Origin<'a>>,
    pub(crate) tables: Vec<Origin<'a>>,
    pub(crate) memories: Vec<Origin<'a>>,
    pub(crate) globals: Vec<Origin<'a>>,
}

/// Where a core item comes from.
#[derive(Clone)]
pub(crate) enum Origin<'a> {
    /// An instance exports it.
    Export { instance: u32, name: &'a str },
    /// The component model makes it.
    Canon(CanonicalFunction),
}

/// A part of the component that is not a core item.
pub(crate) enum Piece<'a> {
    /// A section as it is.
    Section { id: u8, data: Cow<'a, [u8]> },
    /// An alias that makes no core item.
    Alias(ComponentAlias<'a>),
    /// A function of the component, made of one of a core module.
    Lift(CanonicalFunction),
    /// An instance of a module: making it may have effects.
    Instance(u32),
}

/// Who gives a module what it imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider<'a> {
    /// An instance of a module, by the name of its export.
    Instance(u32, &'a str),
    /// A function that the component model makes, by its number.
    Canon(u32),
}

impl<'a> Plan<'a> {
    pub(crate) fn read(wasm: &'a [u8]) -> Result<Self, FuseError> {
        let mut plan = Self {
            wasm,
            sources: Vec::new(),
            modules: Vec::new(),
            instances: Vec::new(),
            items: Items::default(),
            pieces: Vec::new(),
            joined_inside: 0,
            member: Vec::new(),
        };
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            let inside = depth > 0;
            match &payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            match payload {
                Payload::ComponentAliasSection(section) if inside => {
                    for alias in section {
                        if let ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } =
                            alias?
                        {
                            return Err(FuseError::Unknown("a core module that a part of it uses"));
                        }
                    }
                }
                payload if !inside => plan.take(payload)?,
                _ => {}
            }
        }
        plan.modules = plan.sources.iter().map(|wasm| Module::read(wasm)).collect::<Result<_, _>>()?;
        plan.choose();
        Ok(plan)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), FuseError> {
        match payload {
            Payload::ModuleSection { unchecked_range: range, .. } => self.sources.push(self.slice(range)),
            Payload::InstanceSection(section) => {
                for instance in section {
                    let instance = instance?;
                    if matches!(instance, Instance::Instantiate { .. }) {
                        self.pieces.push(Piece::Instance(self.instances.len() as u32));
                    }
                    self.instances.push(instance);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(alias?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    match function? {
                        lift @ CanonicalFunction::Lift { .. } => self.pieces.push(Piece::Lift(lift)),
                        core => self.items.functions.push(Origin::Canon(core)),
                    }
                }
            }
            // One that cannot be joined by itself stays as it is.
            Payload::ComponentSection { unchecked_range: range, .. } => match fuse(self.slice(range.clone()))
            {
                Ok(Some(fused)) => {
                    self.joined_inside += fused.joined;
                    self.pieces.push(Piece::Section { id: 4, data: fused.component.into() });
                }
                Ok(None) | Err(_) => self.section(4, range),
            },
            // It has the numbers of core items in it, and only helps readers.
            Payload::CustomSection(section) if section.name() == "component-name" => {}
            Payload::ComponentTypeSection(section) => {
                for ty in section.clone() {
                    if let wasmparser::ComponentType::Resource { dtor: Some(_), .. } = ty? {
                        return Err(FuseError::Unknown("a resource with a destructor"));
                    }
                }
                self.section(7, section.range());
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    if matches!(import?.ty, wasmparser::ComponentTypeRef::Module(_)) {
                        return Err(FuseError::Unknown("a core module that it imports"));
                    }
                }
                self.section(10, section.range());
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    if export?.kind == ComponentExternalKind::Module {
                        return Err(FuseError::Unknown("a core module that it exports"));
                    }
                }
                self.section(11, section.range());
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let has_module = match instance? {
                        wasmparser::ComponentInstance::Instantiate { args, .. } => {
                            args.iter().any(|arg| arg.kind == ComponentExternalKind::Module)
                        }
                        wasmparser::ComponentInstance::FromExports(exports) => {
                            exports.iter().any(|export| export.kind == ComponentExternalKind::Module)
                        }
                    };
                    if has_module {
                        return Err(FuseError::Unknown("a core module that it hands on"));
                    }
                }
                self.section(5, section.range());
            }
            Payload::Version { encoding: wasmparser::Encoding::Module, .. } => {
                return Err(FuseError::Unknown("no component around it"));
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    self.section(id, range);
                }
            }
        }
        Ok(())
    }

    fn section(&mut self, id: u8, range: Range<u64>) {
        self.pieces.push(Piece::Section { id, data: self.slice(range).into() });
    }

    /// Positions are those of a slice, so they fit.
    fn slice(&self, range: Range<u64>) -> &'a [u8] {
        &self.wasm[range.start as usize..range.end as usize]
    }

    fn alias(&mut self, alias: ComponentAlias<'a>) -> Result<(), FuseError> {
        match alias {
            ComponentAlias::CoreInstanceExport { kind, instance_index: instance, name } => {
                let origin = Origin::Export { instance, name };
                self.items.of_mut(kind).ok_or(FuseError::Unknown("an exception"))?.push(origin);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => {
                return Err(FuseError::Unknown("a core module of another component"));
            }
            alias => self.pieces.push(Piece::Alias(alias)),
        }
        Ok(())
    }

    /// Those instances whose modules are joined, in their order.
    pub(crate) fn members(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.instances.len() as u32).filter(|instance| self.is_member(*instance))
    }

    pub(crate) fn is_member(&self, instance: u32) -> bool {
        self.member[instance as usize]
    }

    /// The module of an instance that is no mere list of items.
    pub(crate) fn module(&self, instance: u32) -> Option<&Module<'a>> {
        match &self.instances[instance as usize] {
            Instance::Instantiate { module_index, .. } => Some(&self.modules[*module_index as usize]),
            Instance::FromExports(_) => None,
        }
    }

    /// In the order of instances: one that is joined needs only others that are, and functions that need none of them.
    fn choose(&mut self) {
        let mut uses = HashMap::<u32, u32>::new();
        for instance in &self.instances {
            if let Instance::Instantiate { module_index, .. } = instance {
                *uses.entry(*module_index).or_default() += 1;
            }
        }
        let mut has_memory = false;
        for (at, instance) in self.instances.iter().enumerate() {
            let Instance::Instantiate { module_index, .. } = instance else {
                self.member.push(false);
                continue;
            };
            let module = &self.modules[*module_index as usize];
            // A second copy of its code would be the price.
            let is_single = uses[module_index] == 1;
            let is_one_memory = module.memories.len() + usize::from(has_memory) <= 1;
            let is_provided = module.imports.iter().all(|import| {
                let ty = kind(&import.ty);
                let provider = ty.and_then(|kind| self.provider(at as u32, import.module, kind, import.name));
                provider.is_some_and(|provider| match provider {
                    Provider::Instance(other, _) => self.member[other as usize],
                    Provider::Canon(function) => self.stands_alone(function),
                })
            });
            let joins = !module.stays && is_single && is_one_memory && is_provided;
            has_memory |= joins && !module.memories.is_empty();
            self.member.push(joins);
        }
        // One alone is joined with nothing.
        if self.members().count() < 2 {
            self.member.fill(false);
        }
    }

    /// Whether a function that the component model makes needs no core module.
    fn stands_alone(&self, function: u32) -> bool {
        match &self.items.functions[function as usize] {
            Origin::Canon(CanonicalFunction::Lower { options, .. }) => options.iter().all(|option| {
                matches!(
                    option,
                    CanonicalOption::UTF8 | CanonicalOption::UTF16 | CanonicalOption::CompactUTF16
                )
            }),
            Origin::Canon(
                CanonicalFunction::ResourceNew { .. }
                | CanonicalFunction::ResourceDrop { .. }
                | CanonicalFunction::ResourceRep { .. },
            ) => true,
            Origin::Canon(_) | Origin::Export { .. } => false,
        }
    }

    /// Who gives `instance` what its module imports under these names.
    pub(crate) fn provider(
        &self,
        instance: u32,
        module: &str,
        kind: ExternalKind,
        name: &str,
    ) -> Option<Provider<'a>> {
        let Instance::Instantiate { args, .. } = &self.instances[instance as usize] else { return None };
        let given = args.iter().find(|arg| arg.name == module)?;
        self.exporter(given.index, kind, name)
    }

    /// Who stands behind an export of `instance`.
    fn exporter(&self, instance: u32, kind: ExternalKind, name: &str) -> Option<Provider<'a>> {
        match &self.instances[instance as usize] {
            Instance::Instantiate { module_index, .. } => {
                let (name, (found, _)) = self.modules[*module_index as usize].exports.get_key_value(name)?;
                (*found == kind).then_some(Provider::Instance(instance, name))
            }
            Instance::FromExports(exports) => {
                let export = exports.iter().find(|export| export.name == name && export.kind == kind)?;
                match self.items.of(kind)?.get(export.index as usize)? {
                    Origin::Export { instance, name } => self.exporter(*instance, kind, name),
                    Origin::Canon(_) => Some(Provider::Canon(export.index)),
                }
            }
        }
    }
}

impl<'a> Items<'a> {
    pub(crate) fn of(&self, kind: ExternalKind) -> Option<&[Origin<'a>]> {
        match kind {
            ExternalKind::Func => Some(&self.functions),
            ExternalKind::Table => Some(&self.tables),
            ExternalKind::Memory => Some(&self.memories),
            ExternalKind::Global => Some(&self.globals),
            ExternalKind::Tag | ExternalKind::FuncExact => None,
        }
    }

    fn of_mut(&mut self, kind: ExternalKind) -> Option<&mut Vec<Origin<'a>>> {
        match kind {
            ExternalKind::Func => Some(&mut self.functions),
            ExternalKind::Table => Some(&mut self.tables),
            ExternalKind::Memory => Some(&mut self.memories),
            ExternalKind::Global => Some(&mut self.globals),
            ExternalKind::Tag | ExternalKind::FuncExact => None,
        }
    }
}
