//! One call: its tokens so far, what was shown of them, and how the next one is chosen.

use llama_cpp_2::{context::LlamaContext, model::LlamaModel};
use playhouse_core::{
    message::Assistant,
    model::{ChatRequest, Finish, Reply, Usage},
};

use super::{Say, choose::Chooser, load::Words};
use crate::{
    parse::{Note, Part, Splitter, collect},
    prompt::{Token, Vocabulary, stamp},
    wire::{CallId, FromWorker, Piece},
};

pub(super) struct Job {
    pub(super) id: CallId,
    pub(super) request: ChatRequest,
    /// The prompt, then what the model wrote. Append-only.
    pub(super) tokens: Vec<Token>,
    /// Tokens of the prompt that did not have to be computed.
    pub(super) cached: usize,
    prompt: usize,
    /// The reply may have this many tokens.
    budget: usize,
    chooser: Chooser,
    /// Bytes of a character that is not complete yet.
    bytes: Vec<u8>,
    splitter: Splitter,
    parts: Vec<Part>,
}

pub(super) enum Next {
    More,
    Finished(Finish),
}

/// A finished call: the reply for the caller, the rest for the memory.
pub(super) struct Done {
    pub(super) conversation: String,
    pub(super) request: ChatRequest,
    pub(super) tokens: Vec<Token>,
    pub(super) reply: Reply,
}

impl Job {
    pub(super) fn new(
        id: CallId,
        request: ChatRequest,
        prompt: Vec<Token>,
        budget: usize,
        chooser: Chooser,
    ) -> Self {
        let splitter = Splitter::new(!request.tools.is_empty());
        let (cached, prompt, tokens) = (0, prompt.len(), prompt);
        Self {
            id,
            request,
            tokens,
            cached,
            prompt,
            budget,
            chooser,
            bytes: Vec::new(),
            splitter,
            parts: Vec::new(),
        }
    }

    /// Chooses the next token from the logits in `row` and shows what it adds.
    pub(super) fn advance(
        &mut self,
        context: &LlamaContext<'_>,
        row: i32,
        model: &LlamaModel,
        words: &Words<'_>,
        say: Say<'_>,
    ) -> Next {
        // A grammar without a way on is the end of the reply, not of the process.
        let Some(token) = self.chooser.choose(context, row) else { return Next::Finished(Finish::Stop) };
        self.tokens.push(token);
        if words.is_end(token) {
            return Next::Finished(Finish::Stop);
        }
        let was_in_call = self.splitter.in_call();
        self.bytes.extend(words.spell(token));
        let text = take_text(&mut self.bytes);
        let parts = self.splitter.push(&text);
        self.show(parts, say);
        self.chooser.accept(token, say);
        if self.splitter.in_call() && !was_in_call {
            self.chooser.begin_call(model, words, &self.tokens[self.prompt..], say);
        }
        match self.tokens.len() - self.prompt < self.budget {
            true => Next::More,
            false => Next::Finished(Finish::Length),
        }
    }

    /// Everything that was said, in its final form.
    pub(super) fn finish(mut self, finish: Finish, version: &str, say: Say<'_>) -> Done {
        let rest = String::from_utf8_lossy(&self.bytes).into_owned();
        let mut parts = self.splitter.push(&rest);
        parts.extend(self.splitter.finish());
        self.show(parts, say);
        let parsed = collect(self.parts);
        if parsed.notes.contains(&Note::NamelessCall) {
            say(FromWorker::Warn {
                message: "the model wrote a tool call without a name; kept as text".into(),
            });
        }
        let written = &self.tokens[self.prompt..];
        let usage = Usage {
            input_tokens: self.prompt as u64,
            cached_tokens: self.cached as u64,
            output_tokens: written.len() as u64,
        };
        let finish =
            if finish == Finish::Stop && !parsed.calls.is_empty() { Finish::ToolCalls } else { finish };
        let provider = Some(stamp(version, written));
        let message = Assistant { content: parsed.content, tool_calls: parsed.calls, provider };
        let reply = Reply { message, usage, finish, model: version.to_owned() };
        Done {
            conversation: self.request.conversation.clone(),
            request: self.request,
            tokens: self.tokens,
            reply,
        }
    }

    fn show(&mut self, parts: Vec<Part>, say: Say<'_>) {
        for part in parts {
            let piece = match &part {
                Part::Text(text) => Some(Piece::Text(text.clone())),
                Part::Call { name, raw, .. } => {
                    let index = self.parts.iter().filter(|part| matches!(part, Part::Call { .. })).count();
                    Some(Piece::ToolCall { index, name: name.clone(), arguments: raw.clone() })
                }
                Part::Note(_) => None,
            };
            self.parts.push(part);
            if let Some(delta) = piece {
                say(FromWorker::Delta { id: self.id, delta });
            }
        }
    }
}

/// The complete characters at the start of `bytes`; what is no UTF-8 becomes U+FFFD.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    loop {
        let (valid, broken) = match std::str::from_utf8(bytes) {
            Ok(_) => (bytes.len(), 0),
            Err(e) => (e.valid_up_to(), e.error_len().unwrap_or(0)),
        };
        text.push_str(&String::from_utf8_lossy(&bytes[..valid]));
        bytes.drain(..valid + broken);
        match broken {
            0 => return text,
            _ => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
