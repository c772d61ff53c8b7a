//! What an agent lets a tool touch, as `agent.toml` says it.
//!
//! A tool may do what it asks for, *and* the operator allows it, *and* the agent grants, *and* the origins of the task's
//! values permit. This is the third of the four. A tool's place in an agent is the grant of what the operator allows that
//! tool; what is said here narrows it, and never widens it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{egress::HttpGrant, labels::Labels, tool::Reach};

/// What one agent lets one tool touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
// A field that is not known would be a bound that is not kept: an older runtime must refuse it.
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// Name of the one key-value table the tool may use. Always named: there may be several, and they are about
    /// different things.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Requests it may make. `None`: those that the operator allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpGrant>,
    /// Folders it may use, by the operator's names. `None`: those that the operator allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folders: Option<BTreeMap<String, Access>>,
    /// Secrets it may use, by name. `None`: those that the operator allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<BTreeSet<String>>,
    /// Tools it may call. `None`: those that the operator allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<BTreeSet<String>>,
    /// How far it may ask the agent's model. `None`: as far as the operator allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelGrant>,
    /// How much one call may reach. Not set: as much as the operator allows.
    #[serde(skip_serializing_if = "Bounds::is_none")]
    pub per_call: Bounds,
    /// How much all of its calls in one task may reach. Not set: as much as the operator allows.
    #[serde(skip_serializing_if = "Bounds::is_none")]
    pub per_task: Bounds,
}

/// How far a tool may ask the model of the task that calls it. Its tokens are the task's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelGrant {
    /// Questions in one call.
    pub questions: u32,
    /// Tokens of one answer, at most.
    pub max_tokens: u32,
}

impl ModelGrant {
    /// The lower of both, bound by bound.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            questions: self.questions.min(other.questions),
            max_tokens: self.max_tokens.min(other.max_tokens),
        }
    }
}

/// Bounds of what a tool may [reach](crate::tool::Reach). What is not set is not bounded here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Calls into the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Bytes given and got. Checked before each call into the host, so the last answer may lead beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Bounds {
    /// Whether nothing is bounded.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The lower of both, bound by bound.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        Self { calls: least(self.calls, other.calls), bytes: least(self.bytes, other.bytes) }
    }

    /// Why one more call into the host is too many after `reached`, if it is: which bound.
    pub fn refuses(&self, reached: Reach) -> Option<String> {
        let calls = self.calls.filter(|max| reached.calls >= *max);
        let bytes = self.bytes.filter(|max| reached.bytes >= *max);
        Self { calls, bytes: bytes.filter(|_| calls.is_none()) }.explain()
    }

    /// What is bounded, in words; `None` if nothing is.
    pub fn explain(&self) -> Option<String> {
        let calls = self.calls.map(|max| {
            let calls = if max == 1 { "call" } else { "calls" };
            format!("{max} {calls} into the host")
        });
        let bounds: Vec<_> = calls.into_iter().chain(self.bytes.map(|max| format!("{max} bytes"))).collect();
        (!bounds.is_empty()).then(|| bounds.join(" and "))
    }
}

/// How far into a folder. The order is from less to more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// List and read.
    #[default]
    Read,
    /// And change.
    Write,
}

/// What a tool can import: the interfaces of `tools/wit/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// The call's effect id and time left.
    Context,
    /// Telling those who wait how far it is.
    Progress,
    /// The operator's log.
    Log,
    /// The time of day.
    Clock,
    /// Random bytes.
    Random,
    /// Reading a table.
    Kv,
    /// Changing a table.
    KvWrite,
    /// Reading files.
    Files,
    /// Changing files.
    FilesWrite,
    /// Requests that leave.
    Http,
    /// Secrets by name.
    Secrets,
    /// Calling other tools.
    Tools,
    /// Asking a model.
    Model,
}

impl Capability {
    /// All of them, the harmless first.
    pub const ALL: [Self; 13] = [
        Self::Context,
        Self::Progress,
        Self::Log,
        Self::Clock,
        Self::Random,
        Self::Kv,
        Self::KvWrite,
        Self::Files,
        Self::FilesWrite,
        Self::Http,
        Self::Secrets,
        Self::Tools,
        Self::Model,
    ];

