//! What all parties together allow.

use playhouse_core::egress::{HttpGrant, HttpLimits};

use crate::{
    decision::{Decision, Denial, Reach},
    origin::Origin,
    rule::{BadRule, Rule},
    target::Target,
};

/// Most rules of one grant. Each is asked at every hop; more is a list that nobody reads.
pub const RULES_MAX: usize = 64;

/// What is wrong with a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// One of its rules.
    #[error("HTTP rule {number} of the {party} (`{origin}`): {problem}")]
    Rule {
        /// Who wrote it.
        party: String,
        /// From 1, in the order of the file.
        number: usize,
        /// As written.
        origin: String,
        /// What to change.
        problem: BadRule,
    },
    /// More than [`RULES_MAX`].
    #[error("the {party} has {rules} HTTP rules; at most {RULES_MAX} are allowed")]
    Rules {
        /// Who wrote them.
        party: String,
        /// How many.
        rules: usize,
    },
}

/// The grants of all parties that have a say, such as operator and agent. Allows exactly what each of them
/// allows; of none, nothing.
#[derive(Debug, Clone)]
pub struct Allowed {
    parties: Vec<Party>,
}

#[derive(Debug, Clone)]
struct Party {
    name: String,
    rules: Vec<Rule>,
    limits: HttpLimits,
}

impl Allowed {
    /// What one party allows. `party` is what sentences call it: "operator", "agent".
    pub fn by(party: &str, grant: &HttpGrant) -> Result<Self, BadGrant> {
        if grant.rules.len() > RULES_MAX {
            return Err(BadGrant::Rules { party: party.into(), rules: grant.rules.len() });
        }
        let read = |(at, rule): (usize, _)| {
            let bad = |rule: &playhouse_core::egress::HttpRule, problem| BadGrant::Rule {
                party: party.into(),
                number: at + 1,
                origin: rule.origin.clone(),
                problem,
            };
            Rule::read(rule).map_err(|problem| bad(rule, problem))
        };
        let rules = grant.rules.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { parties: vec![Party { name: party.into(), rules, limits: grant.limits }] })
    }

    /// What each of `parties` allows.
    pub fn by_all<'a>(parties: impl IntoIterator<Item = (&'a str, &'a HttpGrant)>) -> Result<Self, BadGrant> {
        let mut all = Vec::new();
        for (party, grant) in parties {
            all.append(&mut Self::by(party, grant)?.parties);
        }
        Ok(Self { parties: all })
    }

    /// What both allow.
    #[must_use]
    pub fn and(mut self, mut other: Self) -> Self {
        // Nothing and something is nothing.
        if self.parties.is_empty() || other.parties.is_empty() {
            return Self { parties: Vec::new() };
        }
        self.parties.append(&mut other.parties);
        self
    }

    /// The lowest limits of all parties.
    pub fn limits(&self) -> HttpLimits {
        let none = HttpLimits { requests_per_call: 0, request_bytes: 0, response_bytes: 0, redirects: 0 };
        self.parties.iter().map(|party| party.limits).reduce(HttpLimits::and).unwrap_or(none)
    }

    /// Whether every party has a rule about `origin`.
    pub fn is_about(&self, origin: &Origin) -> bool {
        let about = |party: &Party| party.rules.iter().any(|rule| rule.is_about(origin));
        !self.parties.is_empty() && self.parties.iter().all(about)
    }

    /// Whether `method` may be sent to `target`, and how far the connection may reach for it.
    pub fn decide(&self, method: &str, target: &Target) -> Decision {
        let request = format!("{method} {target}");
        let is_literal = target.origin().address().is_some();
        let mut reach = Reach { private: true, is_literal };
        let mut rules = Vec::new();
        for party in &self.parties {
            match party.decide(method, target) {
                Ok(fit) => {
                    reach.private &= fit.private;
                    rules.push(format!("rule {} of the {} ({})", fit.number, party.name, fit.rule));
                }
                Err(why) => return Decision::Denied { request, party: party.name.clone(), why },
            }
        }
        if rules.is_empty() {
            return Decision::Denied { request, party: String::new(), why: Denial::Nothing };
        }
        Decision::Allowed { request, rules, reach }
    }
}

/// The rule that lets a request through.
struct Fit<'a> {
    number: usize,
    rule: &'a Rule,
    private: bool,
}

impl Party {
    fn decide(&self, method: &str, target: &Target) -> Result<Fit<'_>, Denial> {
        let about = self.rules.iter().enumerate().filter(|(_, rule)| rule.is_about(target.origin()));
        let about: Vec<_> = about.collect();
        let fits = |rule: &Rule| rule.has_method(method) && rule.has_path(target.path());
        let fitting = about.iter().filter(|(_, rule)| fits(rule));
        // Of several rules that fit, the one that reaches further is the one that was meant.
        if let Some((at, rule)) =
            fitting.reduce(|best, next| if next.1.private && !best.1.private { next } else { best })
        {
            return Ok(Fit { number: at + 1, rule, private: rule.private });
        }
        let origin = target.origin().to_string();
        if about.is_empty() {
            return Err(Denial::Origin { origin });
        }
        if !about.iter().any(|(_, rule)| rule.has_method(method)) {
            return Err(Denial::Method { origin, method: method.to_owned() });
        }
        Err(Denial::Path { origin, path: target.path().to_owned() })
    }
}
