//! May this component be installed? Decided from its claims, its signatures, the trust list and the time, purely.

use std::collections::BTreeSet;

use playhouse_core::digest;

use crate::{
    bounds::SIGNATURES_MAX,
    claims::Claims,
    signature::Signature,
    time::rfc3339,
    trust::{Trust, TrustedKey},
};

/// What was decided, about exactly these bytes and claims: an installation takes it for no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    claims: Claims,
    outcome: Outcome,
    judged: Vec<Judged>,
}

/// In one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Signed by at least one key that is trusted with this tool.
    Trusted,
    /// Not signed by anybody who counts, and nobody asks for it.
    Unsigned,
    /// Must not be installed, for this reason.
    Refused(Refusal),
}

/// Why a component is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The claims are of other bytes.
    OtherBytes,
    /// The claims have no proper form.
    BadClaims(String),
    /// A trusted key signed something else: somebody changed the bytes, the name or the version afterwards.
    Tampered,
    /// The list asks for a signature, and none counts.
    NotSigned,
    /// More signatures than anybody needs.
    TooMany,
}

/// A signature and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Id of the key.
    pub key_id: String,
    /// What the list calls it, if it is there.
    pub name: Option<String>,
    /// What was found.
    pub finding: Finding,
}

/// What a signature is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It counts.
    Good,
    /// Nobody knows the key.
    UnknownKey,
    /// The key may not sign tools of this name.
    NotForThisTool,
    /// The key counts from a later second on.
    NotYet(i64),
    /// The key counted before this second.
    Expired(i64),
    /// The bytes or the comment are not those that were signed.
    Broken,
    /// It is a good signature of another tool, version or digest.
    OfAnother,
}

/// Decides. `now` is in seconds since 1970. Pure; the time it takes is that of hashing `bytes` once per signature.
pub fn decide(claims: &Claims, bytes: &[u8], signatures: &[Signature], trust: &Trust, now: i64) -> Verdict {
    let verdict = |outcome, judged| Verdict { claims: claims.clone(), outcome, judged };
    let refused = |why| verdict(Outcome::Refused(why), Vec::new());
    if let Err(bad) = claims.check() {
        return refused(Refusal::BadClaims(bad.to_string()));
    }
    if digest::of_bytes(bytes) != claims.sha256 {
        return refused(Refusal::OtherBytes);
    }
    if signatures.len() > SIGNATURES_MAX {
        return refused(Refusal::TooMany);
    }
    let judged: Vec<Judged> =
        signatures.iter().map(|signature| judge(claims, bytes, signature, trust, now)).collect();
    let found = |finding: fn(&Finding) -> bool| judged.iter().any(|judged| finding(&judged.finding));
    let outcome = if found(|finding| matches!(finding, Finding::Broken | Finding::OfAnother)) {
        Outcome::Refused(Refusal::Tampered)
    } else if found(|finding| *finding == Finding::Good) {
        Outcome::Trusted
    } else if trust.required() {
        Outcome::Refused(Refusal::NotSigned)
    } else {
        Outcome::Unsigned
    };
    verdict(outcome, judged)
}

fn judge(claims: &Claims, bytes: &[u8], signature: &Signature, trust: &Trust, now: i64) -> Judged {
    let key = trust.key(signature.key_id());
    let finding = key.map_or(Finding::UnknownKey, |key| weigh(claims, bytes, signature, key, now));
    Judged { key_id: signature.key_id().into(), name: key.map(|key| key.name.clone()), finding }
}

/// Whether it is true comes first: a forged signature is no less forged because its key has expired.
fn weigh(claims: &Claims, bytes: &[u8], signature: &Signature, key: &TrustedKey, now: i64) -> Finding {
    if !signature.is_of(&key.key, bytes) {
        return Finding::Broken;
    }
    if !signature.is_about(claims) {
        return Finding::OfAnother;
    }
    if !key.may_sign(&claims.name) {
        return Finding::NotForThisTool;
    }
    match (key.since, key.until) {
        (Some(since), _) if now < since => Finding::NotYet(since),
        (_, Some(until)) if until <= now => Finding::Expired(until),
        _ => Finding::Good,
    }
}

impl Verdict {
    /// In one word.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether it may be installed.
    pub fn allows(&self) -> bool {
        !matches!(self.outcome, Outcome::Refused(_))
    }

    /// What it was decided about.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Each signature and what it is worth.
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// Ids of the keys whose signature counts; of a refused one, nobody's does.
    pub fn signed_by(&self) -> BTreeSet<String> {
        let good = self.judged.iter().filter(|judged| judged.finding == Finding::Good && self.allows());
        good.map(|judged| judged.key_id.clone()).collect()
    }

    /// For people: what was decided and why, one sentence, then one line per signature that does not count.
    pub fn explain(&self) -> String {
        // Of a refused one, name and version may be anything.
        let what = format!("`{}` {}", self.claims.name.escape_debug(), self.claims.version.escape_debug());
        let good = self.judged.iter().filter(|judged| judged.finding == Finding::Good);
        let names: Vec<String> = good.map(Judged::who).collect();
        let first = match &self.outcome {
            Outcome::Trusted => format!("{what} is signed by {}", names.join(" and ")),
            Outcome::Unsigned => {
                format!(
                    "{what} is not signed by anybody who is trusted; it may be installed, because no signature is asked for"
                )
            }
            Outcome::Refused(why) => format!("{what} is refused: {}", why.sentence()),
        };
        let others = self.judged.iter().filter_map(|judged| judged.sentence(&self.claims));
        let lines: Vec<String> = std::iter::once(first).chain(others).collect();
        lines.join("\n")
    }
}

impl Refusal {
    fn sentence(&self) -> String {
        match self {
            Self::OtherBytes => {
                "what is said about it was found out from other bytes; inspect it again".into()
            }
            Self::BadClaims(why) => why.clone(),
            Self::Tampered => {
                "a trusted key signed something else than this; get it again from its publisher, \
                               and ask them if it stays so"
                    .into()
            }
            Self::NotSigned => {
                "the trust list asks for a signature, and none counts; get a signed one, add the \
                                publisher's key to the list, or set `required = false`"
                    .into()
            }
            Self::TooMany => format!("it has more than {SIGNATURES_MAX} signatures; keep those that count"),
        }
    }
}

impl Judged {
    fn who(&self) -> String {
        match &self.name {
            Some(name) => format!("`{name}` ({})", self.key_id),
            None => format!("key {}", self.key_id),
        }
    }

    /// Why it does not count; `None` if it does.
    fn sentence(&self, claims: &Claims) -> Option<String> {
        let why = match self.finding {
            Finding::Good => return None,
            Finding::UnknownKey => "is not on the trust list".into(),
            Finding::NotForThisTool => format!("is not trusted with tools named `{}`", claims.name),
            Finding::NotYet(since) => format!("does not count before {}", rfc3339(since)),
            Finding::Expired(until) => format!("does not count since {}", rfc3339(until)),
            Finding::Broken => "signed other bytes, or the signature was changed".into(),
            Finding::OfAnother => "signed these bytes as another tool, version or digest".into(),
        };
        Some(format!("{} {why}", self.who()))
    }
}
