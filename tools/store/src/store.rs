//! The folder of installed tools: `tools.lock`, and a file for each tool named after its digest.
//!
//! ```text
//! install   hold ─▶ component ─▶ signatures ─▶ lock ─▶ sweep what the lock no longer names
//! remove    hold ──────────────────────────▶ lock ─▶ sweep
//! ```
//!
//! The lock comes after the files it names and before those it no longer names are removed. So whenever a process
//! dies, every tool of the lock is whole; what may be left is a file that no entry names, and the next change sweeps it.

mod listing;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use playhouse_core::digest;

pub use listing::{Listed, Listing, State};

use listing::{signature_file, state};

use crate::{
    bounds::{COMPONENT_BYTES_MAX, HELD_TIME_MAX, LOCK_BYTES_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX},
    difference::{Difference, Step},
    disk::{self, Hook, Point, What},
    error::StoreError,
    held::{self, Held, NotHeld},
    lock::{Entry, Lock},
    signature::Signature,
    verdict::Verdict,
};

/// The lock's name in the folder.
pub const LOCK_NAME: &str = "tools.lock";

/// A folder of installed tools. Nothing is kept in memory: each call reads the folder anew, for another process may
/// have changed it.
pub struct Store {
    folder: PathBuf,
    wait: Duration,
    hook: Option<Hook>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What is to be installed.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// The component.
    pub bytes: &'a [u8],
    /// What was decided about it; the claims are in there.
    pub verdict: &'a Verdict,
    /// What it came with. Those that count and those that do not are kept.
    pub signatures: &'a [Signature],
    /// Where it came from.
    pub source: Option<&'a str>,
}

/// Whether somebody agreed to what an update changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Consent<'a> {
    /// Nobody was asked.
    NotAsked,
    /// They saw this difference, and agree to it and to no other.
    To(&'a Difference),
    /// They agree to whatever it is: for those who said so before they could see it.
    Given,
}

/// What an installation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What the lock says now.
    pub entry: Entry,
    /// The component's file.
    pub file: PathBuf,
    /// What it replaced; `None`: the tool is new here.
    pub difference: Option<Difference>,
}

