//! What went wrong on the way, as one of the classes that a tool can act on.

use std::{error::Error, io};

use playhouse_ports::egress::EgressErrorKind;
use playhouse_tools_policy::Origin;

use crate::names::NoWay;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) kind: EgressErrorKind,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(kind: EgressErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A failure of the connection to `origin`. What `error` itself says is left out: it repeats the query.
    pub(crate) fn of_connection(origin: &Origin, error: &reqwest::Error) -> Self {
        if let Some(way) = find::<NoWay>(error) {
            return way.into();
        }
        if let Some(problem) = find::<rustls::Error>(error) {
            return Self::new(EgressErrorKind::Tls, format!("`{origin}` did not prove who it is: {problem}"));
        }
        if error.is_timeout() {
            return Self::new(EgressErrorKind::Timeout, format!("`{origin}` took no connection in time"));
        }
        let doing = if error.is_connect() { "cannot connect to" } else { "the exchange broke off with" };
        Self::new(EgressErrorKind::Network, format!("{doing} `{origin}`: {}", innermost(error)))
    }
}

impl From<&NoWay> for Problem {
    fn from(way: &NoWay) -> Self {
        let kind = match way {
            NoWay::OutOfReach { .. } => EgressErrorKind::PrivateAddress,
            NoWay::Unknown { .. } => EgressErrorKind::Network,
        };
        Self::new(kind, way.to_string())
    }
}

/// The last reason of the chain, which is the first that happened.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut reason = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

/// The reason of type `T` in the chain.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(reason) = next {
        if let Some(found) = reason.downcast_ref() {
            return Some(found);
        }
        // An I/O error names the source of what it carries, and not that itself.
        let carried = reason.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = carried.and_then(|inner| find(inner)) {
            return Some(found);
        }
        next = reason.source();
    }
    None
}
