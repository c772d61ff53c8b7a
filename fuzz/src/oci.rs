//! What registries say, and how people name what is in them: a manifest, a reference, a source, a challenge, credentials,
//! all read from the same bytes.

use playhouse_tools_store::{Credentials, Manifest, Reference, Source, fuzz::challenge};

/// Reads them.
pub fn one(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data) {
        for piece in manifest.signatures.iter().chain([&manifest.wasm]) {
            assert!(piece.digest.starts_with("sha256:") && piece.digest.len() == 71, "{}", piece.digest);
            assert!(piece.size <= 1 << 30, "{} bytes would be fetched", piece.size);
        }
    }
    let _ = Credentials::parse(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = Reference::parse(text) {
        // With the digest of what was fetched or as it is: what is written is read as the same.
        assert_eq!(
            Reference::parse(reference.to_string().trim_start_matches("oci://")).as_ref(),
            Ok(&reference)
        );
    }
    match Source::parse(text) {
        Ok(source) => assert_eq!(Source::parse(&source.to_string()).as_ref(), Ok(&source)),
        // Errors are shown to people, in a terminal.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Some(realm) = challenge(text) {
        assert!(realm.len() <= text.len());
    }
}
