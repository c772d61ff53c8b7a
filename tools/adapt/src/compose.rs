//! Putting the parts around a component.

use std::collections::BTreeMap;

use playhouse_core::digest;
use wasm_encoder::reencode::{ReencodeComponent, RoundtripReencoder};
use wasm_encoder::{ComponentBuilder, ComponentExportKind, ComponentTypeRef};
use wasmparser::InstanceTypeDeclaration;

use crate::about::{Label, labelled};
use crate::error::AdaptError;
use crate::given::{Given, SPEAKS, why_not};
use crate::look::{Import, Look, valid};
use crate::parts::{ABSENT, ADAPTER, FRONT};

const CONTRACT: &str = "playhouse:tool/";
const TOOL: &str = "playhouse:tool/tool";
const CHECKABLE: &str = "playhouse:tool/checkable";
const SOCKETS: &str = "wasi:sockets/";
const HANDLER: &str = "wasi:http/incoming-handler";

/// A tool that was a component of another kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapted {
    /// The composed component.
    pub wasm: Vec<u8>,
    /// What it imports: what the host is asked for.
    pub imports: Vec<String>,
    /// SHA-256 of the component inside, in hex.
    pub origin_sha256: String,
    /// Whether the component imports `wasi:sockets`, as interpreters do. It never gets one.
    pub wants_sockets: bool,
}

/// Makes a tool of `wasm`. `label` is for a component that answers requests; one that is a tool already, but for what it
/// imports, has a name of its own and takes none.
///
/// # Errors
/// [`AdaptError`], which says what of the component cannot be given, by name.
pub fn adapt(wasm: &[u8], label: Option<&Label>) -> Result<Adapted, AdaptError> {
    let component = Look::at(wasm)?;
    let kind = kind(&component)?;
    let wants = wants(&component)?;
    let front = match (&kind, label) {
        (Kind::Tool(_), None) => None,
        (Kind::Tool(_), Some(_)) => return Err(AdaptError::NamesItself),
        (Kind::Handler(_), label) => {
            let label = label.ok_or(AdaptError::Unnamed)?;
            Some(labelled(FRONT, label, wants.contains(&"http"))?)
        }
    };
    let adapter = Look::at(ADAPTER)?;
    let mut whole = Whole::default();
    // In this order, by which `origin` knows them.
    let (adapters, inside) = (whole.component(ADAPTER), whole.component(wasm));
    for import in component.imports.iter().filter(|import| import.name.starts_with(CONTRACT)) {
        whole.import(import)?;
    }
    for import in &adapter.imports {
        match wants.iter().any(|interface| is_of(import.name, interface)) {
            true => whole.import(import)?,
            false => whole.do_without(import.name),
        }
    }
    whole.instantiate(adapters, &adapter);
    whole.missing.clear();
    whole.instantiate(inside, &component);
    match (&kind, front.as_deref()) {
        (Kind::Handler(handler), Some(front)) => {
            whole.rename(handler, &format!("{HANDLER}@{SPEAKS}"));
            let at = whole.component(front);
            let front = Look::at(front)?;
            whole.instantiate(at, &front);
            front.exports.iter().for_each(|name| whole.export(name));
        }
        (Kind::Handler(name), None) => whole.export(name),
        (Kind::Tool(names), _) => names.iter().for_each(|name| whole.export(name)),
    }
    whole.finish(&component)
}

/// What there is in a component to call, by the names of its exports.
enum Kind<'a> {
    Tool(Vec<&'a str>),
    Handler(&'a str),
}

fn kind<'a>(component: &Look<'a>) -> Result<Kind<'a>, AdaptError> {
    if let Some(tool) = component.export(TOOL, |_| true) {
        if component.imports.iter().all(|import| import.name.starts_with(CONTRACT)) {
            return Err(AdaptError::IsATool);
        }
        return Ok(Kind::Tool(
            [Some(tool), component.export(CHECKABLE, |_| true)].into_iter().flatten().collect(),
        ));
    }
    let handler = component.export(HANDLER, |version| version.starts_with("0.2."));
    let nothing =
        || AdaptError::NothingToCall(component.exports.iter().map(|&name| name.to_owned()).collect());
    handler.map(Kind::Handler).ok_or_else(nothing)
}

