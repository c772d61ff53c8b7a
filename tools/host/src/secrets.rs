//! Secrets that an operator lets a tool use: the host holds them, the guest knows their names.

use playhouse_ports::egress::{Attach, Secret};

/// A secret, and what it may be used for.
#[derive(Debug, Clone)]
pub struct SecretUse {
    /// What it is.
    pub value: Secret,
    /// Where it is sent, if it may be sent at all.
    pub header: Option<SecretHeader>,
    /// Whether requests may be signed with it (`secrets.hmac-sha256`).
    pub sign: bool,
}

/// How a secret leaves.
#[derive(Debug, Clone)]
pub struct SecretHeader {
    /// `https://api.example.com`: to this scheme, host and port, and nowhere else.
    pub origin: String,
    /// Name of the header.
    pub header: String,
    /// Its value, with `{}` where the secret goes: `Bearer {}`.
    pub format: String,
}

impl SecretUse {
    /// The header to attach to a request; `None` if it may not be sent.
    #[must_use]
    pub fn attach(&self) -> Option<Attach> {
        let SecretHeader { origin, header, format } = self.header.clone()?;
        let value = Secret::new(format.replace("{}", self.value.expose()));
        Some(Attach { header, value, origin })
    }
}