    /// As interfaces and configurations call it: `kv-write`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Progress => "progress",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Kv => "kv",
            Self::KvWrite => "kv-write",
            Self::Files => "files",
            Self::FilesWrite => "files-write",
            Self::Http => "http",
            Self::Secrets => "secrets",
            Self::Tools => "tools",
            Self::Model => "model",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// What it lets a tool do, in plain words.
    pub fn lets(self) -> &'static str {
        match self {
            Self::Context => "know the id and the deadline of a call",
            Self::Progress => "show how far a call is",
            Self::Log => "write to your log",
            Self::Clock => "know the time of day",
            Self::Random => "use random numbers",
            Self::Kv => "read one table that you give it",
            Self::KvWrite => "change that table",
            Self::Files => "read files in folders that you name",
            Self::FilesWrite => "change files in folders that you name",
            Self::Http => "send requests to places that you name",
            Self::Secrets => "have secrets used that you name, without seeing them",
            Self::Tools => "call other tools that you name",
            Self::Model => "ask the model of the task that calls it, so many times as you say",
        }
    }

    /// Whether every tool may have it unless it is taken away: nothing outside the call is reached through it.
    pub fn is_harmless(self) -> bool {
        self <= Self::Random
    }

    /// Whether nothing in the world can be changed through it. Of HTTP this is not known before its grant is.
    pub fn only_reads(self) -> bool {
        self.is_harmless() || matches!(self, Self::Kv | Self::Files | Self::Model)
    }
}

/// What is withheld from calls whose values come from certain places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRule {
    /// An origin such as `tool:fetch`, or all that begin so: `tool:*`.
    pub label: String,
    /// What a call does not have if any of its values comes from there.
    pub without: BTreeSet<Capability>,
}

impl LabelRule {
    /// The label for which this rule withholds `capability` from a call with these `labels`.
    pub fn withholds<'a>(&self, capability: Capability, labels: &'a Labels) -> Option<&'a str> {
        let fits = |label: &str| match self.label.strip_suffix('*') {
            Some(start) => label.starts_with(start),
            None => label == self.label,
        };
        let found = labels.0.iter().map(String::as_str).find(|label| fits(label));
        found.filter(|_| self.without.contains(&capability))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_found_by_its_name_and_written_by_it() {
        for capability in Capability::ALL {
            assert_eq!(Capability::named(capability.name()), Some(capability));
            assert_eq!(serde_json::to_value(capability).unwrap(), capability.name());
        }
        assert_eq!(Capability::named("wasi"), None);
    }

    #[test]
    fn a_rule_withholds_what_it_names_from_calls_with_such_a_label_and_from_no_others() {
        let rule = LabelRule { label: "tool:*".into(), without: [Capability::Http].into() };
        let (web, user) = (Labels::of(["user", "tool:fetch"]), Labels::of(["user"]));
        assert_eq!(rule.withholds(Capability::Http, &web), Some("tool:fetch"));
        assert_eq!(rule.withholds(Capability::Kv, &web), None);
        assert_eq!(rule.withholds(Capability::Http, &user), None);
        let exact = LabelRule { label: "tool:f".into(), ..rule };
        assert_eq!(exact.withholds(Capability::Http, &web), None);
    }

    #[test]
    fn of_two_bounds_the_lower_holds_and_what_nobody_bounds_is_free() {
        let operator = Bounds { calls: Some(3), bytes: None };
        let agent = Bounds { calls: Some(5), bytes: Some(100) };
        assert_eq!(operator.and(agent), Bounds { calls: Some(3), bytes: Some(100) });
        let reached = |calls, bytes| Reach { calls, bytes };
        assert_eq!(operator.refuses(reached(2, u64::MAX)), None);
        assert_eq!(operator.refuses(reached(3, 0)).unwrap(), "3 calls into the host");
        assert_eq!(agent.refuses(reached(4, 100)).unwrap(), "100 bytes");
        assert_eq!(Bounds::default().refuses(reached(u64::MAX, u64::MAX)), None);
    }

    #[test]
    fn a_grant_with_a_bound_that_is_not_known_is_refused() {
        let newer = serde_json::json!({"table": "a", "rooms": ["b"]});
        assert!(serde_json::from_value::<Grant>(newer).is_err());
    }
}
