//! The lock file: which bytes a tool is, and what it says about itself.
//!
//! The name of a tool is a label, its digest is its identity. A component that was swapped, or that changed the
//! description it was accepted with, is refused until somebody updates the lock on purpose.

use std::path::Path;

use serde::Deserialize;

use crate::error::LoadError;

/// The contents of a `tools.lock`.
#[derive(Debug, Deserialize)]
pub(crate) struct Lock {
    /// One entry per tool. Other keys of the file (the compiler used) are for people.
    #[serde(default)]
    tool: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    version: String,
    sha256: String,
    describe_sha256: String,
}

impl Lock {
    pub(crate) fn read(path: &Path) -> Result<Self, LoadError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| LoadError::File { path: path.into(), source })?;
        toml::from_str(&text)
            .map_err(|error| LoadError::BadLock { path: path.into(), reason: error.message().to_owned() })
    }

    /// Before anything of the component is compiled: whether its bytes are listed at all.
    pub(crate) fn knows(&self, file: &str, sha256: &str) -> Result<(), LoadError> {
        if self.tool.iter().any(|entry| entry.sha256 == sha256) {
            return Ok(());
        }
        let reason = match self.tool.iter().find(|entry| entry.name == file) {
            Some(entry) => format!("its sha256 is {sha256}, the lock says {}", entry.sha256),
            None => format!("its sha256 {sha256} is not listed"),
        };
        Err(LoadError::Locked { tool: file.to_owned(), reason })
    }

    /// After the component has described itself: whether it still tells the same story.
    pub(crate) fn fits(
        &self,
        name: &str,
        version: &str,
        sha256: &str,
        describe: &str,
    ) -> Result<(), LoadError> {
        let locked = |reason| Err(LoadError::Locked { tool: name.to_owned(), reason });
        let Some(entry) = self.tool.iter().find(|entry| entry.sha256 == sha256) else {
            return locked("its bytes are not listed".to_owned());
        };
        if entry.name != name || entry.version != version {
            let (is, was) = (format!("{name} {version}"), format!("{} {}", entry.name, entry.version));
            return locked(format!("it calls itself {is}, the lock says {was}"));
        }
        if entry.describe_sha256 != describe {
            let was = &entry.describe_sha256;
            return locked(format!("the sha256 of its description is {describe}, the lock says {was}"));
        }
        Ok(())
    }
}
