//! Writes the component around the joined module.
//!
//! The sections of the component itself keep their order and their numbers. Core items are written when something refers to
//! them, under new numbers: most were there to link what is one module now.

use std::collections::{BTreeSet, HashMap};

use wasm_encoder::{
    Alias, CanonicalFunctionSection, Component, ComponentAliasSection, ExportKind, InstanceSection,
    ModuleArg, RawSection,
    reencode::{self, Reencode, ReencodeComponent},
};
use wasmparser::{ExternalKind, Instance};

use crate::{
    FuseError,
    join::{Joined, Kind, Wanted, name},
    module::kind,
    plan::{Origin, Piece, Plan},
};

/// What of the members' exports the rest of the component needs.
pub(crate) fn wanted<'a>(plan: &Plan<'a>) -> Result<Wanted<'a>, FuseError> {
    // Which items it refers to does not depend on what is in the module.
    let nothing = Joined { wasm: Vec::new(), imports: Vec::new() };
    Ok(Writer::run(plan, &nothing)?.wanted)
}

/// The component, with `joined` in the place of its members.
pub(crate) fn write(plan: &Plan<'_>, joined: &Joined) -> Result<Vec<u8>, FuseError> {
    Ok(Writer::run(plan, joined)?.out.finish())
}

struct Writer<'p, 'a> {
    plan: &'p Plan<'a>,
    joined: &'p Joined,
    out: Component,
    wanted: Wanted<'a>,
    /// New numbers, by the old ones.
    items: HashMap<(Kind, u32), u32>,
    modules: HashMap<u32, u32>,
    instances: HashMap<u32, u32>,
    /// The instance of the joined module.
    one: Option<u32>,
    /// So many there are of each.
    counts: HashMap<Kind, u32>,
    modules_written: u32,
    instances_written: u32,
}

type Renumbered = Result<u32, FuseError>;

impl<'p, 'a> Writer<'p, 'a> {
    fn run(plan: &'p Plan<'a>, joined: &'p Joined) -> Result<Self, FuseError> {
        let mut writer = Self {
            plan,
            joined,
            out: Component::new(),
            wanted: BTreeSet::new(),
            items: HashMap::new(),
            modules: HashMap::new(),
            instances: HashMap::new(),
            one: None,
            counts: HashMap::new(),
            modules_written: 0,
            instances_written: 0,
        };
        for piece in &plan.pieces {
            writer.piece(piece)?;
        }
        Ok(writer)
    }

    fn piece(&mut self, piece: &Piece<'a>) -> Result<(), FuseError> {
        match piece {
            Piece::Section { id, data } => {
                self.out.section(&RawSection { id: *id, data });
            }
            Piece::Alias(alias) => {
                let alias = self.component_alias(alias.clone()).map_err(plain)?;
                self.alias(alias);
            }
            Piece::Lift(function) => {
                let mut section = CanonicalFunctionSection::new();
                self.parse_component_canonical(&mut section, function.clone()).map_err(plain)?;
                self.out.section(&section);
            }
            // Once all of them would have been made.
            Piece::Instance(instance) if self.plan.is_member(*instance) => {
                if self.plan.members().last() == Some(*instance) {
                    self.one()?;
                }
            }
            Piece::Instance(instance) => drop(self.instance(*instance)?),
        }
        Ok(())
    }

    fn alias(&mut self, alias: Alias<'_>) {
        let mut section = ComponentAliasSection::new();
        section.alias(alias);
        self.out.section(&section);
    }

    /// The new number of a core item, which is written now if it was not.
    fn item(&mut self, kind: Kind, old: u32) -> Renumbered {
        if let Some(new) = self.items.get(&(kind, old)) {
            return Ok(*new);
        }
        let origins = self.plan.items.of(kind.external()).unwrap_or_default();
        let origin = origins.get(old as usize).ok_or(FuseError::Unknown("a number without an item"))?;
        let new = match origin.clone() {
            Origin::Export { instance, name } => self.export(instance, kind, name)?,
            Origin::Canon(function) => {
                let mut section = CanonicalFunctionSection::new();
                self.parse_component_canonical(&mut section, function).map_err(plain)?;
                self.out.section(&section);
                self.next(kind)
            }
        };
        self.items.insert((kind, old), new);
        Ok(new)
    }

    fn next(&mut self, kind: Kind) -> u32 {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        *count - 1
    }

