//! What an agent's author decides about its tools beyond what they may touch: who must agree, how often a
//! failed call is tried again, how a call is undone, and who hears of an unknown outcome.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{digest, labels::Labels, tool::ToolErrorKind};

/// Everything of this module that one agent has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// When a person must agree before a call; the first rule that fits decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
    /// By tool.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, ToolRules>,
    /// Signals a task of this agent can be sent, each with the JSON Schema of its payload.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, Value>,
    /// Agents it may give work to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// Who hears of a call whose outcome nobody knows.
    pub on_unknown: OnUnknown,
    /// Whether arguments must fit their schema as the model wrote them; otherwise [common
    /// mistakes](crate::lenient::Mend) are put right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict_arguments: bool,
}

impl Policy {
    /// Whether nothing is decided here.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rule that asks for a person's agreement to this call, if one does.
    pub fn approval(&self, tool: &str, arguments: &Value, labels: &Labels) -> Option<&ApprovalRule> {
        self.approvals.iter().find(|rule| rule.fits(tool, arguments, labels))
    }

    /// Whether some call of `tool` needs a person's agreement.
    pub fn may_ask(&self, tool: &str) -> bool {
        self.approvals.iter().any(|rule| rule.names(tool))
    }

    /// How often a failed call of `tool` is tried again.
    pub fn retry(&self, tool: &str) -> Retry {
        self.rules.get(tool).map(|rules| rules.retry).unwrap_or_default()
    }

    /// How a call of `tool` is undone.
    pub fn undo(&self, tool: &str) -> Option<&UndoRule> {
        self.rules.get(tool)?.undo.as_ref()
    }
}

/// What holds for one tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolRules {
    /// How often a failed call is tried again.
    pub retry: Retry,
    /// How a call is taken back when its task is cancelled or fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoRule>,
}

/// Who hears of a call whose outcome nobody knows (J3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// The model is told, and goes on.
    #[default]
    Model,
    /// The task waits for a person, who says what became of it.
    Person,
}

/// A call that a person must agree to first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalRule {
    /// Which tools; a name may end in `*`. Empty: every tool.
    pub tools: Vec<String>,
    /// All of these must hold. Empty: always.
    pub when: Vec<Condition>,
    /// The task must have seen one of these labels; a label may end in `*`. Empty: whatever it has seen.
    pub labels: Vec<String>,
    /// How long the task waits for the person, in milliseconds; then the call is denied.
    pub expires_ms: u64,
    /// Shown to the person.
    pub reason: String,
}

impl Default for ApprovalRule {
    fn default() -> Self {
        Self {
            tools: Vec::new(),
            when: Vec::new(),
            labels: Vec::new(),
            // A working day later somebody has looked, or nobody will.
            expires_ms: 24 * 3_600_000,
            reason: String::new(),
        }
    }
}

/// A condition on one argument of a call.
///
/// A value that cannot be compared (absent, or of another type) counts as meeting the condition: who asks
/// for "above 100" wants to see the call that hides its amount, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Where the argument is, as a JSON pointer such as `/amount`.
    pub argument: String,
    /// What is asked of it.
    #[serde(flatten)]
    pub test: Test,
}

/// What is asked of an argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// It is exactly this.
    Equals(Value),
    /// It is a number above this.
    Above(f64),
    /// It is a number below this.
    Below(f64),
    /// It is a text that holds this.
    Contains(String),
    /// It is there, or is not.
    Present(bool),
}

impl ApprovalRule {
    fn names(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.iter().any(|pattern| fits(pattern, tool))
    }

    fn fits(&self, tool: &str, arguments: &Value, labels: &Labels) -> bool {
        let seen = || labels.0.iter().any(|label| self.labels.iter().any(|pattern| fits(pattern, label)));
        self.names(tool)
            && (self.labels.is_empty() || seen())
            && self.when.iter().all(|when| when.holds(arguments))
    }
}

