//! How the journal is kept: the part of the configuration, and what it means for the adapter.

use std::{path::PathBuf, sync::Arc};

use playhouse_journal_sled::{MasterKey, Options};
use serde::Deserialize;

use crate::config::BadConfig;

/// The section `[journal]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalConfig {
    /// A file with the master key: 32 bytes in hex or base64. With a key, what people and models said is
    /// sealed; without one, it is not.
    pub master_key_file: Option<PathBuf>,
    /// Or the name of an environment variable that holds it.
    pub master_key_env: Option<String>,
    /// Space kept in reserve for a full disk, in MiB.
    pub ballast_mib: u64,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { master_key_file: None, master_key_env: None, ballast_mib: 64 }
    }
}

impl JournalConfig {
    /// What the adapter is to do; reads the key. The error never shows it.
    pub fn options(&self) -> Result<Options, BadConfig> {
        let bad = |what: String| BadConfig::bare(format!("`journal`: {what}"));
        let master = match (&self.master_key_file, &self.master_key_env) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(bad("`master_key_file` and `master_key_env` are both set; keep one".into()));
            }
            (Some(path), None) => {
                let key = MasterKey::from_file(path);
                Some(key.map_err(|error| bad(format!("the key in {}: {error}", path.display())))?)
            }
            (None, Some(name)) => {
                let text = std::env::var(name).map_err(|_| bad(format!("the variable {name} is not set")))?;
                let key = MasterKey::from_hex_or_base64(text.trim());
                Some(key.map_err(|error| bad(format!("the key in {name}: {error}")))?)
            }
        };
        let ballast_bytes = self.ballast_mib.saturating_mul(1 << 20);
        Ok(Options { master: master.map(Arc::new), ballast_bytes, ..Options::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_file_and_never_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("key");
        std::fs::write(&path, "ab".repeat(32)).expect("written");
        let config = JournalConfig { master_key_file: Some(path.clone()), ..JournalConfig::default() };
        assert!(config.options().expect("a key").master.is_some());
        std::fs::write(&path, "c0ffee-not-a-key").expect("written");
        let error = config.options().expect_err("no key").to_string();
        assert!(error.contains("key") && !error.contains("c0ffee"), "{error}");
        let both = JournalConfig { master_key_env: Some("X".into()), ..config };
        assert!(both.options().expect_err("both").to_string().contains("keep one"));
    }
}
