//! `[command.NAME]`: which commands there are, and what they may do. None, unless an operator writes one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use playhouse_core::tool::EffectClass;
use serde::{Deserialize, Serialize};

/// Bytes of a command's name, which is its tool's: what model providers take.
const NAME_BYTES_MAX: usize = 64;
/// Calls of one command at once.
const CONCURRENCY_MAX: usize = 64;
/// Ten minutes. A tool call is no place for longer work.
const TIMEOUT_MS_MAX: u64 = 600_000;

/// What a command may do with its folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read it.
    #[default]
    Read,
    /// Change it, too.
    Write,
}

/// One command, as the configuration file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandConfig {
    /// The program. Either this or `programs`.
    pub program: Option<PathBuf>,
    /// The programs that a model may choose from.
    pub programs: Vec<PathBuf>,
    /// Arguments that come before those of the model.
    pub args: Vec<String>,
    /// For the model: what it does and when to use it, with an example.
    pub description: String,
    /// The folder it works in, and sees. Without one, it works in an empty folder that is gone after the call.
    pub folder: Option<PathBuf>,
    /// What it may do with `folder`.
    pub access: Access,
    /// Files and folders it may read besides, and run programs from.
    pub read: Vec<PathBuf>,
    /// The argument, if any, whose text the program reads from its stdin.
    pub stdin: Option<String>,
    /// Variables. It gets these, `PATH`, `HOME`, `TMPDIR` and `LANG`, and nothing of ours.
    pub env: BTreeMap<String, String>,
    /// Whether it may use the network of this machine, all of it.
    pub network: bool,
    /// What happens to a call whose result was lost.
    pub effect: EffectClass,
    /// What a call may use.
    pub limits: CommandLimits,
    /// The longest that one call may take, in milliseconds; a call may be given less.
    pub timeout_ms: u64,
    /// Calls at once.
    pub concurrency: usize,
    /// Whether to refuse it where the kernel allows no namespaces.
    pub require_namespaces: bool,
}

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandLimits {
    /// Bytes of private writable memory, for each of its processes.
    pub memory_bytes: u64,
    /// Bytes of memory that all its processes hold together. Looked at many times a second, so that it is exceeded for
    /// moments.
    pub total_memory_bytes: u64,
    /// Bytes of addresses, for each of its processes, which bound memory that processes share. 0: not limited, for
    /// programs like `node` that reserve far more than they use.
    pub address_bytes: u64,
    /// Processes and threads at once. A daemon that runs as root holds a command to some 300 more.
    pub processes: u64,
    /// Seconds of CPU, for each of its processes.
    pub cpu_s: u64,
    /// Bytes of the largest file it may write, and of all files in its home.
    pub file_bytes: u64,
    /// Files it may have open.
    pub open_files: u64,
    /// Bytes that may lie in its `folder` when it may write there. Counted a few times a second, so that it is exceeded for
    /// moments. 0: not limited, and not counted.
    pub folder_bytes: u64,
}

/// A command that cannot be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[command.{name}]: {problem}")]
pub struct BadCommand {
    pub(crate) name: String,
    pub(crate) problem: String,
}

impl Default for CommandConfig {
    fn default() -> Self {
        Self {
            program: None,
            programs: Vec::new(),
            args: Vec::new(),
            description: String::new(),
            folder: None,
            access: Access::default(),
            read: Vec::new(),
            stdin: None,
            env: BTreeMap::new(),
            network: false,
            effect: EffectClass::Once,
            limits: CommandLimits::default(),
            timeout_ms: 30_000,
            concurrency: 4,
            require_namespaces: false,
        }
    }
}

impl Default for CommandLimits {
    fn default() -> Self {
        // Enough for a compiler or an interpreter on a few files.
        Self {
            memory_bytes: 512 << 20,
            total_memory_bytes: 1 << 30,
            address_bytes: 4 << 30,
            processes: 64,
            cpu_s: 60,
            file_bytes: 64 << 20,
            open_files: 256,
            folder_bytes: 1 << 30,
        }
    }
}

