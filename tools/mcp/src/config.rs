//! `[mcp.NAME]`: which servers there are, how they are reached, and what they may do.
//!
//! Nothing is offered that `tools` does not name, and every tool counts as `once` until somebody who can be trusted says
//! otherwise.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use playhouse_core::tool::EffectClass;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConfigError, form::is_secret};

/// Bytes of a server's name: it leaves most of a tool's name to the tool.
const NAME_BYTES_MAX: usize = 24;
/// Calls one server may be asked to serve at once.
const CONCURRENCY_MAX: usize = 256;
/// An hour. Longer work belongs into tasks that the server lets be polled.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// More is a document, and no answer to a question of a tool.
const SAMPLING_TOKENS_MAX: u32 = 8_192;
/// More is an agent of its own.
const SAMPLING_QUESTIONS_MAX: u32 = 64;

/// One MCP server, as the configuration file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// A program that speaks MCP over stdin and stdout. Either this or `url`.
    pub command: Option<String>,
    /// The program's arguments.
    pub args: Vec<String>,
    /// Variables for the program. It gets these, `PATH`, `HOME`, `TMPDIR` and `LANG`, and nothing else of ours.
    pub env: BTreeMap<String, Text>,
    /// What the program may use.
    pub limits: ProcessLimits,
    /// Whether the program is confined to the system's folders, its own installation, a working folder of its own, and
    /// `read` and `write`. By Landlock, as far as the kernel has it.
    pub confine: bool,
    /// Files and folders it may read besides, and run programs from.
    pub read: Vec<PathBuf>,
    /// Files and folders it may write besides.
    pub write: Vec<PathBuf>,
    /// The address of a server that speaks streamable HTTP. Either this or `command`.
    pub url: Option<String>,
    /// Headers of every request to `url`.
    pub headers: BTreeMap<String, Text>,
    /// The longest that one call may take, in milliseconds; a call may be given less.
    pub timeout_ms: u64,
    /// The tools that agents may be given, by the names that the server has for them; `"*"` means all.
    pub tools: Vec<String>,
    /// What happens to a call whose result was lost, by tool. Overrides everything that the server says.
    pub effects: BTreeMap<String, EffectClass>,
    /// Whether the server's own word counts for tools without an entry in `effects`.
    pub trust_annotations: bool,
    /// Calls at once. A server with a `command` and `sampling` or `ask_person` has one.
    pub concurrency: usize,
    /// Whether models can list and read its resources, by `list_resources` and `read_resource`.
    pub resources: bool,
    /// Whether models can list and get its prompts, by `list_prompts` and `get_prompt`.
    pub prompts: bool,
    /// What it may ask the model of the task that calls it; nothing when `None`.
    pub sampling: Option<Sampling>,
    /// What its forms are filled in with, by the names of their fields. A form that needs more is declined, or shown to
    /// a person.
    pub answers: BTreeMap<String, Value>,
    /// Whether a form that `answers` does not fill in is shown to the people who may answer for the task. The call waits
    /// for them, within its time; then it is declined.
    pub ask_person: bool,
}

/// How much a server may ask the model of the task that calls it, within the task's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Tokens of one answer; a server may ask for less.
    pub max_tokens: u32,
    /// Questions during one call.
    pub questions: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        // A paragraph or two, and one question per step of a small plan.
        Self { max_tokens: 500, questions: 4 }
    }
}

/// What a server's process may use. Zero means: as much as the daemon itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessLimits {
    /// Bytes of private writable memory, for each of its processes.
    pub memory_bytes: u64,
    /// Bytes of the largest file it may write.
    pub file_bytes: u64,
    /// Files and sockets it may have open.
    pub open_files: u64,
    /// Seconds of CPU, for each of its processes and their whole life.
    pub cpu_s: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            limits: ProcessLimits::default(),
            confine: true,
            read: Vec::new(),
            write: Vec::new(),
            url: None,
            headers: BTreeMap::new(),
            timeout_ms: 60_000,
            tools: Vec::new(),
            effects: BTreeMap::new(),
            trust_annotations: false,
            concurrency: 8,
            resources: false,
            prompts: false,
            sampling: None,
            answers: BTreeMap::new(),
            ask_person: false,
        }
    }
}

impl Default for ProcessLimits {
    fn default() -> Self {
        // Enough for an interpreter and its packages. A server may live for months, so its CPU time is not limited.
        Self { memory_bytes: 2 << 30, file_bytes: 1 << 30, open_files: 1_024, cpu_s: 0 }
    }
}

/// A value that may be a secret: `"$NAME"` stands for the daemon's own variable `NAME`. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Text {
    text: String,
    /// Whether a `$` at the beginning is nothing but a dollar sign.
    verbatim: bool,
}

