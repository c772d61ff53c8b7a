//! The commands as a tool box: a schema for each, its arguments checked, its result as JSON.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use playhouse_core::{
    digest,
    tool::{Annotations, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec},
};
use playhouse_ports::ToolBox;
use playhouse_tools_confine::find;
use serde_json::{Map, Value, json};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    Access, BadCommand, CommandConfig,
    bounds::{
        ARGUMENTS_BYTES_MAX, ARGUMENTS_MAX, STDERR_BYTES_MAX, STDIN_BYTES_MAX, STDOUT_BYTES_MAX, WAITING_MAX,
    },
    can_keep, quota,
    run::{self, Confinement, Ended},
    wire::{Job, Program},
};

/// This program, even after its file was replaced.
const SELF: &str = "/proc/self/exe";
/// For a daemon that was started without one, and for every command.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Where a [`CommandToolBox`] keeps what, and how it goes about it.
#[derive(Debug, Clone)]
pub struct CommandOptions {
    /// Holds an empty folder for each call, and nothing between calls. It is made.
    pub scratch: PathBuf,
    /// A program whose `main` calls [`worker_entry`](crate::worker_entry) first thing; this one, if there is none.
    pub keeper: Option<PathBuf>,
    /// Whether to look for namespaces. Without, commands run as on a kernel that has none for us.
    pub namespaces: bool,
}

impl CommandOptions {
    /// This program keeps commands, in folders below `scratch`.
    pub fn within(scratch: impl Into<PathBuf>) -> Self {
        Self { scratch: scratch.into(), keeper: None, namespaces: true }
    }
}

/// A [`ToolBox`] over the commands of an operator.
#[derive(Debug)]
pub struct CommandToolBox {
    commands: BTreeMap<String, One>,
    scratch: PathBuf,
    keeper: PathBuf,
}

#[derive(Debug)]
struct One {
    config: CommandConfig,
    spec: Arc<ToolSpec>,
    /// By the names that a model uses.
    programs: BTreeMap<String, PathBuf>,
    namespaces: bool,
    permits: Semaphore,
    places: Semaphore,
}

impl CommandToolBox {
    /// Checks the configuration, finds the programs, and finds out how commands are confined on this machine, which takes
    /// some milliseconds and is said in the log.
    ///
    /// # Errors
    /// What is wrong with a command, or that this machine cannot confine it as it wants to be.
    pub fn open(
        commands: BTreeMap<String, CommandConfig>,
        options: &CommandOptions,
    ) -> Result<Self, BadCommand> {
        for (name, config) in &commands {
            config.check(name)?;
        }
        let bad = |problem: String| BadCommand { name: "*".into(), problem };
        let scratch = &options.scratch;
        let keeper = options.keeper.clone().unwrap_or_else(|| SELF.into());
        let mut all = Self { commands: BTreeMap::new(), scratch: scratch.clone(), keeper };
        if commands.is_empty() {
            return Ok(all);
        }
        if options.keeper.is_none() && !can_keep() {
            return Err(bad(
                "this program cannot keep commands: its `main` has to call `worker_entry` first thing".into(),
            ));
        }
        let there = std::fs::create_dir_all(scratch).and_then(|()| scratch.canonicalize());
        all.scratch = there.map_err(|error| bad(format!("its folder `{}`: {error}", scratch.display())))?;
        let folder = all.folder().map_err(|error| bad(error.message))?;
        let probe = Job {
            namespaces: options.namespaces,
            network: false,
            read: Vec::new(),
            write: Vec::new(),
            scratch: folder.path().to_owned(),
            limits: crate::CommandLimits::default(),
            program: None,
        };
        let found = run::probe(&all.keeper, &probe).map_err(bad)?;
        for (name, config) in commands {
            let one = One::new(&name, config, &found)
                .map_err(|problem| BadCommand { name: name.clone(), problem })?;
            if found.namespaces {
                tracing::info!(target: "playhouse::command", name, "runs {}", found.told);
            } else {
                tracing::warn!(target: "playhouse::command", name, "runs {}", found.told);
            }
            all.commands.insert(name, one);
        }
        Ok(all)
    }

    fn of(&self, tool: &str) -> Result<&One, ToolError> {
        let unknown = || ToolError::new(ToolErrorKind::UnknownTool, format!("there is no command `{tool}`"));
        self.commands.get(tool).ok_or_else(unknown)
    }

    /// An empty folder for one call, which is gone after it.
    fn folder(&self) -> Result<tempfile::TempDir, ToolError> {
        tempfile::tempdir_in(&self.scratch).map_err(|error| {
            ToolError::new(
                ToolErrorKind::Upstream,
                format!("a folder in `{}`: {error}", self.scratch.display()),
            )
        })
    }
}