impl CommandConfig {
    /// Whether this can be used as the command `name`; the error says what to change.
    pub fn check(&self, name: &str) -> Result<(), BadCommand> {
        self.problem(name).map_or(Ok(()), |problem| Err(BadCommand { name: name.to_owned(), problem }))
    }

    /// All programs, however they are written.
    pub(crate) fn all_programs(&self) -> impl Iterator<Item = &Path> {
        self.program.iter().chain(&self.programs).map(PathBuf::as_path)
    }

    fn problem(&self, name: &str) -> Option<String> {
        if !is_name(name) {
            return Some(format!(
                "a command's name is its tool's: 1 to {NAME_BYTES_MAX} lower-case letters, digits and single underscores"
            ));
        }
        match (&self.program, self.programs.is_empty()) {
            (None, true) => {
                return Some("say what it runs: `program = \"…\"` or `programs = [\"…\"]`".into());
            }
            (Some(_), false) => return Some("`program` and `programs` are both there: remove one".into()),
            _ => {}
        }
        if self.description.trim().is_empty() {
            return Some("`description` is missing: tell the model what it does, with an example".into());
        }
        if self.effect == EffectClass::Checkable {
            return Some(
                "`effect` cannot be `checkable`: a program cannot be asked whether a call happened".into(),
            );
        }
        if self.access == Access::Write && self.folder.is_none() {
            return Some("`access` is for a `folder`: name one".into());
        }
        let root = Path::new("/");
        if self.read.iter().chain(&self.folder).any(|path| path == root) {
            return Some("`/` would give it all files of this machine: name the folders it needs".into());
        }
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            return Some(format!("`concurrency` is between 1 and {CONCURRENCY_MAX}"));
        }
        if !(1..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return Some(format!("`timeout_ms` is between 1 and {TIMEOUT_MS_MAX}"));
        }
        let taken = |name: &&String| !is_name(name) || matches!(name.as_str(), "args" | "program");
        if let Some(name) = self.stdin.as_ref().filter(taken) {
            return Some(format!(
                "`stdin` names an argument of the tool, such as \"text\", and not `{name}`"
            ));
        }
        let CommandLimits {
            memory_bytes, total_memory_bytes, processes, cpu_s, file_bytes, open_files, ..
        } = self.limits;
        let limits = [memory_bytes, total_memory_bytes, processes, cpu_s, file_bytes, open_files];
        limits.contains(&0).then(|| "no limit can be 0 but `address_bytes` and `folder_bytes`".into())
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    // Two underscores stand between an MCP server and its tool.
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(plain) && !name.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut CommandConfig)) -> String {
        let mut config =
            CommandConfig { program: Some("wc".into()), description: "Counts".into(), ..Default::default() };
        change(&mut config);
        config.check("count").map_or_else(|bad| bad.to_string(), |()| "sound".to_owned())
    }

    #[test]
    fn what_is_wrong_with_a_command_is_said() {
        assert_eq!(told(|_| {}), "sound");
        for (change, wanted) in [
            ((|c| c.program = None) as fn(&mut CommandConfig), "say what it runs"),
            (|c| c.programs = vec!["rg".into()], "remove one"),
            (|c| c.description = " ".into(), "`description` is missing"),
            (|c| c.effect = EffectClass::Checkable, "cannot be `checkable`"),
            (|c| c.access = Access::Write, "name one"),
            (|c| c.read = vec!["/".into()], "all files of this machine"),
            (|c| c.concurrency = 0, "between 1 and 64"),
            (|c| c.timeout_ms = 600_001, "between 1 and 600000"),
            (|c| c.limits.processes = 0, "no limit can be 0"),
            (|c| c.limits.total_memory_bytes = 0, "no limit can be 0"),
            (|c| c.stdin = Some("args".into()), "not `args`"),
            (|c| c.stdin = Some("The Text".into()), "not `The Text`"),
        ] {
            let said = told(change);
            assert!(said.starts_with("[command.count]: ") && said.contains(wanted), "{said}");
        }
        assert!(
            CommandConfig::default().check("a__b").unwrap_err().to_string().contains("single underscores")
        );
    }
}
