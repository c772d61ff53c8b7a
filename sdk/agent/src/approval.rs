//! When a person must agree before a tool is called.

use std::time::Duration;

use playhouse_core::policy::{ApprovalRule, Condition, Test};
use serde_json::Value;

/// When a person must agree before a call; given to [`AgentBuilder::approve`](crate::AgentBuilder::approve).
///
/// All conditions must hold. A value that cannot be compared (absent, or of another type) counts as meeting
/// its condition: who asks for "above 100" wants to see the call that hides its amount, too.
///
/// ```ignore
/// Approval::of("transfer").above("/amount", 100.0).reason("it is a lot of money")
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an approval does nothing until an agent has it"]
pub struct Approval(pub(crate) ApprovalRule);

impl Approval {
    /// For calls of `tool`; a name may end in `*`.
    pub fn of(tool: impl Into<String>) -> Self {
        Self(ApprovalRule { tools: vec![tool.into()], ..ApprovalRule::default() })
    }

    /// For calls of every tool.
    pub fn of_any() -> Self {
        Self(ApprovalRule::default())
    }

    /// For calls of `tool` as well.
    pub fn or(mut self, tool: impl Into<String>) -> Self {
        self.0.tools.push(tool.into());
        self
    }

    /// Only when the argument at `pointer` (a JSON pointer such as `/amount`) is a number above `bound`.
    pub fn above(self, pointer: impl Into<String>, bound: f64) -> Self {
        self.when(pointer, Test::Above(bound))
    }

    /// Only when it is a number below `bound`.
    pub fn below(self, pointer: impl Into<String>, bound: f64) -> Self {
        self.when(pointer, Test::Below(bound))
    }

    /// Only when it is exactly `value`.
    pub fn equals(self, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        self.when(pointer, Test::Equals(value.into()))
    }

    /// Only when it is a text that holds `part`.
    pub fn contains(self, pointer: impl Into<String>, part: impl Into<String>) -> Self {
        self.when(pointer, Test::Contains(part.into()))
    }

    /// Only when it is there, or is not.
    pub fn present(self, pointer: impl Into<String>, present: bool) -> Self {
        self.when(pointer, Test::Present(present))
    }

    /// Only when the task has seen `label`, such as `tool:web_fetch`; a label may end in `*`. With several, one of
    /// them is enough.
    pub fn seen(mut self, label: impl Into<String>) -> Self {
        self.0.labels.push(label.into());
        self
    }

    /// How long the task waits for the person, then the call is denied; a day when not said.
    pub fn within(mut self, time: Duration) -> Self {
        self.0.expires_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// What the person is shown.
    pub fn reason(mut self, text: impl Into<String>) -> Self {
        self.0.reason = text.into();
        self
    }

    fn when(mut self, pointer: impl Into<String>, test: Test) -> Self {
        self.0.when.push(Condition { argument: pointer.into(), test });
        self
    }
}
