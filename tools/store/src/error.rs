//! What can go wrong with a store.

use std::path::PathBuf;

use crate::{
    difference::Difference, disk::FileError, lock::BadLock, signature::BadSignature, store::State,
    verdict::Verdict,
};

/// Why the store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system.
    #[error(transparent)]
    File(#[from] FileError),
    /// The lock has another form.
    #[error("{}: {bad}", path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// What is wrong.
        bad: BadLock,
    },
    /// The signatures beside a component have another form.
    #[error("{}: {bad}", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        bad: BadSignature,
    },
    /// Somebody else is changing the store.
    #[error(
        "the tools in {} are being changed by {by}; waited {waited_ms} ms; try again when it is done",
        folder.display()
    )]
    Busy {
        /// The store.
        folder: PathBuf,
        /// Who, in their own words.
        by: String,
        /// How long was waited.
        waited_ms: u128,
    },
    /// The verdict does not allow it.
    #[error("{}", .0.explain())]
    Refused(Box<Verdict>),
    /// The verdict was about other bytes.
    #[error(
        "what was decided about `{tool}` is about other bytes (sha256 {decided}, not {found}); decide again"
    )]
    OtherBytes {
        /// The tool.
        tool: String,
        /// The digest that was decided about.
        decided: String,
        /// The digest of what was to be installed.
        found: String,
    },
    /// Too many bytes or signatures.
    #[error(
        "`{tool}` has more than {} MiB or {} signatures; make it smaller, or keep the signatures that count",
        crate::bounds::COMPONENT_BYTES_MAX >> 20, crate::bounds::SIGNATURES_MAX
    )]
    TooLarge {
        /// The tool.
        tool: String,
    },
    /// Somebody must agree to what changes. Carries it.
    #[error("somebody must agree to this before it is installed:\n{}", .0.explain())]
    NeedsConsent(Box<Difference>),
    /// What is installed is not what was.
    #[error("the component of `{name}`, {}, {found}; install it again", path.display())]
    Spoiled {
        /// The tool.
        name: String,
        /// Where its component should be.
        path: PathBuf,
        /// What is there.
        found: State,
    },
    /// There is no tool of this name.
    #[error("`{name}` is not installed; installed are: {}", list(names))]
    NotInstalled {
        /// The name.
        name: String,
        /// Those that are.
        names: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no tools".into() } else { names.join(", ") }
}
