//! Makes one core module of several: their items one after the other, each under a new number.

use std::collections::{BTreeSet, HashMap};

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, EntityType, ExportKind,
    ExportSection, FunctionSection, GlobalSection, ImportSection, MemorySection, NameMap, NameSection,
    TableSection, TypeSection,
    reencode::{self, Reencode, utils},
};
use wasmparser::{ExternalKind, FuncType, Operator, TypeRef};

use crate::{
    FuseError,
    module::{Module, kind},
    plan::{Plan, Provider},
};

/// An export of a member: of which instance, of which kind, by which name.
pub(crate) type Wanted<'a> = BTreeSet<(u32, Kind, &'a str)>;

/// As [`ExternalKind`], but with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Function,
    Table,
    Memory,
    Global,
}

/// The module that the members became.
pub(crate) struct Joined {
    pub(crate) wasm: Vec<u8>,
    /// The functions of the component model that it imports, by their numbers, as `"0"`, `"1"`, … of `""`.
    pub(crate) imports: Vec<u32>,
}

/// The name of a member's export.
pub(crate) fn name(instance: u32, kind: Kind, name: &str) -> String {
    format!("{instance} {kind:?} {name}")
}

/// Where the items of a member are now.
#[derive(Default)]
struct Places {
    types: Vec<u32>,
    functions: Vec<u32>,
    tables: Vec<u32>,
    memories: Vec<u32>,
    globals: Vec<u32>,
    /// The numbers of its first segments.
    elements: u32,
    data: u32,
}

/// Joins the members of `plan`; of what they export, only `wanted` stays.
pub(crate) fn join(plan: &Plan<'_>, wanted: &Wanted<'_>) -> Result<Joined, FuseError> {
    let mut joiner = Joiner::default();
    let members: Vec<u32> = plan.members().collect();
    for instance in &members {
        joiner.import(plan, *instance)?;
    }
    for instance in &members {
        joiner.place(plan, *instance)?;
    }
    for instance in &members {
        joiner.encode(plan, *instance).map_err(|error| FuseError::Broken(error.to_string()))?;
    }
    joiner.finish(plan, wanted)
}

#[derive(Default)]
struct Joiner {
    types: TypeSection,
    known_types: HashMap<FuncType, u32>,
    imports: ImportSection,
    imported: Vec<u32>,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
    names: Vec<(u32, String)>,
    places: HashMap<u32, Places>,
    /// Values of globals that never change, by their new numbers.
    constants: HashMap<u32, Vec<u8>>,
    /// So many items have a number.
    placed: HashMap<Kind, u32>,
}

impl Joiner {
    /// Its types, and the imports that no other member provides: they have the first numbers.
    fn import(&mut self, plan: &Plan<'_>, instance: u32) -> Result<(), FuseError> {
        let module = module(plan, instance)?;
        let mut places = Places::default();
        for ty in &module.types {
            places.types.push(self.type_of(ty)?);
        }
        for import in &module.imports {
            let TypeRef::Func(ty) = import.ty else { continue };
            let provider = plan.provider(instance, import.module, ExternalKind::Func, import.name);
            if let Some(Provider::Canon(function)) = provider
                && !self.imported.contains(&function)
            {
                let name = self.imported.len().to_string();
                self.imports.import("", &name, EntityType::Function(places.types[ty as usize]));
                self.imported.push(function);
            }
        }
        self.places.insert(instance, places);
        Ok(())
    }

    fn type_of(&mut self, ty: &FuncType) -> Result<u32, FuseError> {
        if let Some(known) = self.known_types.get(ty) {
            return Ok(*known);
        }
        let encoded = reencode::RoundtripReencoder.func_type(ty.clone());
        let encoded = encoded.map_err(|error| FuseError::Broken(error.to_string()))?;
        self.types.ty().func_type(&encoded);
        let number = self.known_types.len() as u32;
        self.known_types.insert(ty.clone(), number);
        Ok(number)
    }