impl Condition {
    fn holds(&self, arguments: &Value) -> bool {
        let value = arguments.pointer(&self.argument);
        match &self.test {
            Test::Present(wanted) => value.is_some() == *wanted,
            Test::Equals(wanted) => value.is_none_or(|value| value == wanted),
            Test::Above(bound) => value.and_then(Value::as_f64).is_none_or(|value| *bound < value),
            Test::Below(bound) => value.and_then(Value::as_f64).is_none_or(|value| value < *bound),
            Test::Contains(part) => {
                value.and_then(Value::as_str).is_none_or(|text| text.contains(part.as_str()))
            }
        }
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// When and how often a failed call is tried again. Only calls that may be repeated ever are (J3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Tries after the first.
    pub times: u32,
    /// The first wait, in milliseconds; doubles. 0 means 200.
    pub backoff_ms: u64,
    /// The longest wait, in milliseconds. 0 means 10,000.
    pub backoff_max_ms: u64,
    /// All waits of one call together, in milliseconds. 0 means a minute.
    pub budget_ms: u64,
}

impl Retry {
    /// The wait before try `attempt` (from 2) of what `seed` names, or `None` when it is given up;
    /// `waited_ms` is what the tries before have waited, `at_least_ms` what the tool itself asks for.
    ///
    /// Exponential, with a jitter of up to half that the name decides: replays are exact, herds are not.
    pub fn wait_ms(&self, attempt: u32, waited_ms: u64, at_least_ms: u64, seed: &str) -> Option<u64> {
        let or = |value: u64, default| if value == 0 { default } else { value };
        if attempt < 2 || self.times.saturating_add(1) < attempt {
            return None;
        }
        let longest = or(self.backoff_max_ms, 10_000);
        let own = or(self.backoff_ms, 200).saturating_mul(1 << (attempt - 2).min(20)).min(longest);
        let hash = digest::of_bytes(format!("{seed}/{attempt}").as_bytes());
        let percent = u64::from_str_radix(&hash[..4], 16).expect("a digest is hex") % 50;
        let own = own.max(at_least_ms);
        let wait = own.saturating_add((own / 100).saturating_mul(percent) + own % 100 * percent / 100);
        (waited_ms.saturating_add(wait) <= or(self.budget_ms, 60_000)).then_some(wait)
    }

    /// Whether an error of this kind may go away by itself.
    pub fn helps(kind: ToolErrorKind) -> bool {
        use ToolErrorKind::{Conflict, Crashed, RateLimited, Timeout, Upstream};
        matches!(kind, Conflict | Crashed | RateLimited | Timeout | Upstream)
    }
}

/// How a call is taken back: by a call of another tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoRule {
    /// The tool, one of the agent's own.
    pub tool: String,
    /// Its arguments. A string `$output/…` or `$arguments/…` (a JSON pointer behind the word) stands for
    /// what the call that is taken back gave or was given.
    pub arguments: Value,
}

impl UndoRule {
    /// The arguments for taking back one call; `None` if they name something that is not there.
    pub fn arguments(&self, arguments: &Value, output: &Value) -> Option<Value> {
        fill(&self.arguments, arguments, output)
    }
}

fn fill(template: &Value, arguments: &Value, output: &Value) -> Option<Value> {
    match template {
        Value::String(text) => match text.strip_prefix('$') {
            Some(path) if path.starts_with("output") => output.pointer(&path["output".len()..]).cloned(),
            Some(path) if path.starts_with("arguments") => {
                arguments.pointer(&path["arguments".len()..]).cloned()
            }
            _ => Some(template.clone()),
        },
        Value::Array(items) => {
            let filled: Option<_> = items.iter().map(|item| fill(item, arguments, output)).collect();
            Some(Value::Array(filled?))
        }
        Value::Object(fields) => {
            let fill = |(key, value): (&String, &Value)| Some((key.clone(), fill(value, arguments, output)?));
            Some(Value::Object(fields.iter().map(fill).collect::<Option<_>>()?))
        }
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests;
