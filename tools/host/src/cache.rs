//! Compiled code, kept between starts.
//!
//! Compiling a component takes a tenth of a second and more, loading its machine code some microseconds. But machine
//! code is believed blindly by the engine: whoever can write a file here can run code in this process. So the folder
//! belongs to this user alone, each file carries a MAC under a random key that never leaves the folder, and a file whose
//! MAC does not fit is treated as missing. Nothing in here is ever shipped; deleting the folder costs one compilation.
//!
//! ```text
//!   key                                         32 random bytes, mode 0600
//!   <sha256 of component>-<engine>.cwasm        MAC (32 bytes) ‖ machine code
//! ```
//!
//! `<engine>` stands for everything the code depends on: engine version, settings, and features of the processor.
//! The folder is bounded: what was not used for longest goes first, such as the code of an older engine.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use playhouse_core::digest;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::LoadError;

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// Bytes of compiled code that are kept: some 3,000 small tools, or 20 whole Pythons.
const KEPT_BYTES_MAX: u64 = 2 << 30;
const KEY: &str = "key";
/// Modified now, by the clock of the file system, as a file that is written.
const NOW: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
    last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
};

/// A folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    max_bytes: u64,
}

impl Cache {
    /// Opens `folder`, making it and its key if they are missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, LoadError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| LoadError::File { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
        let meta = fs::metadata(folder).map_err(at(folder))?;
        if meta.mode() & 0o077 != 0 {
            return Err(LoadError::OpenCache(folder.to_owned()));
        }
        let path = folder.join(KEY);
        let key = key(&path).map_err(at(&path))?;
        Ok(Self { folder: folder.to_owned(), key, max_bytes: KEPT_BYTES_MAX })
    }

    /// The component, from the cache if a file for it is there and genuine; compiled otherwise, and kept.
    pub(crate) fn component(&self, engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
        let name = format!("{}-{}.cwasm", digest::of_bytes(wasm), engine_id(engine));
        if let Some(component) = self.load(engine, &name) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, wasm)?;
        if let Err(error) = self.store(&name, &component.serialize()?) {
            tracing::warn!(%error, file = name, "compiled code was not kept; the next start compiles again");
        }
        Ok(component)
    }

    fn load(&self, engine: &Engine, name: &str) -> Option<Component> {
        let path = self.folder.join(name);
        let file = fs::read(&path).ok()?;
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        if self.mac(name, code).verify_slice(mac).is_err() {
            tracing::warn!(file = name, "compiled code does not fit its MAC and is ignored");
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "machine code is believed blindly; the MAC says that this host wrote it"
        )]
        // SAFETY: the bytes are those that `Component::serialize` returned to a process holding the same key, which only
        // this user can read. The name is part of the MAC, so the code is for this component and this engine.
        let component = unsafe { Component::deserialize(engine, code) };
        let component = component
            .inspect_err(|error| tracing::warn!(%error, file = name, "compiled code does not load"))
            .ok()?;
        // Used now, so that it is not the next to go. If that cannot be said, it goes earlier.
        let _ = fs::File::open(&path).map(|file| rustix::fs::futimens(&file, &NOW));
        Some(component)
    }

    /// Writes aside and renames, so that no reader sees half a file. Then there is room made again, if there was too much.
    fn store(&self, name: &str, code: &[u8]) -> std::io::Result<()> {
        let mac = self.mac(name, code).finalize().into_bytes();
        let aside = aside(&self.folder.join(name));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(&mac)?;
        file.write_all(code)?;
        fs::rename(&aside, self.folder.join(name))?;
        for path in unused(self.kept()?, self.max_bytes) {
            match fs::remove_file(path) {
                // Another process made room, too.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    /// All that lies here but the key, with what a process left that died while it wrote.
    fn kept(&self) -> std::io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // It may be gone by now.
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_file() && entry.file_name() != KEY {
                kept.push(Kept { used: meta.modified()?, bytes: meta.len(), path: entry.path() });
            }
        }
        Ok(kept)
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        mac
    }
}

