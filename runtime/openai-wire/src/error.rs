//! What a server answers when it gives no answer.

use serde::{Deserialize, Serialize};

use crate::lenient::text_or_json;

/// The body of every error: `{"error": {…}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    /// The error.
    pub error: ErrorBody,
}

/// What went wrong. All four fields are required by the specification; the last two may be `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For people.
    #[serde(default)]
    pub message: String,
    /// The family: `invalid_request_error`, `insufficient_quota`, `server_error`, …
    #[serde(rename = "type", default, deserialize_with = "text_or_json")]
    pub kind: Option<String>,
    /// Which field of the request is meant.
    #[serde(default, deserialize_with = "text_or_json")]
    pub param: Option<String>,
    /// For programs: `context_length_exceeded`, `invalid_api_key`, …; a number at some providers.
    #[serde(default, deserialize_with = "text_or_json")]
    pub code: Option<String>,
}

impl ErrorEnvelope {
    /// An error of the family `kind`.
    pub fn new(kind: impl Into<String>, code: Option<String>, message: impl Into<String>) -> Self {
        Self { error: ErrorBody { message: message.into(), kind: Some(kind.into()), param: None, code } }
    }
}
