//! Capability `secrets`: by name, used and never seen. To send one with a request, name it in
//! [`http::Request::secret`](crate::http::Request::secret); that needs no call of this module.

use crate::wire::secrets;
use crate::{Error, Result};

/// Whether a secret of that name is granted.
#[must_use]
pub fn is_granted(name: &str) -> bool {
    secrets::is_granted(name)
}

/// HMAC-SHA256 of `payload` under the secret, for services that want requests signed.
///
/// # Errors
/// [`Denied`](crate::Kind::Denied), if the secret is not granted for that.
pub fn hmac_sha256(name: &str, payload: &[u8]) -> Result<Vec<u8>> {
    secrets::hmac_sha256(name, payload)
        .map_err(|why| Error::denied(format!("secret `{name}` cannot be used to sign: {why}")))
}
