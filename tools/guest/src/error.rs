//! The failures a tool can report. They are values, not panics: a panic is a bug and costs the call its message.

use crate::bindings::{ErrorKind, ToolError};

/// What kind of failure this is, so that the runtime can decide what to do next without reading prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The arguments are wrong; the model can correct them.
    InvalidInput,
    /// The tool is not permitted to do this.
    Denied,
    /// The thing asked for does not exist.
    NotFound,
    /// Something else changed it meanwhile.
    Conflict,
    /// Too often: later may work.
    RateLimited,
    /// What the tool talks to failed; later may work.
    Upstream,
    /// The tool is broken.
    Internal,
}

/// A failure that goes back to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure.
    pub kind: Kind,
    /// One sentence without a full stop; says what to do instead where there is something to say.
    pub message: String,
}

impl Error {
    /// A failure of `kind`; `message` says what to do instead.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The arguments are wrong, and `message` says how to correct them.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidInput, message)
    }

    /// The thing asked for does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The tool is broken.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The form that crosses the boundary. For [`export!`](crate::export!) only.
    #[doc(hidden)]
    #[must_use]
    pub fn into_wire(self) -> ToolError {
        let kind = match self.kind {
            Kind::InvalidInput => ErrorKind::InvalidInput,
            Kind::Denied => ErrorKind::Denied,
            Kind::NotFound => ErrorKind::NotFound,
            Kind::Conflict => ErrorKind::Conflict,
            Kind::RateLimited => ErrorKind::RateLimited,
            Kind::Upstream => ErrorKind::Upstream,
            Kind::Internal => ErrorKind::Internal,
        };
        ToolError { kind, message: self.message }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
