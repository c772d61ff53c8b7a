//! What an `agent.toml` says, and what becomes of it.
//!
//! Keys are read with their place in the file, so that a problem between two of them still names a line.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use playhouse_core::{
    agent::{AgentDef, Limits},
    egress::HttpGrant,
    grant::{Access, Bounds, ModelGrant},
    model::Sampling,
    policy::{ApprovalRule, OnUnknown, Policy, Retry, ToolRules, UndoRule},
    tool::Grant,
    window::WindowPolicy,
};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::{
    BadAgentFile,
    check::{Place, check_agent},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentFile {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default = "default_model")]
    model: String,
    /// A file beside this one.
    prompt: Option<PathBuf>,
    /// Or the text itself.
    instructions: Option<String>,
    #[serde(default)]
    tools: BTreeMap<String, Spanned<ToolTable>>,
    #[serde(default)]
    sampling: Sampling,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    window: WindowPolicy,
    output_schema: Option<Spanned<Value>>,
    #[serde(default)]
    approvals: Vec<Spanned<ApprovalRule>>,
    /// JSON Schemas of payloads, or `schema = "file.json"`.
    #[serde(default)]
    signals: BTreeMap<String, Spanned<Value>>,
    agents: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    on_unknown: OnUnknown,
    #[serde(default)]
    strict_arguments: bool,
}

/// `[tools.<name>]`: what the tool may touch, and what happens when it fails or its task does.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ToolTable {
    table: Option<String>,
    /// These narrow what the operator allows; without them it is all of that.
    http: Option<HttpGrant>,
    folders: Option<BTreeMap<String, Access>>,
    secrets: Option<BTreeSet<String>>,
    tools: Option<BTreeSet<String>>,
    model: Option<ModelGrant>,
    per_call: Bounds,
    per_task: Bounds,
    retry: Retry,
    undo: Option<UndoRule>,
}

fn default_model() -> String {
    "default".into()
}

/// Reads a file that stands beside the one being parsed.
pub(super) type Beside<'a> = &'a dyn Fn(&Path) -> Result<String, BadAgentFile>;

/// The agent that `text`, found at `path`, defines.
pub(super) fn parse(path: &Path, text: &str, beside: Beside<'_>) -> Result<AgentDef, BadAgentFile> {
    let bad = |problem: String| BadAgentFile { path: path.to_owned(), problem };
    // `toml` shows the line and what it expected there.
    let mut file: AgentFile = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
    playhouse_core::id::SessionId::new(&file.name).map_err(|why| bad(format!("`name`: {why}")))?;
    let instructions = match (file.prompt.take(), file.instructions.take()) {
        (Some(file), None) => beside(&file)?,
        (None, Some(text)) => text,
        (None, None) => String::new(),
        (Some(_), Some(_)) => return Err(bad("`prompt` and `instructions` are both set; keep one".into())),
    };
    for (name, signal) in &mut file.signals {
        if let Some(schema) = schema_file(signal.get_ref()) {
            let schema = serde_json::from_str(&beside(Path::new(schema))?).map_err(|error| {
                bad(format!("signal `{name}`: `{schema}` is not JSON: {error}; write a JSON Schema there"))
            })?;
            *signal.get_mut() = schema;
        }
    }
    let agent = definition(&file, instructions);
    check_agent(&agent).map_err(|flaw| match start(&file, &flaw.place) {
        Some(offset) => bad(format!("line {}: {}", line(text, offset), flaw.problem)),
        None => bad(flaw.problem),
    })?;
    Ok(agent)
}

/// The file that `schema = "…"` names, if the signal says nothing else.
fn schema_file(signal: &Value) -> Option<&str> {
    let fields = signal.as_object().filter(|fields| fields.len() == 1)?;
    fields.get("schema")?.as_str()
}

fn definition(file: &AgentFile, instructions: String) -> AgentDef {
    let grant = |tool: &ToolTable| Grant {
        table: tool.table.clone(),
        http: tool.http.clone(),
        folders: tool.folders.clone(),
        secrets: tool.secrets.clone(),
        tools: tool.tools.clone(),
        model: tool.model,
        per_call: tool.per_call,
        per_task: tool.per_task,
    };
    let rules = |tool: &ToolTable| ToolRules { retry: tool.retry, undo: tool.undo.clone() };
    let tools = || file.tools.iter().map(|(name, tool)| (name.clone(), tool.get_ref()));
    let policy = Policy {
        approvals: file.approvals.iter().map(|rule| rule.get_ref().clone()).collect(),
        rules: tools()
            .map(|(name, tool)| (name, rules(tool)))
            .filter(|(_, rules)| *rules != ToolRules::default())
            .collect(),
        signals: file.signals.iter().map(|(name, signal)| (name.clone(), signal.get_ref().clone())).collect(),
        agents: file.agents.as_ref().map(|agents| agents.get_ref().clone()).unwrap_or_default(),
        on_unknown: file.on_unknown,
        strict_arguments: file.strict_arguments,
    };
    AgentDef {
        name: file.name.clone(),
        description: file.description.clone(),
        instructions: instructions.trim().to_owned(),
        model: file.model.clone(),
        tools: tools().map(|(name, tool)| (name, grant(tool))).collect(),
        sampling: file.sampling.clone(),
        limits: file.limits,
        window: file.window,
        output_schema: file.output_schema.as_ref().map(|schema| schema.get_ref().clone()),
        policy,
    }
}

/// Where in the file `place` begins, in bytes.
fn start(file: &AgentFile, place: &Place) -> Option<usize> {
    let span = match place {
        Place::Whole => None,
        Place::Tool(name) => file.tools.get(name).map(Spanned::span),
        Place::Approval(index) => file.approvals.get(*index).map(Spanned::span),
        Place::Signal(name) => file.signals.get(name).map(Spanned::span),
        Place::Agents => file.agents.as_ref().map(Spanned::span),
        Place::OutputSchema => file.output_schema.as_ref().map(Spanned::span),
    };
    span.map(|span| span.start)
}

/// The line of the byte at `offset`, from 1.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