impl Store {
    /// The store in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        disk::make_folder(&folder)?;
        Ok(Self { folder, wait: HELD_TIME_MAX, hook: None })
    }

    /// How long a change waits for another one that is being made; [`HELD_TIME_MAX`] if not said.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Calls `hook` at each point at which a crash could find the store: for tests, which die there.
    #[must_use]
    pub fn with_hook(self, hook: impl Fn(Point) + Send + Sync + 'static) -> Self {
        Self { hook: Some(Box::new(hook)), ..self }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The lock as it is now; of no tools, if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is no lock.
    pub fn lock(&self) -> Result<Lock, StoreError> {
        let path = self.folder.join(LOCK_NAME);
        match disk::read(&path, LOCK_BYTES_MAX)? {
            Some(bytes) => Lock::parse(&bytes).map_err(|bad| StoreError::Lock { path, bad }),
            None => Ok(Lock::empty()),
        }
    }

    /// What installing this would change; `None`: no tool of its name is installed.
    ///
    /// # Errors
    /// If the lock cannot be read.
    pub fn compare(&self, verdict: &Verdict) -> Result<Option<Difference>, StoreError> {
        let lock = self.lock()?;
        let (claims, signed_by) = (verdict.claims(), verdict.signed_by());
        Ok(lock.get(&claims.name).map(|old| Difference::between(old, claims, &signed_by)))
    }

    /// Installs a tool, or puts it in place of the one of its name. On return it is on the disk to stay.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the verdict does not allow it; [`StoreError::NeedsConsent`] with the difference, if
    /// it changes what somebody must agree to and nobody did. Nothing is changed then.
    pub fn install(&self, package: Package<'_>, consent: Consent<'_>) -> Result<Installed, StoreError> {
        let claims = package.verdict.claims();
        if !package.verdict.allows() {
            return Err(StoreError::Refused(Box::new(package.verdict.clone())));
        }
        let found = digest::of_bytes(package.bytes);
        if found != claims.sha256 {
            return Err(StoreError::OtherBytes {
                tool: claims.name.clone(),
                decided: claims.sha256.clone(),
                found,
            });
        }
        // The verdict has bounded what counts; this bounds what is written besides.
        if package.signatures.len() > SIGNATURES_MAX || package.bytes.len() as u64 > COMPONENT_BYTES_MAX {
            return Err(StoreError::TooLarge { tool: claims.name.clone() });
        }
        let _held = self.hold(&format!("install `{}`", claims.name))?;
        let mut lock = self.lock()?;
        let entry = Entry::of(claims, package.source, &package.verdict.signed_by());
        // Looked at again while the store is held: another process may have changed it since it was compared.
        let difference = lock.get(&claims.name).map(|old| Difference::between(old, claims, &entry.signed_by));
        if let Some(asks) =
            difference.as_ref().filter(|found| found.needs_consent() && !consent.covers(found))
        {
            return Err(StoreError::NeedsConsent(Box::new(asks.clone())));
        }
        let file = self.write_files(&entry, &package)?;
        lock.put(entry.clone());
        self.write_lock(&lock)?;
        self.sweep_held(&lock)?;
        Ok(Installed { entry, file, difference })
    }

    /// Removes a tool: its entry first, its files afterwards.
    ///
    /// # Errors
    /// [`StoreError::NotInstalled`] if there is no tool of this name.
    pub fn remove(&self, name: &str) -> Result<Entry, StoreError> {
        let _held = self.hold(&format!("remove `{name}`"))?;
        let mut lock = self.lock()?;
        let Some(entry) = lock.remove(name) else {
            return Err(not_installed(name, &lock));
        };
        self.write_lock(&lock)?;
        self.sweep_held(&lock)?;
        Ok(entry)
    }

    /// Where the component of an installed tool is, if its bytes are those of the lock. Reads it.
    ///
    /// # Errors
    /// If there is no such tool, or its bytes are others.
    pub fn component(&self, name: &str) -> Result<PathBuf, StoreError> {
        let lock = self.lock()?;
        let Some(entry) = lock.get(name) else { return Err(not_installed(name, &lock)) };
        let path = self.folder.join(entry.file());
        match state(&path, &entry.sha256) {
            State::Whole => Ok(path),
            found => Err(StoreError::Spoiled { name: name.into(), path, found }),
        }
    }

    /// Every tool and whether its bytes are those of the lock. Reads all components.
    ///
    /// # Errors
    /// If the lock or the folder cannot be read. A component that cannot be is listed as such.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let lock = self.lock()?;
        let tools = lock.entries().iter().map(|entry| {
            let file = self.folder.join(entry.file());
            Listed { state: state(&file, &entry.sha256), entry: entry.clone(), file }
        });
        Ok(Listing { tools: tools.collect(), strays: listing::strays(&self.folder, &lock)? })
    }

    /// Removes what a crash has left, and returns it. Each change of the store does so too.
    ///
    /// # Errors
    /// If the lock or the folder cannot be read, or a file cannot be removed.
    pub fn sweep(&self) -> Result<Vec<PathBuf>, StoreError> {
        let _held = self.hold("sweep")?;
        self.sweep_held(&self.lock()?)
    }

    fn hold(&self, doing: &str) -> Result<Held, StoreError> {
        let held = held::hold(&self.folder, doing, self.wait).map_err(|why| match why {
            NotHeld::File(error) => StoreError::File(error),
            NotHeld::Busy(by) => {
                StoreError::Busy { folder: self.folder.clone(), by, waited_ms: self.wait.as_millis() }
            }
        })?;
        self.at(Point::Held);
        Ok(held)
    }

    fn at(&self, point: Point) {
        if let Some(hook) = &self.hook {
            hook(point);
        }
    }

    fn write_files(&self, entry: &Entry, package: &Package<'_>) -> Result<PathBuf, StoreError> {
        let (name, at) = (entry.file(), |point| self.at(point));
        let path = self.folder.join(&name);
        // Written by an installation that did not come to its end, or the same tool again.
        if state(&path, &entry.sha256) != State::Whole {
            disk::write(&self.folder, &name, package.bytes, What::Component, &at)?;
        }
        let signatures = signature_file(&name);
        if package.signatures.is_empty() {
            disk::remove(&self.folder.join(signatures))?;
        } else {
            let texts = package.signatures.iter().map(|signature| signature.text().trim_end());
            let text = Vec::from_iter(texts).join("\n") + "\n";
            disk::write(&self.folder, &signatures, text.as_bytes(), What::Signature, &at)?;
        }
        Ok(path)
    }

    fn write_lock(&self, lock: &Lock) -> Result<(), StoreError> {
        let text = lock.to_string();
        Ok(disk::write(&self.folder, LOCK_NAME, text.as_bytes(), What::Lock, &|point| self.at(point))?)
    }

    fn sweep_held(&self, lock: &Lock) -> Result<Vec<PathBuf>, StoreError> {
        let strays = listing::strays(&self.folder, lock)?;
        for path in &strays {
            disk::remove(path)?;
            self.at(Point::Swept);
        }
        Ok(strays)
    }
}

fn not_installed(name: &str, lock: &Lock) -> StoreError {
    let names = lock.entries().iter().map(|entry| entry.name.clone()).collect();
    StoreError::NotInstalled { name: name.into(), names }
}

/// The signatures of an installed tool, as they were written beside it.
///
/// # Errors
/// If the file cannot be read, or holds something else.
pub fn signatures_of(component: &Path) -> Result<Vec<Signature>, StoreError> {
    let mut path = component.as_os_str().to_owned();
    path.push(".minisig");
    let path = PathBuf::from(path);
    let most = SIGNATURE_BYTES_MAX * SIGNATURES_MAX as u64;
    let Some(bytes) = disk::read(&path, most)? else { return Ok(Vec::new()) };
    Signature::parse_all(&bytes).map_err(|bad| StoreError::Signature { path, bad })
}

impl Consent<'_> {
    fn covers(self, found: &Difference) -> bool {
        match self {
            Self::NotAsked => false,
            Self::To(seen) => seen == found,
            Self::Given => true,
        }
    }
}

impl Installed {
    /// For people: what happened, in a sentence.
    pub fn explain(&self) -> String {
        let (name, version) = (&self.entry.name, &self.entry.version);
        match &self.difference {
            None => format!("installed `{name}` {version}"),
            Some(difference) if difference.step == Step::Same => {
                format!("`{name}` {version} was installed already")
            }
            Some(difference) => format!("installed `{name}` {version} in place of {}", difference.versions.0),
        }
    }
}