impl Text {
    /// A value as it is written in the configuration.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), verbatim: false }
    }

    /// The value itself, whatever it begins with.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self { text: text.into(), verbatim: true }
    }

    /// Whether it stands somewhere else than in the configuration.
    fn is_secret(&self) -> bool {
        self.verbatim || self.text.starts_with('$')
    }

    /// The value itself; the error is the name of the variable that is not set.
    pub(crate) fn resolve(&self) -> Result<String, String> {
        match self.text.strip_prefix('$') {
            Some(name) if !self.verbatim => std::env::var(name).map_err(|_| name.to_owned()),
            _ => Ok(self.text.clone()),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.text
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl ServerConfig {
    /// Whether this can be used as the server `name`; the error says what to change.
    pub fn check(&self, name: &str) -> Result<(), ConfigError> {
        let bad = |problem: String| Err(ConfigError::Bad { server: name.to_owned(), problem });
        if !is_name(name) {
            return bad(format!(
                "a server's name has 1 to {NAME_BYTES_MAX} lower-case letters, digits and single hyphens"
            ));
        }
        match (&self.command, &self.url) {
            (None, None) => return bad("say how it is reached: `command = \"…\"` or `url = \"…\"`".into()),
            (Some(_), Some(_)) => return bad("`command` and `url` are both there: remove one".into()),
            (Some(command), None) if command.trim().is_empty() => return bad("`command` is empty".into()),
            (Some(_), None) if !self.headers.is_empty() => {
                return bad("`headers` are for a server with a `url`; use `env` here".into());
            }
            (None, Some(url)) => {
                if !self.args.is_empty() || !self.env.is_empty() {
                    return bad("`args` and `env` are for a server with a `command`".into());
                }
                check_url(url).or_else(bad)?;
            }
            _ => {}
        }
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            return bad(format!("`concurrency` is between 1 and {CONCURRENCY_MAX}"));
        }
        if !(1..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return bad(format!("`timeout_ms` is between 1 and {TIMEOUT_MS_MAX}"));
        }
        self.check_effects().and_then(|()| self.check_answers()).or_else(bad)
    }

    fn check_answers(&self) -> Result<(), String> {
        if let Some(Sampling { max_tokens, questions }) = self.sampling {
            if !(1..=SAMPLING_TOKENS_MAX).contains(&max_tokens) {
                return Err(format!("`sampling.max_tokens` is between 1 and {SAMPLING_TOKENS_MAX}"));
            }
            if !(1..=SAMPLING_QUESTIONS_MAX).contains(&questions) {
                return Err(format!("`sampling.questions` is between 1 and {SAMPLING_QUESTIONS_MAX}"));
            }
        }
        for (field, answer) in &self.answers {
            if is_secret(field) {
                return Err(format!(
                    "`answers` are no place for a secret such as `{field}`: whoever runs the server can ask for them \
                     at any time; use `secrets`"
                ));
            }
            let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
            let texts = answer.as_array().is_some_and(|texts| texts.iter().all(Value::is_string));
            if !plain(answer) && !texts {
                return Err(format!(
                    "the answer for `{field}` is a text, a number, true or false, or a list of texts"
                ));
            }
        }
        Ok(())
    }

    fn check_effects(&self) -> Result<(), String> {
        for (tool, effect) in &self.effects {
            if !self.allows(tool) {
                return Err(format!("`effects` names `{tool}`, which `tools` does not allow"));
            }
            if *effect == EffectClass::Checkable {
                return Err(format!(
                    "`{tool}` cannot be `checkable`: MCP has no way to ask whether a call happened"
                ));
            }
        }
        Ok(())
    }

    /// Calls that the server is really asked to serve at once: over stdio a question does not say which call it is
    /// about.
    pub(crate) fn at_once(&self) -> usize {
        let asks = self.sampling.is_some() || self.ask_person;
        if asks && self.command.is_some() { 1 } else { self.concurrency }
    }

    /// What the server is told and nobody else is to know: values that are not written out in the configuration. A path
    /// is none of them; hiding it would spoil what a server says of files.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> + '_ {
        let values = self.env.values().chain(self.headers.values()).filter(|value| value.is_secret());
        values.filter_map(|value| value.resolve().ok()).filter(|value| !value.starts_with('/'))
    }

    /// Whether agents may be given `tool`, by the server's name for it.
    pub(crate) fn allows(&self, tool: &str) -> bool {
        self.tools.iter().any(|allowed| allowed == "*" || allowed == tool)
    }
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

fn check_url(url: &str) -> Result<(), String> {
    let parsed = reqwest::Url::parse(url).map_err(|error| format!("`url` is not an address: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        return Err("`url` starts with `https://` or `http://` and a host".into());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("`url` holds a password: put it into `headers` as `\"$VARIABLE\"`".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