    /// The numbers of its items: those of what it imports, and the next ones for what it defines.
    fn place(&mut self, plan: &Plan<'_>, instance: u32) -> Result<(), FuseError> {
        let module = module(plan, instance)?;
        let mut places = self.places.remove(&instance).unwrap_or_default();
        for import in &module.imports {
            let kind = kind(&import.ty).ok_or(FuseError::Unknown("an import of another kind"))?;
            let provider = plan.provider(instance, import.module, kind, import.name);
            let number = match provider.ok_or(FuseError::Unknown("an import without a provider"))? {
                Provider::Canon(function) => {
                    let at = self.imported.iter().position(|known| *known == function);
                    at.ok_or(FuseError::Unknown("an import without a place"))? as u32
                }
                Provider::Instance(other, name) => {
                    self.number(plan, other, name).ok_or(FuseError::Unknown("an export without a place"))?
                }
            };
            places.of_mut(Kind::of(kind)?).push(number);
        }
        let defined = [
            (Kind::Function, module.functions.len()),
            (Kind::Table, module.tables.len()),
            (Kind::Memory, module.memories.len()),
            (Kind::Global, module.globals.len()),
        ];
        for (kind, count) in defined {
            let first = if kind == Kind::Function { self.imported.len() as u32 } else { 0 };
            let next = self.placed.entry(kind).or_insert(first);
            places.of_mut(kind).extend(*next..*next + count as u32);
            *next += count as u32;
        }
        places.elements = self.elements_placed(plan, instance, |module| module.elements.len());
        places.data = self.elements_placed(plan, instance, |module| module.data.len());
        self.places.insert(instance, places);
        Ok(())
    }

    /// How many of something the members before `instance` have.
    fn elements_placed(&self, plan: &Plan<'_>, instance: u32, count: impl Fn(&Module<'_>) -> usize) -> u32 {
        let before = plan.members().take_while(|other| *other < instance);
        before.filter_map(|other| plan.module(other)).map(|module| count(module) as u32).sum()
    }

    /// The new number of what a member exports.
    fn number(&self, plan: &Plan<'_>, instance: u32, name: &str) -> Option<u32> {
        let (kind, index) = plan.module(instance)?.exports.get(name)?;
        self.places.get(&instance)?.of(Kind::of(*kind).ok()?).get(*index as usize).copied()
    }

    /// What it defines, under the new numbers.
    fn encode(&mut self, plan: &Plan<'_>, instance: u32) -> Result<(), reencode::Error<FuseError>> {
        let module = module(plan, instance).map_err(reencode::Error::UserError)?;
        let places = self.places.remove(&instance).unwrap_or_default();
        for ty in &module.functions {
            self.functions.function(places.types[*ty as usize]);
        }
        let mut member = Member { places: &places, constants: &self.constants };
        for table in &module.tables {
            member.parse_table(&mut self.tables, table.clone())?;
        }
        for memory in &module.memories {
            self.memories.memory(member.memory_type(*memory)?);
        }
        let first = module.imported(ExternalKind::Global);
        let mut constants = Vec::new();
        for (at, global) in module.globals.iter().enumerate() {
            let value = member.const_expr(global.init_expr.clone())?;
            self.globals.global(member.global_type(global.ty)?, &value);
            if !global.ty.mutable {
                constants.push((places.globals[first + at], bytes(&value)));
            }
        }
        for element in &module.elements {
            member.parse_element(&mut self.elements, element.clone())?;
        }
        for body in &module.bodies {
            member.parse_function_body(&mut self.code, body.clone())?;
        }
        for data in &module.data {
            member.parse_data(&mut self.data, data.clone())?;
        }
        let imported = module.imported(ExternalKind::Func) as u32;
        let own = module.names.iter().filter(|(index, _)| *index >= imported);
        let named = own
            .filter_map(|(index, name)| Some((*places.functions.get(*index as usize)?, (*name).to_owned())));
        self.names.extend(named);
        self.constants.extend(constants);
        self.places.insert(instance, places);
        Ok(())
    }

    fn finish(mut self, plan: &Plan<'_>, wanted: &Wanted<'_>) -> Result<Joined, FuseError> {
        let mut exports = ExportSection::new();
        for (instance, kind, wanted) in wanted {
            let number = self.number(plan, *instance, wanted);
            let number = number.ok_or(FuseError::Unknown("an export that nobody has"))?;
            exports.export(&name(*instance, *kind, wanted), (*kind).into(), number);
        }
        self.names.sort_by_key(|(number, _)| *number);
        let mut functions = NameMap::new();
        self.names.iter().for_each(|(number, name)| functions.append(*number, name));
        let mut names = NameSection::new();
        names.functions(&functions);

        let mut module = wasm_encoder::Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&self.tables).section(&self.memories).section(&self.globals);
        module.section(&exports).section(&self.elements);
        module.section(&DataCountSection { count: self.data.len() });
        module.section(&self.code).section(&self.data);
        if !self.names.is_empty() {
            module.section(&names);
        }
        Ok(Joined { wasm: module.finish(), imports: self.imported })
    }
}

