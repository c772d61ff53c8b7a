//! What the body of a refusal says. The specification has one form, providers have six:
//!
//! ```text
//!   {"error": {"message", "type", "code", "param"}}      OpenAI; `code` is a number at some
//!   [{"error": {…}}]                                     Gemini
//!   {"error": "text"}                                    Ollama
//!   {"message": "text", "type": …, "code": …}            Mistral
//!   {"detail": "text" | [{"msg": "text"}]}               servers on FastAPI
//!   <html>…                                              whatever proxy stands between
//! ```

use playhouse_core::model::ModelErrorKind as Kind;
use serde_json::Value;

/// What a provider says about its refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    /// Its words for people. Neither redacted nor cut.
    pub(crate) text: String,
    /// The status it names in the body.
    pub(crate) status: Option<u16>,
    /// `code` and `type`.
    words: Vec<String>,
}

impl Detail {
    /// Reads a body.
    pub(crate) fn of(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self { text: plain(body), ..Self::default() },
        }
    }

    /// Reads a body, or the `error` in it.
    pub(crate) fn of_json(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let message = ["message", "detail", "error"].iter().find_map(|name| error.get(name)).unwrap_or(error);
        let message = message.get(0).and_then(|first| first.get("msg")).unwrap_or(message);
        let text = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
        let field = |name: &str| error.get(name);
        let words = ["code", "type", "status"].into_iter().filter_map(field).filter_map(Value::as_str);
        let status = field("code").or(field("status")).and_then(Value::as_u64);
        Self {
            text,
            status: status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status >= 400),
            words: words.map(str::to_ascii_lowercase).collect(),
        }
    }

    /// The kind of failure, where the body says more than a status can.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.words
            .iter()
            .find_map(|word| of_word(word))
            .or_else(|| self.overflow().then_some(Kind::ContextOverflow))
    }

    /// The kind of failure that the body suggests, for errors without a status.
    pub(crate) fn likely_kind(&self) -> Option<Kind> {
        self.words.iter().find_map(|word| match word.as_str() {
            "authentication_error" | "permission_error" => Some(Kind::Auth),
            "rate_limit_exceeded" | "rate_limit_error" => Some(Kind::RateLimited),
            "invalid_request_error" | "not_found_error" | "model_not_found" => Some(Kind::BadRequest),
            _ => None,
        })
    }

    /// Whether the prompt was too long. Many servers say it in words only, under a plain 400.
    fn overflow(&self) -> bool {
        const PHRASES: [&str; 4] = [
            "maximum context length",
            "context window",
            "prompt is too long",
            "exceeds the available context size",
        ];
        let text = self.text.to_lowercase();
        PHRASES.iter().any(|phrase| text.contains(phrase))
    }
}

/// Words that mean one kind under whatever status they come.
fn of_word(word: &str) -> Option<Kind> {
    Some(match word {
        "context_length_exceeded" | "exceed_context_size_error" => Kind::ContextOverflow,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => Kind::Quota,
        "content_filter" | "content_policy_violation" | "responsibleaipolicyviolation" => Kind::ContentFilter,
        "invalid_api_key" => Kind::Auth,
        "overloaded_error" => Kind::Unavailable,
        _ => return None,
    })
}

/// Bytes as words: markup is taken out, so that an error page reads as its text.
pub(crate) fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if !is_markup(&text) {
        return text.into_owned();
    }
    let mut plain = String::new();
    for piece in text.split('<').skip(1) {
        // Each piece begins inside a tag; style sheets and scripts are not words.
        let (tag, words) = piece.split_once('>').unwrap_or((piece, ""));
        if !(tag.starts_with("style") || tag.starts_with("script")) {
            plain.push(' ');
            plain.push_str(words);
        }
    }
    plain
}

fn is_markup(text: &str) -> bool {
    text.trim_start().starts_with('<')
}
