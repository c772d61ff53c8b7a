//! Tools in OCI registries: what a reference, a manifest and an artifact are, and the few requests that move them.
//!
//! A client of our own, on the same guarded requests as `https` sources, since those of others read manifests and
//! errors of any length into memory, follow redirects to `http`, and give credentials to any realm that is named.

mod challenge;
mod credentials;
mod manifest;
mod reference;
mod registry;

pub use credentials::{BadCredentials, CREDENTIALS_VARIABLE, Credentials};
pub use manifest::{
    Artifact, BadManifest, CONFIG_TYPE, Descriptor, MANIFEST_TYPE, Manifest, SIGNATURE_TYPE, WASM_TYPE,
};
pub use reference::{BadReference, Pin, Reference};

pub(crate) use challenge::Challenge;
pub(crate) use registry::Registry;
