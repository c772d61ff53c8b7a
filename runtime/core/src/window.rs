//! The context window: which part of a session's past goes into the next prompt.
//!
//! ```text
//! system ─ pinned ─ [turn 1] [turn 2] … [turn n] ─ new input
//!   stay    stay      └─ oldest leave first, whole ─┘   stays
//! ```
//!
//! Turns leave whole, so a tool call is never parted from its result.

use serde::{Deserialize, Serialize};

use crate::{labels::Labels, message::Message, session::Session};

/// Tokens that a message costs beyond its text: role markers and separators.
pub const MESSAGE_OVERHEAD_TOKENS: u32 = 8;

/// How much of a session's past an agent wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowPolicy {
    /// Upper bound of the past in the prompt, in tokens. The model's own context bounds it too.
    pub tokens: u32,
    /// Upper bound of the past in the prompt, in turns.
    pub turns: u32,
}

impl Default for WindowPolicy {
    fn default() -> Self {
        Self { tokens: 4096, turns: 64 }
    }
}

/// What the window lets through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Pinned messages, then the newest turns that fit, oldest first.
    pub messages: Vec<Message>,
    /// Turns left out.
    pub dropped_turns: usize,
    /// Where the kept turns came from (J9).
    pub labels: Labels,
}

/// Estimated tokens of `message` at `bytes_per_token`.
pub fn estimate(message: &Message, bytes_per_token: u32) -> u32 {
    let text = u32::try_from(message.text_bytes()).unwrap_or(u32::MAX);
    text.div_ceil(bytes_per_token.max(1)).saturating_add(MESSAGE_OVERHEAD_TOKENS)
}

/// Chooses the past of `session` that fits `budget_tokens`: all pinned messages, then as many of the
/// newest turns as fit. Pinned messages stay even when they alone exceed the budget; the model's exact
/// count then refuses the prompt with both numbers.
pub fn window(session: &Session, policy: &WindowPolicy, budget_tokens: u32, bytes_per_token: u32) -> Window {
    let cost = |messages: &[Message]| {
        messages.iter().fold(0u32, |sum, message| sum.saturating_add(estimate(message, bytes_per_token)))
    };
    let mut left = budget_tokens.min(policy.tokens).saturating_sub(cost(&session.pinned));
    let mut kept = Vec::new();
    for turn in session.turns.iter().rev().take(policy.turns as usize) {
        let Some(rest) = left.checked_sub(cost(&turn.messages)) else { break };
        left = rest;
        kept.push(turn);
    }
    let dropped_turns = session.turns.len() - kept.len();
    let mut labels = Labels::default();
    kept.iter().for_each(|turn| labels.join(&turn.labels));
    let turns = kept.into_iter().rev().flat_map(|turn| turn.messages.iter().cloned());
    Window { messages: session.pinned.iter().cloned().chain(turns).collect(), dropped_turns, labels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::{session, turn};

    #[test]
    fn the_oldest_turns_leave_first_and_pinned_messages_stay() {
        let mut session = session("s", [turn(1, "aaaa"), turn(2, "bbbb"), turn(3, "cccc")]);
        session.pinned.push(Message::system("keep"));
        // Each message costs 4 + 8; room for the pinned one and two turns.
        let window = window(&session, &WindowPolicy::default(), 36, 1);
        assert_eq!(window.messages, [Message::system("keep"), Message::user("bbbb"), Message::user("cccc")]);
        assert_eq!(window.dropped_turns, 1);
    }

    #[test]
    fn a_turn_too_large_for_the_window_ends_it() {
        let session = session("s", [turn(1, "a"), turn(2, &"b".repeat(100)), turn(3, "c")]);
        let window = window(&session, &WindowPolicy::default(), 50, 1);
        assert_eq!(window.messages, [Message::user("c")], "no hole is left in the conversation");
    }

    #[test]
    fn the_policy_bounds_turns_and_tokens_below_the_model() {
        let session = session("s", [turn(1, "a"), turn(2, "b"), turn(3, "c")]);
        let one_turn = WindowPolicy { turns: 1, ..WindowPolicy::default() };
        assert_eq!(window(&session, &one_turn, 1000, 1).messages, [Message::user("c")]);
        let few_tokens = WindowPolicy { tokens: 20, ..WindowPolicy::default() };
        assert_eq!(window(&session, &few_tokens, 1000, 1).messages.len(), 2);
    }
}
