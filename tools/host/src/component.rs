//! Loading: from a file to a tool that can be called. Every step may refuse, and says why.

use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_core::digest;
use playhouse_core::tool::{EffectClass, ToolSpec};
use playhouse_schema::Schema;
use tokio_util::sync::CancellationToken;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::{self, Cache};
use crate::config::ToolConfig;
use crate::describe::{self, Claim, Description};
use crate::engine::Ticker;
use crate::error::LoadError;
use crate::executor::Pace;
use crate::guest::{Terms, Used};
use crate::imports::{self, Import};
use crate::isolate::Pool;
use crate::limits::Limits;
use crate::lock::Lock;
use crate::offers;
use crate::powers::Powers;
use crate::sandbox::Sandbox;

/// What a tool may compute to introduce itself: more than it can in the time it has.
const DESCRIBE_FUEL: u64 = u64::MAX / 2;
/// How long a tool may take to introduce itself.
const DESCRIBE_MAX: Duration = Duration::from_secs(1);

/// A tool that can be called.
pub(crate) struct Tool {
    pub(crate) spec: Arc<ToolSpec>,
    /// SHA-256 of the component, in hex.
    pub(crate) component: String,
    pub(crate) sandbox: Sandbox,
    pub(crate) imports: Vec<Import>,
    pub(crate) powers: Powers,
    pub(crate) input: Schema,
    pub(crate) output: Schema,
    /// Where its calls begin.
    pub(crate) pace: Arc<Pace>,
}

/// What loading needs besides the tool's own configuration.
pub(crate) struct Loader<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ticker: &'a Ticker,
    pub(crate) limits: Limits,
    pub(crate) lock: Option<&'a Lock>,
    pub(crate) cache: Option<&'a Cache>,
    /// Whether somebody sends the requests of tools.
    pub(crate) has_egress: bool,
    /// Where tools run, if not in this process.
    pub(crate) pool: Option<&'a Arc<Pool>>,
}

impl Loader<'_> {
    /// Reads, checks, compiles and introduces one component.
    pub(crate) fn load(&self, config: ToolConfig) -> Result<Tool, LoadError> {
        let path = &config.component.clone();
        let file = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let wasm = std::fs::read(path).map_err(|source| LoadError::File { path: path.clone(), source })?;
        let sha256 = digest::of_bytes(&wasm);
        self.lock.map_or(Ok(()), |lock| lock.knows(&file, &sha256))?;

        let believed = config.effect;
        let held = self.limits.hold(&config.allow.http.limits);
        held.map_err(|reason| LoadError::BadGrant { tool: file.clone(), reason })?;
        let powers = Powers::open(&file, config, self.has_egress)?;
        // Before it is compiled: of an interpreter, that takes a while.
        let imports = granted(&file, &wasm, &powers)?;
        let component = cache::compiled(self.cache, self.engine, &file, &wasm)?;
        let sandbox = self.sandbox(&component, &imports);
        let sandbox = sandbox
            .map_err(|error| LoadError::NotATool { tool: file.clone(), reason: format!("{error:#}") })?;

        let Introduced { text, about, input, output } = introduced(&sandbox, self.ticker, &file)?;
        let described = digest::of_bytes(text.as_bytes());
        self.lock.map_or(Ok(()), |lock| lock.fits(&about.name, &about.version, &sha256, &described))?;

        let proven = match imports.iter().all(|import| powers.only_reads(import.capability)) {
            true => EffectClass::Idempotent,
            false => EffectClass::Once,
        };
        let claim = Claim { declared: about.effect, believed, can_be_asked: sandbox.can_be_asked() };
        let effect = describe::effect(imports.is_empty(), proven, claim);
        let spec = Arc::new(ToolSpec {
            name: about.name,
            version: about.version,
            description: about.description,
            input_schema: about.input_schema,
            output_schema: about.output_schema,
            effect,
            annotations: describe::annotations(&imports, effect, |it| powers.only_reads(it)),
            // What runs, and what it said when it was accepted.
            digest: digest::of_bytes(format!("{sha256} {described}").as_bytes()),
        });
        Ok(Tool { spec, component: sha256, sandbox, imports, powers, input, output, pace: Arc::default() })
    }

    fn sandbox(&self, component: &Component, imports: &[Import]) -> wasmtime::Result<Sandbox> {
        let ready = offers::linker(self.engine, imports)?.instantiate_pre(component)?;
        match self.pool {
            None => Sandbox::new(self.engine, self.limits, ready),
            Some(pool) => Sandbox::away(pool, self.limits, imports, ready),
        }
    }
}

/// What a tool says about itself.
pub(crate) struct Introduced {
    /// As it said it.
    pub(crate) text: String,
    pub(crate) about: Description,
    input: Schema,
    output: Schema,
}

/// Lets the tool in `file` introduce itself, with nothing granted, and checks what it says.
pub(crate) fn introduced(sandbox: &Sandbox, ticker: &Ticker, file: &str) -> Result<Introduced, LoadError> {
    let bad = |reason| LoadError::Description { tool: file.to_owned(), reason };
    let ticking = ticker.begin();
    let text = sandbox.introduction(nothing_granted()).map_err(|error| bad(error.message))?;
    drop(ticking);
    let about = Description::parse(&text).map_err(bad)?;
    let input = Schema::compile(&about.input_schema).map_err(|e| bad(format!("its input schema: {e}")))?;
    let output = Schema::compile(&about.output_schema).map_err(|e| bad(format!("its output schema: {e}")))?;
    Ok(Introduced { text, about, input, output })
}

/// What the component in `wasm` imports, if all of it is known and allowed. The linker offers nothing else.
fn granted(file: &str, wasm: &[u8], powers: &Powers) -> Result<Vec<Import>, LoadError> {
    let names =
        imports::names(wasm).map_err(|reason| LoadError::NotAComponent { tool: file.to_owned(), reason })?;
    let import = |named: String| {
        let tool = file.to_owned();
        let Some(import) = Import::named(&named) else {
            let remedy = imports::remedy(&named);
            return Err(LoadError::UnknownImport { tool, import: named, remedy });
        };
        match powers.refuses(import.capability) {
            Some(remedy) => Err(LoadError::NotGranted { tool, import: named, remedy }),
            None => Ok(import),
        }
    };
    names.into_iter().map(import).collect()
}

/// A tool introduces itself before anything is granted: what it says must not depend on what it may do.
fn nothing_granted() -> Terms {
    let (until, given_up) = (Instant::now() + DESCRIBE_MAX, CancellationToken::new());
    Terms { until, given_up, given: None, fuel: DESCRIBE_FUEL, used: Used::default() }
}
