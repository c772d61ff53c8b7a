//! Scheme, host and port: to whom a request goes.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

/// Longest name in the DNS, in bytes, and longest label between its dots.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Why no host can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// Neither `http` nor `https`.
    #[error("the scheme must be `http` or `https`")]
    Scheme,
    /// Nothing between `//` and the path.
    #[error("there is no host behind `//`")]
    NoHost,
    /// An address that means something else on every machine.
    #[error("the address names a zone (`%…`), which only this machine could understand")]
    Zone,
    /// Empty or overlong labels.
    #[error("the host is no name that the DNS could hold")]
    Name,
    /// Port 0.
    #[error("nothing listens on port 0")]
    Port,
}

/// An origin in its normal form: the name in lower case and punycode without a last dot, or an address; the
/// port always known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    is_https: bool,
    host: Host<String>,
    port: u16,
}

impl Origin {
    /// The origin of a URL.
    pub(crate) fn of(url: &Url) -> Result<Self, BadOrigin> {
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(BadOrigin::Scheme),
        };
        let host = match url.host().ok_or(BadOrigin::NoHost)? {
            Host::Domain(name) => Host::Domain(checked(name)?),
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        match url.port_or_known_default() {
            None | Some(0) => Err(BadOrigin::Port),
            Some(port) => Ok(Self { is_https, host, port }),
        }
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The address, if the host is one and no name.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// The name, if the host is one.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Domain(name) => Some(name),
            _ => None,
        }
    }

    /// Whether scheme and port are the same, whatever the host.
    pub(crate) fn has_door_of(&self, other: &Self) -> bool {
        (self.is_https, self.port) == (other.is_https, other.port)
    }
}

fn checked(name: &str) -> Result<String, BadOrigin> {
    // `example.com.` is `example.com`, to the DNS; to rules and certificates it would be another name.
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |label: &str| (1..=LABEL_BYTES_MAX).contains(&label.len());
    if name.len() <= NAME_BYTES_MAX && name.split('.').all(fits) {
        return Ok(name.to_owned());
    }
    Err(BadOrigin::Name)
}

/// `https://example.com`; the port only where it is not the scheme's own.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.is_https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}
