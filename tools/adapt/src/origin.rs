//! What a composed tool was made of. It holds the other component as it was, so that nobody has to be believed.

use playhouse_core::digest;

use crate::error::AdaptError;
use crate::look::Look;
use crate::parts::{ABSENT, ADAPTER};

/// Where a composed tool comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// SHA-256 of the component inside, in hex.
    pub sha256: String,
    /// Size of the component inside.
    pub bytes: usize,
}

/// The component inside of one that [`adapt`](crate::adapt) of this version has made; `None` for any other component.
///
/// # Errors
/// `wasm` is not a component.
pub fn origin(wasm: &[u8]) -> Result<Option<Origin>, AdaptError> {
    let found = Look::at(wasm)?;
    // In the order in which they are composed.
    let [adapter, inside, ..] = found.inner[..] else { return Ok(None) };
    if adapter != ADAPTER || inside == ABSENT {
        return Ok(None);
    }
    Ok(Some(Origin { sha256: digest::of_bytes(inside), bytes: inside.len() }))
}
