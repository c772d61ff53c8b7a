//! The folder of installed tools, and everything that brings a component into it.
//!
//! ```text
//!  path, https, oci ─▶ Fetched ─▶ (the caller looks at it) ─▶ Claims ─┐
//!                        │ signatures                                  ▼
//!  trust.toml ───────────┴──────────────────────────────────────▶ decide ─▶ Verdict ─┐
//!  tools.lock ─▶ Difference::between ─▶ consent ─▶ Store::install ◀───────────────────┘
//! ```
//!
//! Components are bytes here: nothing is compiled or run. What one is and wants is told by the caller as [`Claims`].
//! Deciding, comparing and every format are pure functions; [`Store`] is the only one that writes below its folder, and
//! [`Fetcher`] the only one that uses the network.

pub mod bounds;
mod claims;
mod difference;
mod disk;
mod error;
mod fetch;
#[doc(hidden)]
pub mod fuzz;
mod held;
mod keys;
mod lock;
mod oci;
mod signature;
mod source;
mod store;
mod time;
mod trust;
mod verdict;
mod web;

pub use claims::{BadClaims, Claims, Wants};
pub use difference::{Change, Difference, Power, Step};
pub use disk::{FileError, Point, What};
pub use error::StoreError;
pub use fetch::{FetchConfig, FetchError, Fetched, Fetcher, Roots};
pub use keys::{KeyError, Made, PASSPHRASE_VARIABLE, Passphrase, SecretKey, keygen};
pub use lock::{BadLock, Entry, Lock};
pub use oci::{
    Artifact, BadCredentials, BadManifest, BadReference, CONFIG_TYPE, CREDENTIALS_VARIABLE, Credentials,
    Descriptor, MANIFEST_TYPE, Manifest, Pin, Reference, SIGNATURE_TYPE, WASM_TYPE,
};
pub use signature::{BadSignature, SignError, Signature, bound};
pub use source::{BadSource, Source};
pub use store::{Consent, Installed, LOCK_NAME, Listed, Listing, Package, State, Store, signatures_of};
pub use trust::{BadTrust, Trust, TrustedKey};
pub use verdict::{Finding, Judged, Outcome, Refusal, Verdict, decide};
