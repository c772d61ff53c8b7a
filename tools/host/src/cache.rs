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

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use playhouse_core::digest;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::LoadError;

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
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
        let path = folder.join("key");
        let key = key(&path).map_err(at(&path))?;
        Ok(Self { folder: folder.to_owned(), key })
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
        let file = fs::read(self.folder.join(name)).ok()?;
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
        component.inspect_err(|error| tracing::warn!(%error, file = name, "compiled code does not load")).ok()
    }

    /// Writes aside and renames, so that no reader sees half a file.
    fn store(&self, name: &str, code: &[u8]) -> std::io::Result<()> {
        let mac = self.mac(name, code).finalize().into_bytes();
        let aside = aside(&self.folder.join(name));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(&mac)?;
        file.write_all(code)?;
        fs::rename(&aside, self.folder.join(name))
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        mac
    }
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
    use super::*;

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
