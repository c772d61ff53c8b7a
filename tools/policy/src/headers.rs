//! Headers that a tool may not set.
//!
//! Refused by name are those that say where a message goes or ends, who is asking, and those by which some servers
//! let a caller replace the method or the path that was checked.

/// Most headers of a tool's request. Browsers send about 20.
pub const HEADERS_MAX: usize = 64;

/// Most bytes of all their names and values. Servers commonly take 8 to 16 KiB.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// By whole name, in lower case.
const REFUSED: [&str; 35] = [
    // The message itself.
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // Who is asking: attached by the host, by name.
    "authorization",
    "cookie",
    "cookie2",
    "set-cookie",
    "set-cookie2",
    "x-amz-security-token",
    // Added by the host.
    "idempotency-key",
    // On whose behalf: believed by what stands behind a proxy.
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-original-host",
    "x-real-ip",
    // In place of what was checked.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-override-url",
    "x-accel-redirect",
];

/// By the beginning of the name, in lower case.
const REFUSED_PREFIXES: [&str; 4] = ["proxy-", "x-forwarded-", "x-envoy-", "sec-"];

/// Why headers cannot be sent. Does not repeat a value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// The host's, or a way around a rule.
    #[error("a tool may not set the header `{0}`; credentials are attached by the host, by name")]
    Refused(String),
    /// Not a header name.
    #[error("header {number} has a name that no header can have")]
    Name {
        /// From 1.
        number: usize,
    },
    /// A line break or another control character.
    #[error("the value of the header `{0}` holds a character that no header can carry")]
    Value(String),
    /// More than [`HEADERS_MAX`].
    #[error("the request has {0} headers; at most {HEADERS_MAX} are allowed")]
    TooMany(usize),
    /// More than [`HEADER_BYTES_MAX`].
    #[error("the headers have {0} bytes; at most {HEADER_BYTES_MAX} are allowed")]
    TooLong(usize),
}

/// Whether a tool may send these headers.
pub fn check_headers(headers: &[(String, String)]) -> Result<(), BadHeader> {
    if headers.len() > HEADERS_MAX {
        return Err(BadHeader::TooMany(headers.len()));
    }
    let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Err(BadHeader::TooLong(bytes));
    }
    headers.iter().enumerate().try_for_each(|(at, (name, value))| check(at + 1, name, value))
}

fn check(number: usize, name: &str, value: &str) -> Result<(), BadHeader> {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(in_token) {
        return Err(BadHeader::Name { number });
    }
    // Servers that turn headers into variables see no difference between `-` and `_`.
    let plain = name.to_ascii_lowercase().replace('_', "-");
    if REFUSED.contains(&plain.as_str()) || REFUSED_PREFIXES.iter().any(|prefix| plain.starts_with(prefix)) {
        return Err(BadHeader::Refused(name.to_owned()));
    }
    let is_bad = |c: char| c.is_control() && c != '\t';
    if value.chars().any(is_bad) { Err(BadHeader::Value(name.to_owned())) } else { Ok(()) }
}
