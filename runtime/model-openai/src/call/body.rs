//! The body of an answer, piece by piece: timed and bounded.

use reqwest::Response;

use crate::wait::{Passed, Waits};

/// Why the next piece does not come.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A timeout passed.
    Passed(Passed),
    /// The connection broke.
    Broken(reqwest::Error),
    /// The body is longer than allowed.
    TooLong,
}

/// A body being read.
#[derive(Debug)]
pub(super) struct Body {
    response: Response,
    waits: Waits,
    /// Bytes that may still come.
    left: usize,
    begun: bool,
}

impl Body {
    /// Reads the body of `response`, at most `max` bytes of it.
    pub(super) fn new(response: Response, waits: Waits, max: usize) -> Self {
        Self { response, waits, left: max, begun: false }
    }

    /// Like [`Body::new`], for an answer whose head is all that had to be waited for patiently.
    pub(super) fn begun(response: Response, waits: Waits, max: usize) -> Self {
        Self { begun: true, ..Self::new(response, waits, max) }
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Trouble> {
        let piece = self.response.chunk();
        let piece = if self.begun { self.waits.next(piece).await } else { self.waits.beginning(piece).await };
        self.begun = true;
        let piece = piece.map_err(Trouble::Passed)?.map_err(Trouble::Broken)?;
        let size = piece.as_ref().map_or(0, |piece| piece.len());
        self.left = self.left.checked_sub(size).ok_or(Trouble::TooLong)?;
        Ok(piece)
    }
}