impl One {
    fn new(name: &str, mut config: CommandConfig, found: &Confinement) -> Result<Self, String> {
        if config.require_namespaces && !found.namespaces {
            return Err(format!("it requires namespaces, and here it would run {}", found.told));
        }
        let path = std::env::var("PATH").unwrap_or_else(|_| PATH.into());
        let mut programs = BTreeMap::new();
        for program in config.all_programs() {
            let place = find(&program.to_string_lossy(), &path).map_err(|error| error.to_string())?;
            if !place.is_file() {
                return Err(format!("there is no program `{}`", place.display()));
            }
            let short =
                program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if programs.insert(short.clone(), place).is_some() {
                return Err(format!("two of its programs are called `{short}`"));
            }
        }
        for path in config.read.iter_mut().chain(&mut config.folder) {
            // It starts in a root of its own, where nothing is relative to where we are.
            *path = std::path::absolute(&*path).map_err(|error| format!("`{}`: {error}", path.display()))?;
            path.metadata().map_err(|error| format!("`{}`: {error}", path.display()))?;
        }
        let spec = Arc::new(spec(name, &config, programs.keys(), found));
        let permits = Semaphore::new(config.concurrency);
        Ok(Self {
            config,
            spec,
            programs,
            namespaces: found.namespaces,
            permits,
            places: Semaphore::new(WAITING_MAX),
        })
    }

    /// What is to run, if the arguments are what the schema says.
    fn program(&self, arguments: &Value) -> Result<Program, String> {
        let object =
            arguments.as_object().ok_or("the arguments are an object, for example {\"args\": []}")?;
        let stdin = self.config.stdin.as_deref();
        let known = |key: &str| matches!(key, "args" | "program") || Some(key) == stdin;
        if let Some(other) = object.keys().find(|key| !known(key)) {
            return Err(format!("there is no field `{other}`: give `args`, a list of strings"));
        }
        let path = match (object.get("program"), self.programs.first_key_value()) {
            (None, Some((_, only))) if self.programs.len() == 1 => only,
            (chosen, _) => {
                let chosen = chosen.and_then(Value::as_str).unwrap_or_default();
                let known = || self.programs.keys().cloned().collect::<Vec<_>>().join(", ");
                self.programs.get(chosen).ok_or_else(|| format!("`program` is one of: {}", known()))?
            }
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let args: Option<Vec<String>> = match object.get("args") {
            None => Some(Vec::new()),
            Some(args) => args.as_array().and_then(|args| args.iter().map(text).collect()),
        };
        let args = args.ok_or("`args` is a list of strings, for example [\"-n\", \"notes.txt\"]")?;
        if args.len() > ARGUMENTS_MAX || args.iter().map(String::len).sum::<usize>() > ARGUMENTS_BYTES_MAX {
            return Err(format!(
                "`args` has more than {ARGUMENTS_MAX} strings or {ARGUMENTS_BYTES_MAX} bytes"
            ));
        }
        if args.iter().any(|arg| arg.contains('\0')) {
            return Err("`args` holds a NUL character, which no program can be given".into());
        }
        let stdin = self.stdin(object)?;
        let mut env =
            BTreeMap::from([("PATH", PATH), ("LANG", "C.UTF-8")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        env.extend(self.config.env.clone());
        let args = self.config.args.iter().cloned().chain(args).collect();
        Ok(Program { path: path.clone(), args, env, folder: self.config.folder.clone(), stdin })
    }

    /// What the program is to read: nothing, if the model gives nothing.
    fn stdin(&self, arguments: &Map<String, Value>) -> Result<String, String> {
        let given = self.config.stdin.as_ref().and_then(|name| Some((name, arguments.get(name)?)));
        let Some((name, value)) = given else { return Ok(String::new()) };
        let text = value.as_str().ok_or_else(|| format!("`{name}` is a text, which goes to stdin"))?;
        if text.len() > STDIN_BYTES_MAX {
            return Err(format!("`{name}` has {} bytes, and {STDIN_BYTES_MAX} are allowed", text.len()));
        }
        Ok(text.to_owned())
    }

    /// The folder that it may write to.
    fn written(&self) -> Option<&Path> {
        self.config.folder.as_deref().filter(|_| self.config.access == Access::Write)
    }

    fn job(&self, program: Program, scratch: &Path) -> Job {
        let CommandConfig { folder, access, read, network, limits, .. } = &self.config;
        let (mut read, mut write) = (read.clone(), Vec::new());
        read.push(program.path.clone());
        if *access == Access::Write { &mut write } else { &mut read }.extend(folder.clone());
        let (namespaces, scratch) = (self.namespaces, scratch.to_owned());
        Job { namespaces, network: *network, read, write, scratch, limits: *limits, program: Some(program) }
    }
}

fn spec<'a>(
    name: &str,
    config: &CommandConfig,
    programs: impl Iterator<Item = &'a String>,
    found: &Confinement,
) -> ToolSpec {
    let programs: Vec<&String> = programs.collect();
    let mut properties = json!({
        "args": {
            "type": "array", "maxItems": ARGUMENTS_MAX, "items": { "type": "string" },
            "description": "The arguments, one string each; no shell reads them"
        }
    });
    let mut required = vec!["args"];
    if programs.len() > 1 {
        properties["program"] = json!({ "enum": programs, "description": "Which program" });
        required.push("program");
    }
    if let Some(name) = &config.stdin {
        let about = "The text that the program reads from its standard input";
        properties[name] = json!({ "type": "string", "maxLength": STDIN_BYTES_MAX, "description": about });
    }
    let network = if config.network { "with the network" } else { "without network" };
    let bytes = serde_json::to_vec(config).expect("a configuration is plain data");
    ToolSpec {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: format!("{} (Runs confined, {network}: {}.)", config.description.trim(), found.told),
        input_schema: json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        }),
        output_schema: json!({
            "type": "object",
            "properties": {
                "status": { "type": ["integer", "null"] }, "signal": { "type": "integer" },
                "stdout": { "type": "string" }, "stderr": { "type": "string" }, "note": { "type": "string" }
            },
            "required": ["status", "stdout", "stderr"]
        }),
        effect: config.effect,
        annotations: annotations(config),
        digest: digest::of_bytes(&bytes),
    }
}