/// The component in `wasm`, of the tool in `file`; from `cache`, if there is one.
pub(crate) fn compiled(
    cache: Option<&Cache>,
    engine: &Engine,
    file: &str,
    wasm: &[u8],
) -> Result<Component, LoadError> {
    let component = match cache {
        Some(cache) => cache.component(engine, wasm),
        None => Component::from_binary(engine, wasm),
    };
    component
        .map_err(|error| LoadError::NotAComponent { tool: file.to_owned(), reason: format!("{error:#}") })
}

/// A file of the folder.
struct Kept {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
}

/// What has to go so that at most `max` bytes are left. The one that was used last stays, however large it is.
fn unused(mut kept: Vec<Kept>, max: u64) -> impl Iterator<Item = PathBuf> {
    kept.sort_by_key(|file| std::cmp::Reverse(file.used));
    let mut bytes = 0;
    let beyond = move |(at, file): &(usize, Kept)| {
        bytes += file.bytes;
        *at > 0 && bytes > max
    };
    kept.into_iter().enumerate().filter(beyond).map(|(_, file)| file.path)
}

/// A file beside `path` that nobody else writes: neither another process nor another thread of this one.
fn aside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    name.into()
}

/// The key in `path`, made if there is none yet.
fn key(path: &Path) -> std::io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    // Written aside and linked, so that of two processes that start together both end with the same, whole key.
    let aside = aside(path);
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?.write_all(&key)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::read(path)?
        .try_into()
        .map_err(|_| std::io::Error::other("the key has the wrong length: delete the folder"))
}

/// A name for everything that compiled code depends on besides the component.
fn engine_id(engine: &Engine) -> String {
    struct Bytes(Sha256);
    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("only the bytes are wanted")
        }
    }
    let mut bytes = Bytes(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut bytes);
    bytes.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    fn files(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).filter(|name| name != KEY).collect()
    }

    /// As if `file` had been used so many seconds earlier.
    fn aged(file: &fs::File, seconds: u64) -> SystemTime {
        let then = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(seconds);
        file.set_modified(then).unwrap();
        then
    }

    #[test]
    fn the_folder_keeps_what_was_used_last_and_its_bound() {
        let home = tempfile::tempdir().unwrap();
        let folder = &home.path().join("compiled");
        let (engine, mut cache) = (Engine::default(), Cache::open(folder).unwrap());
        let mut kept = |text: &str, max_bytes: u64| {
            cache.max_bytes = max_bytes;
            cache.component(&engine, &wat::parse_str(text).unwrap()).unwrap();
            files(folder)
        };
        let first = kept("(component)", u64::MAX);
        let both = kept("(component (core module))", u64::MAX);
        assert_eq!((first.len(), both.len()), (1, 2));
        let mut bytes = 0;
        for name in &both {
            let file = fs::File::open(folder.join(name)).unwrap();
            bytes += file.metadata().unwrap().len();
            aged(&file, if first.contains(name) { 30 } else { 60 });
        }
        let third = kept("(component (core module) (core module))", bytes + 1_000);
        assert!(third.len() == 2 && third.is_superset(&first), "{third:?}");
        assert_eq!(kept("(component (component))", 1).len(), 1, "the newest stays, however large it is");
    }

    #[test]
    fn loading_counts_as_use() {
        let home = tempfile::tempdir().unwrap();
        let folder = &home.path().join("compiled");
        let (engine, cache) = (Engine::default(), Cache::open(folder).unwrap());
        let wasm = wat::parse_str("(component)").unwrap();
        cache.component(&engine, &wasm).unwrap();
        let path = folder.join(files(folder).first().unwrap());
        let old = aged(&fs::File::open(&path).unwrap(), 60);
        cache.component(&engine, &wasm).unwrap();
        assert!(fs::metadata(&path).unwrap().modified().unwrap() > old);
    }

    #[test]
    fn all_who_open_a_new_cache_at_once_end_with_the_same_key() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let cache = folder.path().join("compiled");
            let open = || Cache::open(&cache).unwrap().key;
            let keys: Vec<_> = std::thread::scope(|scope| {
                let opening: Vec<_> = (0..16).map(|_| scope.spawn(open)).collect();
                opening.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]));
        }
    }
}
