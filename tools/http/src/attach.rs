//! Secrets: to whom they go.

use playhouse_ports::egress::{Attach, EgressErrorKind};
use playhouse_tools_policy::{Origin, Target};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::failure::Problem;

/// Headers that say where a message ends and where it goes: never those of a secret.
const FRAMING: [&str; 7] =
    ["connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"];

/// Whether a secret can be attached so; what is wrong, without its value.
///
/// # Errors
/// No header has the name, it belongs to the connection, no header can carry the value, or the origin is none.
pub fn check_attach(attach: &Attach) -> Result<(), String> {
    Attached::read(attach).map(drop).map_err(|problem| problem.message)
}

/// A secret that is ready to go.
#[derive(Debug)]
pub(crate) struct Attached {
    header: HeaderName,
    value: HeaderValue,
    origin: Origin,
}

impl Attached {
    /// Checks what the host wants attached. No error repeats the value.
    pub(crate) fn read(attach: &Attach) -> Result<Self, Problem> {
        let bad = |what: &str| {
            let message = format!("the secret for the header `{}` cannot be attached: {what}", attach.header);
            Problem::new(EgressErrorKind::BadRequest, message)
        };
        let header = HeaderName::try_from(&attach.header).map_err(|_| bad("no header has this name"))?;
        if FRAMING.contains(&header.as_str()) {
            return Err(bad("this header belongs to the connection"));
        }
        let value = HeaderValue::try_from(attach.value.expose());
        let mut value = value.map_err(|_| bad("no header can carry its value"))?;
        // No `Debug` shows it, and no table of HTTP/2 keeps it.
        value.set_sensitive(true);
        let target = Target::parse(&attach.origin).map_err(|error| bad(&error.to_string()))?;
        let origin = target.origin().clone();
        let is_origin = target.as_str() == format!("{origin}/");
        if is_origin { Ok(Self { header, value, origin }) } else { Err(bad("its origin has a path")) }
    }

    /// Puts it into the headers of a request to `origin`, if that is where it belongs.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, origin: &Origin) {
        if self.origin == *origin {
            headers.insert(self.header.clone(), self.value.clone());
        }
    }
}
