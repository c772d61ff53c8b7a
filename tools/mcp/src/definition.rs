//! A tool as its server describes it: bounded, judged, and turned into what the planner sees.
//!
//! ```text
//!   tools/list ─▶ name allowed? ─▶ plain text, bounded? ─▶ schemas compile? ─▶ Definition ─▶ pin ─▶ Tool
//! ```

use std::sync::Arc;

use playhouse_core::{
    digest,
    tool::{Annotations, EffectClass, ToolSpec},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    ServerConfig,
    bounds::{DESCRIPTION_BYTES_MAX, TOOL_NAME_BYTES_MAX},
    schema::{Schema, json_bytes},
    words::has_hidden_text,
};

/// Hex digits of the digest that stand for a version, since MCP tools have none.
const VERSION_HEX_DIGITS: usize = 12;

/// What is pinned: everything about a tool that a model or an operator relies on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Definition {
    /// The server's name for it.
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    pub(crate) input_schema: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_schema: Option<Value>,
    #[serde(default)]
    pub(crate) annotations: Hints,
}

/// What the server says about a tool's effects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Hints {
    pub(crate) read_only: Option<bool>,
    pub(crate) destructive: Option<bool>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) open_world: Option<bool>,
}

/// A tool that can be called.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) spec: Arc<ToolSpec>,
    /// The server's name for it.
    pub(crate) name: String,
    pub(crate) input: Schema,
    pub(crate) output: Option<Schema>,
}

impl Definition {
    /// What the server offers, as we keep it.
    pub(crate) fn of(tool: &rmcp::model::Tool) -> Self {
        let hints = tool.annotations.clone().unwrap_or_default();
        Self {
            name: tool.name.to_string(),
            description: tool.description.as_deref().unwrap_or_default().to_owned(),
            input_schema: Value::Object((*tool.input_schema).clone()),
            output_schema: tool.output_schema.as_ref().map(|schema| Value::Object((**schema).clone())),
            annotations: Hints {
                read_only: hints.read_only_hint,
                destructive: hints.destructive_hint,
                idempotent: hints.idempotent_hint,
                open_world: hints.open_world_hint,
            },
        }
    }

    /// Its length: of the texts and the schemas.
    pub(crate) fn bytes(&self) -> usize {
        let output = self.output_schema.as_ref().map_or(0, json_bytes);
        self.name.len() + self.description.len() + json_bytes(&self.input_schema) + output
    }

    /// SHA-256 of all of it, in hex.
    pub(crate) fn digest(&self) -> String {
        digest::of_json(self)
    }

    /// All of it, for people to look at.
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(self).expect("a definition is plain data")
    }

    /// The tool that agents may be given; the error says why it is not offered.
    pub(crate) fn tool(&self, server: &str, config: &ServerConfig) -> Result<Tool, String> {
        let name = full_name(server, &self.name)?;
        if self.description.len() > DESCRIPTION_BYTES_MAX {
            let bytes = self.description.len();
            return Err(format!(
                "its description has {bytes} bytes, and {DESCRIPTION_BYTES_MAX} are allowed"
            ));
        }
        let input = Schema::compile(&self.input_schema).map_err(|why| format!("its input schema: {why}"))?;
        let output = self.output_schema.as_ref().map(Schema::compile).transpose();
        let output = output.map_err(|why| format!("its output schema: {why}"))?;
        // Only now: the schemas are known to be shallow.
        let schemas = [Some(&self.input_schema), self.output_schema.as_ref()];
        if has_hidden_text(&self.description) || schemas.into_iter().flatten().any(hides_text) {
            return Err("its description or a schema has characters that people cannot see".into());
        }
        let digest = self.digest();
        let spec = ToolSpec {
            name,
            version: digest[..VERSION_HEX_DIGITS].to_owned(),
            description: self.description.clone(),
            input_schema: self.input_schema.clone(),
            output_schema: self.output_schema.clone().unwrap_or_else(|| json!({})),
            effect: self.effect(config),
            annotations: self.annotations(config),
            digest,
        };
        Ok(Tool { spec: Arc::new(spec), name: self.name.clone(), input, output })
    }

    /// The operator's word, else the server's if it is trusted, else `once`. A tool that only reads is no more than
    /// `idempotent`: it reads the world, which changes.
    fn effect(&self, config: &ServerConfig) -> EffectClass {
        let hinted = self.annotations.read_only == Some(true) || self.annotations.idempotent == Some(true);
        match config.effects.get(&self.name) {
            Some(effect) => *effect,
            None if config.trust_annotations && hinted => EffectClass::Idempotent,
            None => EffectClass::Once,
        }
    }

    /// The same about what a call can do: what follows from the operator's word; else what the server says, with MCP's
    /// defaults, if it is trusted; else the worst.
    fn annotations(&self, config: &ServerConfig) -> Annotations {
        let worst = Annotations::default();
        let Hints { read_only, destructive, idempotent, open_world } = self.annotations;
        match config.effects.get(&self.name) {
            Some(effect) => Annotations::promised(*effect),
            None if config.trust_annotations => {
                let read_only = read_only.unwrap_or(worst.read_only);
                Annotations {
                    read_only,
                    // Of what only reads the other two say nothing.
                    destructive: !read_only && destructive.unwrap_or(worst.destructive),
                    idempotent: read_only || idempotent.unwrap_or(worst.idempotent),
                    open_world: open_world.unwrap_or(worst.open_world),
                }
            }
            None => worst,
        }
    }
}

/// The name that models use: `SERVER__tool`, of letters, digits, `_` and `-`.
pub(crate) fn full_name(server: &str, tool: &str) -> Result<String, String> {
    // MCP allows dots, and servers in the wild use slashes, too; model providers take neither.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = tool.chars().map(|c| if matches!(c, '.' | '/') { '_' } else { c }).collect();
    if name.is_empty() || !name.chars().all(plain) {
        return Err("its name has characters besides A-Z, a-z, 0-9, `_`, `-`, `.` and `/`".into());
    }
    let name = format!("{server}__{name}");
    if name.len() > TOOL_NAME_BYTES_MAX {
        return Err(format!("its name with its server's has more than {TOOL_NAME_BYTES_MAX} characters"));
    }
    Ok(name)
}

pub(crate) fn hides_text(value: &Value) -> bool {
    match value {
        Value::String(text) => has_hidden_text(text),
        Value::Array(items) => items.iter().any(hides_text),
        Value::Object(fields) => fields.iter().any(|(key, field)| has_hidden_text(key) || hides_text(field)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
