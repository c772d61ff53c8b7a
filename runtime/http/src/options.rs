//! What an operator can set about this face.

use std::{fmt, time::Duration};

use playhouse_core::id::Tenant;
use sha2::{Digest, Sha256};

/// Bytes of one request body unless set otherwise: the largest input a daemon takes by default (1 MiB), and
/// room for the JSON around it and for escapes in it.
pub const BODY_BYTES_MAX: usize = 1024 * 1024 + 128 * 1024;

/// How long a chat completion waits for a parked task unless set otherwise: a colleague who is asked has the time
/// to say yes, and a client that knows no waiting does not take the daemon for dead.
const PARKED_WAIT: Duration = Duration::from_secs(30);

/// How the HTTP face behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Keys that open the API, each for one tenant. Empty: whoever can reach the socket is [`Tenant::local`],
    /// and only requests that name this machine in `Host` and `Origin` are answered.
    pub keys: Vec<ApiKey>,
    /// Names besides `localhost`, `127.0.0.1` and `[::1]` under which a daemon without keys may be addressed,
    /// without port: for a proxy on the same machine.
    pub hosts: Vec<String>,
    /// Bytes of one request body; larger ones are refused with 413.
    pub body_bytes_max: usize,
    /// How long a chat completion waits for a task that is parked. A task that waits for tasks of its own is at
    /// work, and waited for like one.
    pub parked_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { keys: Vec::new(), hosts: Vec::new(), body_bytes_max: BODY_BYTES_MAX, parked_wait: PARKED_WAIT }
    }
}

impl Options {
    /// Whether callers must show a key: the second argument of [`check_listen`](crate::check_listen).
    pub fn auth_configured(&self) -> bool {
        !self.keys.is_empty()
    }
}

/// A bearer key and the tenant it speaks for. Only the key's SHA-256 is kept, so neither a crash report nor a
/// log line can hold the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub(crate) sha256: [u8; 32],
    pub(crate) tenant: Tenant,
}

/// Why a text is no SHA-256. Does not repeat the text, which may be a secret in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKey;

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key's SHA-256 is 64 hexadecimal digits")
    }
}

impl std::error::Error for BadKey {}

impl ApiKey {
    /// A key given in plain text.
    pub fn plain(secret: &str, tenant: Tenant) -> Self {
        Self { sha256: Sha256::digest(secret).into(), tenant }
    }

    /// A key given by its SHA-256 in hex, so that the configuration holds no secret.
    pub fn sha256_hex(hex: &str, tenant: Tenant) -> Result<Self, BadKey> {
        let digits: Vec<u8> =
            hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>().ok_or(BadKey)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(sha256) if digits.len() == 64 => Ok(Self { sha256, tenant }),
            _ => Err(BadKey),
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
