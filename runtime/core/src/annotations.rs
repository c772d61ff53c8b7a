//! What a call of a tool can do to the world, in the four words of MCP.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tool::EffectClass;

/// What a call can do to the world, for people and programs that decide how carefully it is to be made.
///
/// The words are those of MCP, where a tool says them of itself. Here they are derived: from what a component imports and
/// was granted, from how a command is confined, from what an embedding program promises. What a server over MCP says
/// counts only where the operator trusts it. The default is what is known of a tool of which nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: bool,
    /// It can change or remove what is there.
    pub destructive: bool,
    /// The same call again changes nothing more.
    pub idempotent: bool,
    /// It reaches further than this host's own files and tables.
    pub open_world: bool,
}

impl Default for Annotations {
    fn default() -> Self {
        Self::proven(false, true, EffectClass::Once)
    }
}

impl Annotations {
    /// Of a tool that counts as `effect`, of which is known whether it only reads, and whether it reaches further than
    /// this host.
    pub fn proven(only_reads: bool, open_world: bool, effect: EffectClass) -> Self {
        Self {
            read_only: only_reads,
            destructive: !only_reads,
            idempotent: only_reads || effect <= EffectClass::Idempotent,
            open_world,
        }
    }

    /// Of a tool of which nothing is known but what somebody who is trusted says of its effect.
    pub fn promised(effect: EffectClass) -> Self {
        let is_pure = effect == EffectClass::Pure;
        Self::proven(is_pure, !is_pure, effect)
    }

    /// Whether nothing is known that would make a call less careful.
    pub fn is_unproven(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = match (self.read_only, self.destructive) {
            (true, _) => "only reads",
            (false, false) => "only adds",
            (false, true) => "can change and remove",
        };
        let again = if self.idempotent { "again changes nothing more" } else { "again does it twice" };
        let reaches = if self.open_world { "reaches the world" } else { "stays on this host" };
        write!(f, "{does}, {again}, {reaches}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tool::ToolSpec;

    #[test]
    fn a_pure_tool_is_read_only_idempotent_and_of_a_closed_world() {
        let pure = Annotations { read_only: true, destructive: false, idempotent: true, open_world: false };
        assert_eq!(Annotations::promised(EffectClass::Pure), pure);
        assert_eq!(
            Annotations::proven(true, false, EffectClass::Once),
            pure,
            "what only reads may be repeated"
        );
        assert_eq!(pure.to_string(), "only reads, again changes nothing more, stays on this host");
    }

    #[test]
    fn of_what_nothing_is_known_the_worst_is_supposed() {
        let worst = Annotations { read_only: false, destructive: true, idempotent: false, open_world: true };
        assert_eq!(Annotations::default(), worst);
        assert_eq!(Annotations::promised(EffectClass::Once), worst);
        assert_eq!(Annotations::promised(EffectClass::Checkable), worst);
        let again = Annotations { idempotent: true, ..worst };
        assert_eq!(Annotations::promised(EffectClass::Idempotent), again);
    }

    #[test]
    fn a_tool_that_was_pinned_before_there_were_annotations_keeps_its_digest() {
        let old = json!({
            "name": "a", "version": "1", "description": "", "input_schema": {}, "output_schema": {}, "effect": "pure",
            "digest": "d",
        });
        let spec: ToolSpec = serde_json::from_value(old.clone()).unwrap();
        assert!(spec.annotations.is_unproven());
        assert_eq!(serde_json::to_value(&spec).unwrap(), old);
        let pure = ToolSpec { annotations: Annotations::promised(EffectClass::Pure), ..spec };
        let read: ToolSpec = serde_json::from_value(serde_json::to_value(&pure).unwrap()).unwrap();
        assert_eq!(read, pure);
    }
}
