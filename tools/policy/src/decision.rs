//! What was decided, in a form for code and in a sentence.

use std::{fmt, net::IpAddr};

use crate::address::{Class, address_class};

/// Whether a request may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Every party has a rule that fits.
    Allowed {
        /// Method and URL, without the query.
        request: String,
        /// The rule of each party, in words.
        rules: Vec<String>,
        /// Which addresses the connection may go to.
        reach: Reach,
    },
    /// Some party has none.
    Denied {
        /// Method and URL, without the query.
        request: String,
        /// The first party that does not allow it.
        party: String,
        /// What its rules lack.
        why: Denial,
    },
}

impl Decision {
    /// The decision in one sentence: which rule allowed it, or what to ask for.
    pub fn explain(&self) -> String {
        match self {
            Self::Allowed { request, rules, .. } => {
                format!("{request} is allowed by {}", rules.join(" and "))
            }
            Self::Denied { request, why: Denial::Nothing, .. } => {
                format!("{request} is denied: {}", Denial::Nothing)
            }
            Self::Denied { request, party, why } => format!("{request} is denied by the {party}: {why}"),
        }
    }
}

/// What the rules of a party lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// Nobody granted anything.
    Nothing,
    /// No rule is about this origin.
    Origin {
        /// As a rule would write it.
        origin: String,
    },
    /// The rules about this origin do not name the method.
    Method {
        /// As a rule would write it.
        origin: String,
        /// The one that is missing.
        method: String,
    },
    /// No rule about this origin with this method has the path.
    Path {
        /// As a rule would write it.
        origin: String,
        /// The one that is missing.
        path: String,
    },
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "no HTTP is granted at all"),
            Self::Origin { origin } => {
                write!(f, "no rule is about this host; ask for `origin = \"{origin}\"`")
            }
            Self::Method { origin, method } => {
                write!(f, "no rule about `{origin}` has this method; ask for `\"{method}\"` in its `methods`")
            }
            Self::Path { origin, path } => {
                write!(f, "no rule about `{origin}` has this path; ask for `\"{path}\"` in its `paths`")
            }
        }
    }
}

/// Which addresses the connection of an allowed request may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    pub(crate) private: bool,
    /// Whether the rule names an address and no host name, so that nobody else can choose what is meant.
    pub(crate) is_literal: bool,
}

impl Reach {
    /// Public addresses; and private ones too, if so granted.
    pub fn of_names(private: bool) -> Self {
        Self { private, is_literal: false }
    }

    /// Whether addresses off the public internet are within it.
    pub fn is_private(self) -> bool {
        self.private
    }

    /// Whether `address` may be connected to.
    pub fn admits(self, address: IpAddr) -> Result<(), Unreachable> {
        let class = address_class(address);
        let is_within = match class {
            Class::Public => true,
            Class::Metadata => self.private && self.is_literal,
            class => class.is_private() && self.private,
        };
        if is_within { Ok(()) } else { Err(Unreachable { address, class }) }
    }
}

/// An address that may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Unreachable {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub class: Class,
}

impl Unreachable {
    /// What could be done about it.
    pub fn advice(&self) -> &'static str {
        match self.class {
            class if class.is_private() => "ask for `private = true` in the rule",
            Class::Metadata => {
                "only a rule whose `origin` is this address, with `private = true`, can reach it"
            }
            _ => "it is never connected to",
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}; {}", self.address, self.class.words(), self.advice())
    }
}
