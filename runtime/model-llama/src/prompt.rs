//! Turns a conversation into a list of tokens that only ever grows.
//!
//! What the model wrote is a list of tokens. Writing it as text and reading it again gives other tokens (`5.10`
//! becomes `5.1`, keys change places), and then nothing that was computed for it can be used again. So a past turn is never
//! rendered again. Its tokens come back with the message, in `Assistant::provider`, and the template is asked
//! only for what stands *between* two replies:
//!
//! ```text
//!  render( … user · assistant "⟦sentinel⟧" · tool · tool ) = … ⟦sentinel⟧ <|im_end|>\n<|im_start|>user\n… assistant\n
//!                                                        everything after it ──┘ is the suffix
//!  tokens = head · reply₁ · suffix₁ · reply₂ · suffix₂ …
//! ```
//!
//! Each piece depends on earlier messages only, so the tokens of turn n are a prefix of turn n+1's. That holds
//! after a crash, too: this module has no state. [`Memory`] only saves the work of building the list again.
//!
//! Where a template does something else (no sentinel in its output), the whole is rendered and tokenised once more:
//! correct, only slower.

mod memory;
mod stamp;

use playhouse_core::{
    message::{Assistant, Message},
    model::{ChatRequest, ModelError},
};

use crate::template::Template;

pub(crate) use memory::{Known, Memory};
pub(crate) use stamp::stamp;

/// A token as llama.cpp numbers it.
pub(crate) type Token = i32;

/// What the prompt needs from a vocabulary.
pub(crate) trait Vocabulary {
    /// Tokens of `text`; markers such as `<|im_start|>` become single tokens.
    fn tokenize(&self, text: &str) -> Vec<Token>;
    /// What a sequence starts with, if the model wants it.
    fn begin(&self) -> Option<Token>;
    /// Whether the model ends its turn with this token.
    fn is_end(&self, token: Token) -> bool;
    /// Number of tokens.
    fn size(&self) -> usize;
}

/// Everything that a prompt is made with.
pub(crate) struct Prompter<'a> {
    pub(crate) template: &'a Template,
    pub(crate) vocabulary: &'a dyn Vocabulary,
    /// Marks tokens of this very model.
    pub(crate) version: &'a str,
}

impl Prompter<'_> {
    /// The prompt's tokens, up to and including the head of the reply that is to come. `known` is what an earlier
    /// turn of this conversation left behind.
    pub(crate) fn tokens(
        &self,
        request: &ChatRequest,
        known: Option<&Known>,
    ) -> Result<Vec<Token>, ModelError> {
        let messages = &request.messages;
        let (mut tokens, mut done) = match known.filter(|known| known.continues(request)) {
            Some(known) => {
                let replied = known.messages.len();
                let mut tokens = known.tokens.clone();
                let Some(between) = self.around(request, replied - 1, false)? else {
                    return self.afresh(request);
                };
                self.append_suffix(&mut tokens, &between.suffix);
                (tokens, next_reply(messages, replied))
            }
            None => {
                let first = next_reply(messages, 0);
                (self.head(&self.template.render(&messages[..first], request)?), first)
            }
        };
        while done < messages.len() {
            let own = self.own_tokens(&messages[done]);
            let Some(between) = self.around(request, done, own.is_none())? else {
                return self.afresh(request);
            };
            tokens.extend(own.unwrap_or_else(|| self.vocabulary.tokenize(&between.reply)));
            self.append_suffix(&mut tokens, &between.suffix);
            done = next_reply(messages, done + 1);
        }
        Ok(tokens)
    }

    /// The whole conversation in one rendering.
    fn afresh(&self, request: &ChatRequest) -> Result<Vec<Token>, ModelError> {
        Ok(self.head(&self.template.render(&request.messages, request)?))
    }

    fn head(&self, text: &str) -> Vec<Token> {
        let mut tokens = self.vocabulary.tokenize(text);
        // Most templates write the first token themselves.
        if let Some(begin) = self.vocabulary.begin().filter(|begin| tokens.first() != Some(begin)) {
            tokens.insert(0, begin);
        }
        tokens
    }

    /// A reply that ended by itself already holds the token that the suffix starts with.
    fn append_suffix(&self, tokens: &mut Vec<Token>, suffix: &str) {
        let suffix = self.vocabulary.tokenize(suffix);
        let ended = tokens.last().filter(|last| self.vocabulary.is_end(**last));
        let skip = usize::from(ended.is_some() && ended == suffix.first());
        tokens.extend_from_slice(&suffix[skip..]);
    }

    /// The tokens that this model itself wrote for `reply`.
    fn own_tokens(&self, reply: &Message) -> Option<Vec<Token>> {
        let Message::Assistant(Assistant { provider: Some(provider), .. }) = reply else { return None };
        let tokens = stamp::read(provider, self.version)?;
        let valid = |token: &Token| usize::try_from(*token).is_ok_and(|t| t < self.vocabulary.size());
        tokens.iter().all(valid).then_some(tokens)
    }

    /// The text of what follows the reply at `at`, up to the next reply; and of the reply itself, if `wanted`.
    fn around(&self, request: &ChatRequest, at: usize, wanted: bool) -> Result<Option<Between>, ModelError> {
        let mut messages = request.messages[..next_reply(&request.messages, at + 1)].to_vec();
        let sentinel = sentinel(&messages);
        let replaced = Message::Assistant(Assistant { content: sentinel.clone(), ..Assistant::default() });
        let reply = std::mem::replace(&mut messages[at], replaced);
        let marked = self.template.render(&messages, request)?;
        let Some((before, suffix)) = marked.split_once(&sentinel) else { return Ok(None) };
        if !wanted {
            return Ok(Some(Between { reply: String::new(), suffix: suffix.to_owned() }));
        }
        messages[at] = reply;
        let plain = self.template.render(&messages, request)?;
        let reply = plain.strip_prefix(before).and_then(|rest| rest.strip_suffix(suffix));
        Ok(reply.map(|reply| Between { reply: reply.to_owned(), suffix: suffix.to_owned() }))
    }
}

struct Between {
    /// The reply as the template writes it; empty where its tokens are known.
    reply: String,
    suffix: String,
}

/// Index of the first reply at or after `from`, or the number of messages.
fn next_reply(messages: &[Message], from: usize) -> usize {
    let found = messages[from..].iter().position(|m| matches!(m, Message::Assistant(_)));
    found.map_or(messages.len(), |at| from + at)
}

/// A text that occurs in none of the messages.
fn sentinel(messages: &[Message]) -> String {
    let taken = |candidate: &String| messages.iter().any(|message| mentions(message, candidate));
    (0_u64..).map(|n| format!("[[playhouse-reply-{n}]]")).find(|s| !taken(s)).expect("messages are finite")
}

fn mentions(message: &Message, text: &str) -> bool {
    match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.contains(text)
        }
        Message::Assistant(reply) => {
            reply.content.contains(text)
                || reply.tool_calls.iter().any(|call| format!("{call:?}").contains(text))
        }
    }
}

#[cfg(test)]
mod tests;
