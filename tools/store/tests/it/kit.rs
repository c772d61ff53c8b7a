//! Claims, keys and packages that most tests begin with.

use std::{collections::BTreeSet, path::Path};

use playhouse_core::{digest, tool::EffectClass};
use playhouse_tools_store::{
    Claims, Consent, FetchConfig, Fetcher, Installed, Package, SecretKey, Signature, Store, StoreError,
    Trust, Verdict, Wants, decide, keygen,
};

/// A moment in 2026.
pub(crate) const NOW: i64 = 1_795_356_000;

pub(crate) fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn wants(all: &[(&str, &[&str])]) -> Wants {
    all.iter().map(|(permission, ways)| ((*permission).to_owned(), set(ways))).collect()
}

/// What `bytes` are, for tests about something else.
pub(crate) fn claims(name: &str, version: &str, bytes: &[u8]) -> Claims {
    Claims {
        name: name.into(),
        version: version.into(),
        sha256: digest::of_bytes(bytes),
        describe_sha256: digest::of_bytes(b"it adds"),
        text_sha256: Some(digest::of_bytes(b"adds")),
        effect: EffectClass::Idempotent,
        imports: set(&["playhouse:tool/kv@1.0.0"]),
        wants: wants(&[("kv", &["read"])]),
    }
}

/// A new key in `folder`.
pub(crate) fn key(folder: &Path, name: &str) -> SecretKey {
    let made = keygen(&folder.join(name), None).unwrap();
    SecretKey::open(&made.secret, None).unwrap()
}

/// A list that trusts `key`, as `acme`, with every tool.
pub(crate) fn trusting(key: &SecretKey, required: bool) -> Trust {
    let line = key.public_line();
    let text =
        format!("required = {required}\n[[key]]\nname = \"acme\"\nkey = \"{line}\"\ntools = [\"*\"]\n");
    Trust::parse(text.as_bytes()).unwrap()
}

/// Nobody signed it, and nobody asks.
pub(crate) fn unsigned(claims: &Claims, bytes: &[u8]) -> Verdict {
    decide(claims, bytes, &[], &Trust::nobody(false), NOW)
}

pub(crate) fn signed(key: &SecretKey, bytes: &[u8], claims: &Claims) -> Signature {
    Signature::make(key, bytes, claims, NOW).unwrap()
}

/// Installs what nobody signed.
pub(crate) fn install(
    store: &Store,
    claims: &Claims,
    bytes: &[u8],
    consent: Consent<'_>,
) -> Result<Installed, StoreError> {
    let verdict = unsigned(claims, bytes);
    store.install(Package { bytes, verdict: &verdict, signatures: &[], source: Some("test") }, consent)
}

/// One that has no credentials.
pub(crate) fn fetcher() -> Fetcher {
    Fetcher::new(FetchConfig::default()).unwrap()
}
