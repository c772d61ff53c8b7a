//! The note a reply carries in `Assistant::provider`: which tokens the model wrote, and which model.
//!
//! ```json
//! {"llama": {"model": "3f2a…", "tokens": [123, 52, 258]}}
//! ```

use serde_json::{Value, json};

use super::Token;

const FAMILY: &str = "llama";

/// The note for `tokens` written by the model with this digest.
pub(crate) fn stamp(version: &str, tokens: &[Token]) -> Value {
    json!({ FAMILY: { "model": version, "tokens": tokens } })
}

/// The tokens in a note, if the same model wrote them: another model's numbers mean other words.
pub(super) fn read(provider: &Value, version: &str) -> Option<Vec<Token>> {
    let note = provider.get(FAMILY)?;
    if note.get("model")?.as_str()? != version {
        return None;
    }
    let tokens = note.get("tokens")?.as_array()?;
    tokens.iter().map(|token| token.as_i64().and_then(|t| Token::try_from(t).ok())).collect()
}