    /// What an instance exports, as an item.
    fn export(&mut self, instance: u32, kind: Kind, export: &'a str) -> Renumbered {
        let plan = self.plan;
        if let Instance::FromExports(exports) = &plan.instances[instance as usize] {
            let found = exports.iter().find(|it| it.name == export && it.kind == kind.external());
            return self.item(kind, found.ok_or(FuseError::Unknown("a list without an item"))?.index);
        }
        let (instance, export) = if plan.is_member(instance) {
            self.wanted.insert((instance, kind, export));
            (self.one()?, name(instance, kind, export))
        } else {
            (self.instance(instance)?, export.to_owned())
        };
        self.alias(Alias::CoreInstanceExport { instance, kind: kind.into(), name: &export });
        Ok(self.next(kind))
    }

    /// The instance of the joined module.
    fn one(&mut self) -> Renumbered {
        if let Some(one) = self.one {
            return Ok(one);
        }
        let mut given = Vec::new();
        for (at, function) in self.joined.imports.iter().enumerate() {
            given.push((at.to_string(), self.item(Kind::Function, *function)?));
        }
        let given: Vec<_> =
            given.iter().map(|(name, function)| (name.as_str(), ExportKind::Func, *function)).collect();
        let given = self.list(&given);
        let module = self.written(&self.joined.wasm);
        let one = self.made(module, &[("", given)]);
        self.one = Some(one);
        Ok(one)
    }

    /// An instance that is only a list of items.
    fn list(&mut self, items: &[(&str, ExportKind, u32)]) -> u32 {
        let mut section = InstanceSection::new();
        section.export_items(items.iter().copied());
        self.out.section(&section);
        self.instances_written += 1;
        self.instances_written - 1
    }

    fn written(&mut self, wasm: &[u8]) -> u32 {
        self.out.section(&RawSection { id: 1, data: wasm });
        self.modules_written += 1;
        self.modules_written - 1
    }

    fn made(&mut self, module: u32, given: &[(&str, u32)]) -> u32 {
        let mut section = InstanceSection::new();
        section.instantiate(
            module,
            given.iter().map(|(name, instance)| (*name, ModuleArg::Instance(*instance))),
        );
        self.out.section(&section);
        self.instances_written += 1;
        self.instances_written - 1
    }

    /// The new number of an instance that is not joined, which is written now if it was not.
    fn instance(&mut self, old: u32) -> Renumbered {
        if let Some(new) = self.instances.get(&old) {
            return Ok(*new);
        }
        let plan = self.plan;
        let new = match &plan.instances[old as usize] {
            Instance::FromExports(exports) => {
                let mut items = Vec::new();
                for export in exports {
                    let kind = Kind::of(export.kind)?;
                    items.push((export.name, ExportKind::from(kind), self.item(kind, export.index)?));
                }
                self.list(&items)
            }
            Instance::Instantiate { module_index, args } => {
                let mut given = Vec::new();
                for arg in args {
                    given.push((arg.name, self.given(*module_index, arg.name, arg.index)?));
                }
                let module = match self.modules.get(module_index) {
                    Some(module) => *module,
                    None => self.written(plan.sources[*module_index as usize]),
                };
                self.modules.insert(*module_index, module);
                self.made(module, &given)
            }
        };
        self.instances.insert(old, new);
        Ok(new)
    }

    /// What `module` is given as `argument`. Of a member it gets what it imports, under the names that it knows.
    fn given(&mut self, module: u32, argument: &str, instance: u32) -> Renumbered {
        let plan = self.plan;
        if !plan.is_member(instance) {
            return self.instance(instance);
        }
        let mut items = Vec::new();
        for import in plan.modules[module as usize].imports.iter().filter(|import| import.module == argument)
        {
            let kind = Kind::of(kind(&import.ty).unwrap_or(ExternalKind::Tag))?;
            items.push((import.name, ExportKind::from(kind), self.export(instance, kind, import.name)?));
        }
        Ok(self.list(&items))
    }
}

impl Reencode for Writer<'_, '_> {
    type Error = FuseError;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<FuseError>> {
        self.item(Kind::Function, index).map_err(reencode::Error::UserError)
    }

    fn table_index(&mut self, index: u32) -> Result<u32, reencode::Error<FuseError>> {
        self.item(Kind::Table, index).map_err(reencode::Error::UserError)
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, reencode::Error<FuseError>> {
        self.item(Kind::Memory, index).map_err(reencode::Error::UserError)
    }

    fn global_index(&mut self, index: u32) -> Result<u32, reencode::Error<FuseError>> {
        self.item(Kind::Global, index).map_err(reencode::Error::UserError)
    }
}

impl ReencodeComponent for Writer<'_, '_> {}

fn plain(error: reencode::Error<FuseError>) -> FuseError {
    match error {
        reencode::Error::UserError(error) => error,
        other => FuseError::Broken(other.to_string()),
    }
}
