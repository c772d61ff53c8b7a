//! Errors as callers see them.

use serde::{Deserialize, Serialize};

/// Why a request was refused: what happened, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What kind.
    pub kind: ApiErrorKind,
    /// For people.
    pub message: String,
    /// When to come back, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// The kinds of refusal; each face maps them to its own codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiErrorKind {
    /// The request is wrong (400).
    BadRequest,
    /// No key, or a wrong one (401).
    Unauthenticated,
    /// No such task, session, agent, tool or model (404).
    NotFound,
    /// The idempotency key was used with other content (409).
    Conflict,
    /// The body is larger than allowed (413).
    TooLarge,
    /// Too much work is waiting (429).
    TooBusy,
    /// A part the request needs is not available now (503).
    Unavailable,
    /// The disk is full (507).
    StorageFull,
    /// A bug (500).
    Internal,
}

impl ApiError {
    /// An error of `kind`.
    pub fn new(kind: ApiErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None }
    }

    /// The same, with advice on when to come back.
    pub fn retry_after(self, ms: u64) -> Self {
        Self { retry_after_ms: Some(ms), ..self }
    }
}
