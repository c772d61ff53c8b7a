//! What an operator writes about one remote model. Checked in `check`.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

/// One model behind an OpenAI-compatible endpoint.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// The alias that agents use. A configuration names models by key, so it need not repeat it.
    #[serde(default)]
    pub name: String,
    /// Where the API begins, e.g. `https://api.openai.com/v1`: `/chat/completions` is appended.
    pub base_url: String,
    /// The model, as the provider names it.
    pub model: String,
    /// The provider in the words of the OpenTelemetry conventions (`openai`, `deepseek`, `groq`, …).
    #[serde(default = "provider")]
    pub provider: String,
    /// The environment variable that holds the key. The key itself is never in a config.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// Sent as `OpenAI-Organization`.
    #[serde(default)]
    pub organization: Option<String>,
    /// More headers for every request; none that carry credentials.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Prompt plus reply, in tokens.
    pub context_tokens: u32,
    /// Bytes of text per token, for estimates. 3 errs on the high side for the common tokenizers (about 4
    /// for English text, 3 for code and JSON).
    #[serde(default = "bytes_per_token")]
    pub bytes_per_token: u32,
    /// Whether the reply is streamed. Without it, the first byte comes when the reply is complete.
    #[serde(default = "stream")]
    pub stream: bool,
    /// Calls at once; further ones wait in order, within their total timeout. 64 keeps one task storm from
    /// using up a provider's limits and this machine's sockets.
    #[serde(default = "max_in_flight")]
    pub max_in_flight: usize,
    /// Longest line or event of a stream, in bytes. Events are tens of bytes; 1 MiB leaves room for
    /// providers that send long arguments in one piece.
    #[serde(default = "max_line_bytes")]
    pub max_line_bytes: usize,
    /// Longest answer, in bytes with all framing. A streamed token costs some 300 bytes of framing, so
    /// 32 MiB hold a reply of 100,000 tokens.
    #[serde(default = "max_reply_bytes")]
    pub max_reply_bytes: usize,
    /// Which field bounds the reply.
    #[serde(default)]
    pub max_tokens_field: MaxTokensField,
    /// Fields that this model refuses and that are therefore not sent.
    #[serde(default)]
    pub omit: Vec<Omit>,
    /// How long to wait for what.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// Which field bounds the reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// What nearly every server understands.
    #[default]
    MaxTokens,
    /// What OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// A request field that can be left out. Reasoning models refuse `temperature` and `top_p`, older servers
/// `stream_options`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omit {
    /// `temperature`.
    Temperature,
    /// `top_p`.
    TopP,
    /// `seed`.
    Seed,
    /// `max_tokens`, under either name.
    MaxTokens,
    /// `stream_options`; usage is then unknown and reads as zeros.
    StreamOptions,
}

/// How long to wait for what, in milliseconds. Each passes on its own; its error says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Name lookup, TCP and TLS. 5 s covers one lost packet on a slow link; a dead host shows at once.
    pub connect_ms: u64,
    /// From sending to the first byte of the answer's body, connecting included. 60 s covers a long
    /// prompt in a busy provider's queue. Only for streamed replies: others are written before they come.
    pub first_byte_ms: u64,
    /// Between two pieces of the body. 30 s: a model that writes pauses for less, and providers that think
    /// longer send comments meanwhile.
    pub idle_ms: u64,
    /// The whole call, waiting for a free slot included. 5 min covers the longest useful replies.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 60_000, idle_ms: 30_000, total_ms: 300_000 }
    }
}

/// Shows the names of headers, not their values: an operator may have put a credential under a name that
/// we do not know.
impl fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiConfig")
            .field("name", &self.name)
            .field("model", &self.model)
            .field("provider", &self.provider)
            .field("api_key_env", &self.api_key_env)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("context_tokens", &self.context_tokens)
            .field("stream", &self.stream)
            .field("max_in_flight", &self.max_in_flight)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

fn provider() -> String {
    "openai".into()
}

fn bytes_per_token() -> u32 {
    3
}

fn stream() -> bool {
    true
}

fn max_in_flight() -> usize {
    64
}

fn max_line_bytes() -> usize {
    1024 * 1024
}

fn max_reply_bytes() -> usize {
    32 * 1024 * 1024
}