fn module<'p, 'a>(plan: &'p Plan<'a>, instance: u32) -> Result<&'p Module<'a>, FuseError> {
    plan.module(instance).ok_or(FuseError::Unknown("a member without a module"))
}

fn bytes(value: &ConstExpr) -> Vec<u8> {
    let mut bytes = Vec::new();
    wasm_encoder::Encode::encode(value, &mut bytes);
    // The mark of its end.
    bytes.pop();
    bytes
}

/// Writes items of one member with their new numbers.
struct Member<'p> {
    places: &'p Places,
    constants: &'p HashMap<u32, Vec<u8>>,
}

type Renumbered = Result<u32, reencode::Error<FuseError>>;

impl Member<'_> {
    fn number(numbers: &[u32], index: u32) -> Renumbered {
        let number = numbers.get(index as usize).copied();
        number.ok_or(reencode::Error::UserError(FuseError::Unknown("a number without an item")))
    }
}

impl Reencode for Member<'_> {
    type Error = FuseError;

    fn type_index(&mut self, index: u32) -> Renumbered {
        Self::number(&self.places.types, index)
    }

    fn function_index(&mut self, index: u32) -> Renumbered {
        Self::number(&self.places.functions, index)
    }

    fn table_index(&mut self, index: u32) -> Renumbered {
        Self::number(&self.places.tables, index)
    }

    fn memory_index(&mut self, index: u32) -> Renumbered {
        Self::number(&self.places.memories, index)
    }

    fn global_index(&mut self, index: u32) -> Renumbered {
        Self::number(&self.places.globals, index)
    }

    fn element_index(&mut self, index: u32) -> Renumbered {
        Ok(self.places.elements + index)
    }

    fn data_index(&mut self, index: u32) -> Renumbered {
        Ok(self.places.data + index)
    }

    /// Where another member's constant was asked for, its value: only with that does the engine know before it makes an
    /// instance what lies where.
    fn const_expr(
        &mut self,
        expression: wasmparser::ConstExpr<'_>,
    ) -> Result<ConstExpr, reencode::Error<FuseError>> {
        let (mut operators, mut written) = (expression.get_operators_reader(), Vec::new());
        while !operators.is_end_then_eof() {
            match operators.read()? {
                Operator::GlobalGet { global_index } => {
                    let number = self.global_index(global_index)?;
                    let value = self.constants.get(&number);
                    let unknown = FuseError::Unknown("a constant that is none");
                    written.extend(value.ok_or(reencode::Error::UserError(unknown))?);
                }
                operator => {
                    wasm_encoder::Encode::encode(&utils::instruction(self, operator)?, &mut written);
                }
            }
        }
        Ok(ConstExpr::raw(written))
    }
}

impl Places {
    fn of(&self, kind: Kind) -> &[u32] {
        match kind {
            Kind::Function => &self.functions,
            Kind::Table => &self.tables,
            Kind::Memory => &self.memories,
            Kind::Global => &self.globals,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut Vec<u32> {
        match kind {
            Kind::Function => &mut self.functions,
            Kind::Table => &mut self.tables,
            Kind::Memory => &mut self.memories,
            Kind::Global => &mut self.globals,
        }
    }
}

impl Kind {
    pub(crate) fn of(kind: ExternalKind) -> Result<Self, FuseError> {
        match kind {
            ExternalKind::Func => Ok(Self::Function),
            ExternalKind::Table => Ok(Self::Table),
            ExternalKind::Memory => Ok(Self::Memory),
            ExternalKind::Global => Ok(Self::Global),
            ExternalKind::Tag | ExternalKind::FuncExact => Err(FuseError::Unknown("an item of another kind")),
        }
    }
}

impl Kind {
    pub(crate) fn external(self) -> ExternalKind {
        match self {
            Self::Function => ExternalKind::Func,
            Self::Table => ExternalKind::Table,
            Self::Memory => ExternalKind::Memory,
            Self::Global => ExternalKind::Global,
        }
    }
}

impl From<Kind> for ExportKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Function => Self::Func,
            Kind::Table => Self::Table,
            Kind::Memory => Self::Memory,
            Kind::Global => Self::Global,
        }
    }
}
