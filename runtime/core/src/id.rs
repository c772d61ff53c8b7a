//! Names of things: newtypes, so that a session can never be passed where a task belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name a caller may choose for a session, agent, tool or topic, in bytes. Names become storage
/// keys and log fields; 128 bytes holds every sensible one and bounds both.
pub const NAME_BYTES_MAX: usize = 128;

/// Longest name that a sender gives to what it sends, in bytes: the longest that common clients make is a UUID
/// with a prefix.
pub const SENDER_ID_BYTES_MAX: usize = 255;

/// A sender's name that cannot be kept. Does not repeat it: it may be a megabyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {SENDER_ID_BYTES_MAX} bytes without control characters; it has {bytes} bytes")]
pub struct BadSenderId {
    bytes: usize,
}

/// Whether `id` can be a sender's own name for what it sends, such as an idempotency key or the id of a signal:
/// the same name is the same thing.
pub fn check_sender_id(id: &str) -> Result<(), BadSenderId> {
    let fits = (1..=SENDER_ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(BadSenderId { bytes: id.len() }) }
}

/// Why a string cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// The name has no characters.
    #[error("the name is empty")]
    Empty,
    /// The name is longer than [`NAME_BYTES_MAX`].
    #[error("the name has {0} bytes; at most {NAME_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// The name holds a character outside `A-Z a-z 0-9 . _ : -`.
    #[error("the name holds the character {0:?}; allowed are letters, digits and `.` `_` `:` `-`")]
    Character(char),
}

fn checked(name: &str) -> Result<(), BadName> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    match name.chars().find(|c| !allowed(*c)) {
        _ if name.is_empty() => Err(BadName::Empty),
        _ if name.len() > NAME_BYTES_MAX => Err(BadName::TooLong(name.len())),
        Some(c) => Err(BadName::Character(c)),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses a name: 1 to [`NAME_BYTES_MAX`] bytes of letters, digits and `.` `_` `:` `-`.
            pub fn new(name: impl Into<String>) -> Result<Self, BadName> {
                let name = name.into();
                checked(&name).map(|()| Self(name))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(name: String) -> Result<Self, BadName> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

name! {
    /// One submission to an agent and everything done for it. The daemon makes it (a ULID, so that the
    /// order of names is the order of submission).
    TaskId
}
name! {
    /// A persistent conversation, named by the caller.
    SessionId
}
name! {
    /// Whose data this is. Until keys and tenants arrive, every record belongs to [`Tenant::local`].
    Tenant
}

impl Tenant {
    /// The tenant of a daemon without keys: whoever can reach loopback.
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

/// Position of an event in its task's journal, counted from 0. Doubles as the SSE event id.
pub type Seq = u64;

/// Names one effect for ever: `task/step.ordinal`. A retry of the same effect keeps its id, so it serves
/// as the idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId(pub String);

impl EffectId {
    /// The id of the `ordinal`-th call (from 0) that the model asked for in `step` of `task`.
    pub fn new(task: &TaskId, step: u32, ordinal: usize) -> Self {
        Self(format!("{task}/{step}.{ordinal}"))
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_would_break_a_key_or_a_log_line() {
        assert_eq!(SessionId::new(""), Err(BadName::Empty));
        assert_eq!(SessionId::new("a/b"), Err(BadName::Character('/')));
        assert_eq!(SessionId::new("a\0"), Err(BadName::Character('\0')));
        assert_eq!(SessionId::new("x".repeat(129)), Err(BadName::TooLong(129)));
        assert!(SessionId::new("trip-2026:berlin_1.2").is_ok());
    }

    #[test]
    fn a_sender_may_choose_any_id_that_is_short_and_can_be_shown() {
        for id in ["1", "order 7/ü", &"x".repeat(255)] {
            assert_eq!(check_sender_id(id), Ok(()));
        }
        for id in ["", "a\n", "\u{7f}", &"x".repeat(256)] {
            let refused = check_sender_id(id).unwrap_err();
            assert!(refused.to_string().ends_with(&format!("it has {} bytes", id.len())), "{refused}");
        }
    }
}
