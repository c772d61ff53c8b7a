//! The token lists of conversations that were here lately. Losing one costs time, never correctness.

use std::{collections::HashMap, sync::Arc};

use playhouse_core::{
    message::{Assistant, Message},
    model::ChatRequest,
    tool::ToolSpec,
};

use super::Token;

/// One conversation as it stood after its last reply.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The messages, the reply included.
    pub(super) messages: Vec<Message>,
    tools: Vec<Arc<ToolSpec>>,
    /// The prompt's tokens and the reply's.
    pub(super) tokens: Vec<Token>,
}

impl Known {
    /// The conversation of `request` after `reply`.
    pub(crate) fn after(request: ChatRequest, reply: Assistant, tokens: Vec<Token>) -> Self {
        let mut messages = Arc::unwrap_or_clone(request.messages);
        messages.push(Message::Assistant(reply));
        Self { messages, tools: request.tools, tokens }
    }

    /// Whether `request` is this conversation, gone on.
    pub(super) fn continues(&self, request: &ChatRequest) -> bool {
        let same = |(ours, theirs)| same_message(ours, theirs);
        self.tools == request.tools
            && self.messages.len() <= request.messages.len()
            && self.messages.iter().zip(request.messages.iter()).all(same)
    }
}

/// A caller may drop the provider's note; the words must be the same.
fn same_message(ours: &Message, theirs: &Message) -> bool {
    match (ours, theirs) {
        (Message::Assistant(a), Message::Assistant(b)) => {
            a.content == b.content
                && a.tool_calls == b.tool_calls
                && (b.provider.is_none() || a.provider == b.provider)
        }
        _ => ours == theirs,
    }
}

/// The most recently used conversations.
#[derive(Debug)]
pub(crate) struct Memory {
    known: HashMap<String, (u64, Known)>,
    clock: u64,
    most: usize,
}

impl Memory {
    /// Keeps at most `most` conversations.
    pub(crate) fn new(most: usize) -> Self {
        Self { known: HashMap::new(), clock: 0, most }
    }

    pub(crate) fn get(&mut self, conversation: &str) -> Option<&Known> {
        self.clock += 1;
        let (used, known) = self.known.get_mut(conversation)?;
        *used = self.clock;
        Some(known)
    }

    pub(crate) fn put(&mut self, conversation: String, known: Known) {
        self.clock += 1;
        self.known.insert(conversation, (self.clock, known));
        if self.known.len() > self.most {
            let oldest = self.known.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.known.remove(&oldest);
            }
        }
    }
}