/// What confines it proves: without the network and without a folder to write, nothing of it is left after a call.
fn annotations(config: &CommandConfig) -> Annotations {
    let writes = config.folder.is_some() && config.access == Access::Write;
    Annotations::proven(!writes && !config.network, config.network, config.effect)
}

fn output(ended: Ended) -> Value {
    let Ended { status, signal, stdout, stderr } = ended;
    let mut output = json!({ "status": status, "stdout": stdout.text, "stderr": stderr.text });
    if let Some(signal) = signal {
        output["signal"] = signal.into();
    }
    let bound = [("stdout", stdout.cut, STDOUT_BYTES_MAX), ("stderr", stderr.cut, STDERR_BYTES_MAX)];
    let cut: Vec<String> = bound
        .into_iter()
        .filter(|(_, cut, _)| *cut)
        .map(|(name, _, bytes)| format!("{name} is cut after {bytes} bytes: ask for less at once"))
        .collect();
    if !cut.is_empty() {
        output["note"] = cut.join("; ").into();
    }
    output
}

#[async_trait]
impl ToolBox for CommandToolBox {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.commands.values().map(|one| one.spec.clone()).collect()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        self.of(tool)?;
        if *grant != Grant::default() {
            let told = format!(
                "`{tool}` is a command: an agent can neither give it a table nor narrow what it may touch; \
                 [command.{tool}] in the configuration does"
            );
            return Err(ToolError::new(ToolErrorKind::Denied, told));
        }
        Ok(())
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        let (one, name) = (self.of(&request.tool)?, &request.tool);
        let allowed = Duration::from_millis(request.timeout_ms.min(one.config.timeout_ms));
        let deadline = Instant::now() + allowed;
        let invalid = |why: String| ToolError::new(ToolErrorKind::InvalidInput, format!("`{name}`: {why}"));
        let program = one.program(&request.arguments).map_err(invalid)?;
        let busy = |told: String| ToolError::new(ToolErrorKind::RateLimited, told);
        let _place = one
            .places
            .try_acquire()
            .map_err(|_| busy(format!("{WAITING_MAX} calls of `{name}` wait or run already")))?;
        let Ok(Ok(_permit)) = timeout_at(deadline, one.permits.acquire()).await else {
            return Err(busy(format!(
                "`{name}` was busy with {} other calls all the time",
                one.config.concurrency
            )));
        };
        let (written, most) = (one.written(), one.config.limits.folder_bytes);
        if let Some(written) = written
            && let Some(problem) = quota::problem(written, most).await
        {
            return Err(ToolError::new(ToolErrorKind::Denied, format!("`{name}` did not run: {problem}")));
        }
        let folder = self.folder()?;
        let job = one.job(program, folder.path());
        let left = deadline.saturating_duration_since(Instant::now());
        let full = quota::exceeded(written, most);
        run::run(&self.keeper, name, &job, left, full).await.map(output)
    }
}

#[cfg(test)]
mod tests {
    use playhouse_core::tool::EffectClass;

    use super::*;

    #[test]
    fn annotations_follow_from_what_a_command_is_confined_to() {
        let of = |change: fn(&mut CommandConfig)| {
            let mut config = CommandConfig::default();
            change(&mut config);
            annotations(&config)
        };
        let (once, idempotent) = (EffectClass::Once, EffectClass::Idempotent);
        assert_eq!(of(|_| ()), Annotations::proven(true, false, once), "nothing of it is left");
        let folder = |config: &mut CommandConfig| config.folder = Some("/srv/notes".into());
        assert_eq!(of(folder), Annotations::proven(true, false, once), "it may read there");
        let writes = |config: &mut CommandConfig| {
            (config.folder, config.access) = (Some("/srv/notes".into()), Access::Write);
            config.effect = EffectClass::Idempotent;
        };
        assert_eq!(of(writes), Annotations::proven(false, false, idempotent));
        assert_eq!(of(|config| config.network = true), Annotations::proven(false, true, once));
    }
}