/// The interfaces of the contract without which the component would not get what it asks for.
fn wants(component: &Look<'_>) -> Result<Vec<&'static str>, AdaptError> {
    let mut wants = Vec::new();
    for import in component.imports.iter().filter(|import| !import.name.starts_with(CONTRACT)) {
        let given = Given::named(import.name);
        let given = given.ok_or_else(|| AdaptError::NotGiven {
            import: import.name.to_owned(),
            why: why_not(import.name),
        })?;
        wants.extend(given.needs.filter(|_| import.has_functions()));
    }
    Ok(wants)
}

/// Whether `name` is `playhouse:tool/interface@…`.
fn is_of(name: &str, interface: &str) -> bool {
    let rest = name.strip_prefix(CONTRACT).and_then(|name| name.strip_prefix(interface));
    rest.is_some_and(|rest| rest.starts_with('@'))
}

/// The component that is being made.
#[derive(Default)]
struct Whole {
    builder: ComponentBuilder,
    /// Instances that are here, by the name under which they are wanted.
    has: BTreeMap<String, u32>,
    /// Those of the part `absent`, which are for the adapter alone.
    missing: BTreeMap<String, u32>,
    absent: Option<u32>,
    imports: Vec<String>,
}

impl Whole {
    /// Puts a component in, without making an instance of it.
    fn component(&mut self, bytes: &[u8]) -> u32 {
        self.builder.component_raw(None, bytes)
    }

    /// Has it from the host.
    fn import(&mut self, import: &Import<'_>) -> Result<(), AdaptError> {
        if self.has.contains_key(import.name) {
            return Ok(());
        }
        let strange = || AdaptError::NotGiven {
            import: import.name.to_owned(),
            why: "its type does not stand by itself, as those of the contract do",
        };
        let declares = import.declares.clone().ok_or_else(strange)?;
        if declares.iter().any(|declared| matches!(declared, InstanceTypeDeclaration::Alias(_))) {
            return Err(strange());
        }
        let ty = RoundtripReencoder.component_instance_type(declares).map_err(|_| strange())?;
        let ty = self.builder.type_instance(None, &ty);
        let at = self.builder.import(import.name, ComponentTypeRef::Instance(ty));
        self.has.insert(import.name.to_owned(), at);
        self.imports.push(import.name.to_owned());
        Ok(())
    }

    /// Lets the adapter have something else, which is of no use.
    fn do_without(&mut self, name: &str) {
        let absent = self.absent.unwrap_or_else(|| {
            let at = self.builder.component_raw(None, ABSENT);
            self.builder.instantiate::<_, &str>(None, at, [])
        });
        self.absent = Some(absent);
        let at = self.builder.alias_export(absent, name, ComponentExportKind::Instance);
        self.missing.insert(name.to_owned(), at);
    }

    /// Makes an instance, of what is here, and has what it exports.
    fn instantiate(&mut self, component: u32, look: &Look<'_>) {
        // What is not here is missed by the validator, which says so better.
        let argument = |name| Some((name, ComponentExportKind::Instance, self.given(name)?));
        let arguments: Vec<_> = look.imports.iter().filter_map(|import| argument(import.name)).collect();
        let instance = self.builder.instantiate(None, component, arguments);
        for name in &look.exports {
            let at = self.builder.alias_export(instance, name, ComponentExportKind::Instance);
            // The component exports what it likes: nothing of it takes the place of what is here for others.
            self.has.entry((*name).to_owned()).or_insert(at);
        }
    }

    /// What is here for an import of this name.
    fn given(&self, import: &str) -> Option<u32> {
        let name = Given::named(import).map_or_else(|| import.to_owned(), Given::export);
        self.has.get(&name).or_else(|| self.missing.get(&name)).copied()
    }

    /// Lets what is here under `name` be wanted as `other`.
    fn rename(&mut self, name: &str, other: &str) {
        let at = self.has[name];
        self.has.insert(other.to_owned(), at);
    }

    fn export(&mut self, name: &str) {
        self.builder.export(name, ComponentExportKind::Instance, self.has[name], None);
    }

    fn finish(self, origin: &Look<'_>) -> Result<Adapted, AdaptError> {
        let wasm = self.builder.finish();
        valid(&wasm).map_err(|reason| AdaptError::DoesNotFit { reason })?;
        let wants_sockets = origin.imports.iter().any(|import| import.name.starts_with(SOCKETS));
        Ok(Adapted {
            wasm,
            imports: self.imports,
            origin_sha256: digest::of_bytes(origin.bytes),
            wants_sockets,
        })
    }
}
