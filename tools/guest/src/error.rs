//! The failures a tool can report. They are values, not panics: a panic is a bug and costs the call its message.

use crate::bindings::{ErrorKind, ToolError};

/// What kind of failure this is, so that the runtime can decide what to do next without reading prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The arguments fit the schema but not the tool; the model can correct them.
    InvalidInput,
    /// The tool is not permitted to do this.
    Denied,
    /// The thing asked for does not exist.
    NotFound,
    /// Something else changed it meanwhile.
    Conflict,
    /// What the tool needs does not answer, or has had too many requests; later may work.
    Unavailable,
    /// It did not work, and trying again will not help.
    Failed,
}

/// A failure that goes back to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure.
    pub kind: Kind,
    /// One sentence without a full stop; says what to do instead where there is something to say.
    pub message: String,
    /// Milliseconds after which another attempt makes sense, if that is known. Only read with [`Kind::Unavailable`].
    pub retry_after_ms: Option<u32>,
}

/// What a tool returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of `kind`; `message` says what to do instead.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_ms: None }
    }

    /// The arguments are wrong, and `message` says which, what was expected, and gives an example.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidInput, message)
    }

    /// The tool is not permitted to do this.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(Kind::Denied, message)
    }

    /// The thing asked for does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Something else changed it meanwhile.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// What the tool needs does not answer; later may work: see [`retry_after`](Self::retry_after).
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// It did not work, and trying again will not help.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The same, with the milliseconds after which another attempt makes sense.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
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
            Kind::Unavailable => ErrorKind::Unavailable,
            Kind::Failed => ErrorKind::Failed,
        };
        ToolError { kind, message: self.message, retry_after_ms: self.retry_after_ms }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
