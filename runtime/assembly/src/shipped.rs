//! What comes inside the program: the nano model, sixteen tools of which three are configured, two agents.
//!
//! wasmtime and llama.cpp want files, so models and tools are written out once, under the digest of their
//! bytes: a newer program never meets an older file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use playhouse_core::digest;

use crate::{BuildError, config::Config};

/// Paths that begin so name something shipped.
const PREFIX: &str = "shipped:";

macro_rules! bytes {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../", $path)).as_slice()
    };
}

const FILES: [(&str, &[u8]); 17] = [
    ("nano.gguf", bytes!("runtime/model-llama/nano/nano.gguf")),
    ("calculator.wasm", bytes!("tools/builtin/dist/calculator.wasm")),
    ("convert.wasm", bytes!("tools/builtin/dist/convert.wasm")),
    ("csv_query.wasm", bytes!("tools/builtin/dist/csv_query.wasm")),
    ("datetime.wasm", bytes!("tools/builtin/dist/datetime.wasm")),
    ("diff.wasm", bytes!("tools/builtin/dist/diff.wasm")),
    ("email_draft.wasm", bytes!("tools/builtin/dist/email_draft.wasm")),
    ("encode.wasm", bytes!("tools/builtin/dist/encode.wasm")),
    ("fetch.wasm", bytes!("tools/builtin/dist/fetch.wasm")),
    ("files.wasm", bytes!("tools/builtin/dist/files.wasm")),
    ("files_edit.wasm", bytes!("tools/builtin/dist/files_edit.wasm")),
    ("json_query.wasm", bytes!("tools/builtin/dist/json_query.wasm")),
    ("lookup.wasm", bytes!("tools/builtin/dist/lookup.wasm")),
    ("memory.wasm", bytes!("tools/builtin/dist/memory.wasm")),
    ("search.wasm", bytes!("tools/builtin/dist/search.wasm")),
    ("sqlite_query.wasm", bytes!("tools/builtin/dist/sqlite_query.wasm")),
    ("template.wasm", bytes!("tools/builtin/dist/template.wasm")),
];

/// The shipped agents: definition and prompt.
pub(crate) const AGENTS: [(&str, &str); 2] = [
    (
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents/assistant/agent.toml")),
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents/assistant/prompt.md")),
    ),
    (
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents/direct/agent.toml")),
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents/direct/prompt.md")),
    ),
];

/// Where shipped files and compiled tools are kept.
#[derive(Debug)]
pub(crate) struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// The shelf of `config.cache`, else of the user's cache folder, else of the data directory.
    pub(crate) fn open(config: &Config) -> Result<Self, BuildError> {
        let dirs = config.cache.clone().map_or_else(
            || user_cache().into_iter().chain(config.data.clone().map(|data| data.join("cache"))).collect(),
            |dir| vec![dir],
        );
        let mut refused = None;
        for dir in dirs {
            match fs::create_dir_all(&dir).and_then(|()| tempfile_in(&dir)) {
                Ok(()) => return Ok(Self { dir }),
                Err(source) => refused = Some(BuildError::Shipped { path: dir, source }),
            }
        }
        Err(refused.unwrap_or_else(|| BuildError::Shipped {
            path: PathBuf::from("~/.cache/playhouse"),
            source: std::io::Error::other("neither HOME nor a data directory is known"),
        }))
    }

    /// Where compiled tools are kept.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.dir.join("compiled")
    }

    /// A file to read: `path` itself, or the shipped file it names, written out if need be.
    pub(crate) fn resolve(&self, path: &Path) -> Result<PathBuf, BuildError> {
        let Some(name) = path.to_str().and_then(|path| path.strip_prefix(PREFIX)) else {
            return Ok(path.to_owned());
        };
        let (name, bytes) = FILES.iter().find(|(known, _)| *known == name).ok_or_else(|| {
            let known: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
            let message = format!("nothing called `{name}` is shipped; there are {}", known.join(", "));
            BuildError::Config(crate::BadConfig::bare(message))
        })?;
        let path = self.dir.join(&digest::of_bytes(bytes)[..16]).join(name);
        let fresh = fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64);
        if !fresh {
            write(&path, bytes).map_err(|source| BuildError::Shipped { path: path.clone(), source })?;
        }
        Ok(path)
    }
}

/// Writes beside, then renames: another process that starts now sees the whole file or none.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().expect("the file lies in a folder of the shelf");
    fs::create_dir_all(dir)?;
    let beside = path.with_extension(unique("part"));
    fs::write(&beside, bytes)?;
    fs::rename(&beside, path)
}

/// Whether files can be made in `dir`.
fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(unique("probe"));
    fs::write(&probe, b"")?;
    fs::remove_file(probe)
}

/// A name that nobody else uses: neither another process nor another house in this one.
fn unique(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!(".{}-{}.{kind}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn user_cache() -> Option<PathBuf> {
    Some(crate::home::folder("XDG_CACHE_HOME", ".cache")?.join("playhouse"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_houses_may_open_the_same_shelf_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { cache: Some(dir.path().into()), ..Config::default() };
        std::thread::scope(|scope| {
            let open = || Shelf::open(&config).unwrap().resolve(Path::new("shipped:lookup.wasm")).unwrap();
            let opened: Vec<_> = (0..16).map(|_| scope.spawn(open)).collect();
            for path in opened {
                assert!(fs::metadata(path.join().unwrap()).is_ok_and(|meta| meta.len() > 0));
            }
        });
    }

    #[test]
    fn the_shipped_files_are_what_their_lock_and_checksum_say() {
        let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/builtin/tools.lock"));
        let sum = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../runtime/model-llama/nano/nano.gguf.sha256"
        ));
        for (name, bytes) in FILES {
            let list = if name.ends_with(".wasm") { lock } else { sum };
            assert!(list.contains(&digest::of_bytes(bytes)), "{name} is not the file that was locked");
        }
    }
}
