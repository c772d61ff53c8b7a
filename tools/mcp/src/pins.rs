//! `mcp.lock`: what each tool looked like when it was approved.
//!
//! A server can describe a tool one way when it is looked at and another way later. So a tool's whole definition is
//! written down when it is first seen, and one that changed is not called before somebody approves it. What it changed
//! to is written down as well, so that an operator can look at it without the server. The file also lets agents be
//! loaded while a server is away.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{PinsError, bounds::PINS_BYTES_MAX, definition::Definition};

/// The only form there has been.
const VERSION: u32 = 1;

/// A change takes milliseconds; a disk that is busy takes longer.
const HELD_WAIT: Duration = Duration::from_secs(5);
/// How often it is tried again: the system has no lock that is waited for so long and no longer.
const HELD_RETRY: Duration = Duration::from_millis(5);

/// The pins of all servers.
#[derive(Debug)]
pub(crate) struct Pins {
    path: PathBuf,
    content: Mutex<Content>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    /// By server, then by the server's name for the tool.
    #[serde(default)]
    tools: BTreeMap<String, BTreeMap<String, Pin>>,
    /// What differs from its pin since the server was listed last; by the same names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    waiting: BTreeMap<String, BTreeMap<String, Pin>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    /// SHA-256 of `definition`, so that an edit by hand is noticed.
    digest: String,
    /// The definition as JSON.
    definition: String,
}

/// How a tool compares with its pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// It is as it was.
    Known,
    /// It was never seen; it is pinned now.
    New,
    /// It is not what was approved.
    Changed,
}

impl Pins {
    /// Reads the pins; a file that is not there has none.
    pub(crate) fn open(path: PathBuf) -> Result<Self, PinsError> {
        let content = load(&path)?.unwrap_or_default();
        Ok(Self { path, content: Mutex::new(content) })
    }

    /// What is approved of `server`.
    pub(crate) fn of(&self, server: &str) -> Vec<Definition> {
        let content = self.lock();
        let pins = content.tools.get(server).into_iter().flat_map(BTreeMap::values);
        pins.filter_map(|pin| serde_json::from_str(&pin.definition).ok()).collect()
    }

    /// What waits for an approval: the server, and what it offers.
    pub(crate) fn waiting(&self) -> Vec<(String, Definition)> {
        let content = self.lock();
        let all = content.waiting.iter();
        let all = all.flat_map(|(server, pins)| pins.values().map(move |pin| (server.clone(), pin)));
        all.filter_map(|(server, pin)| Some((server, serde_json::from_str(&pin.definition).ok()?))).collect()
    }

    /// Compares what `server` offers with the pins, and pins what is new; all of it is on the disk on return.
    pub(crate) fn meet(&self, server: &str, offered: &[Definition]) -> Result<Vec<Met>, PinsError> {
        self.change(|next| {
            let pins = next.tools.entry(server.to_owned()).or_default();
            let mut waiting = BTreeMap::new();
            let meet = |definition: &Definition| match pins.get(&definition.name) {
                Some(pin) if pin.digest == definition.digest() => Met::Known,
                Some(_) => {
                    waiting.insert(definition.name.clone(), Pin::of(definition));
                    Met::Changed
                }
                None => {
                    pins.insert(definition.name.clone(), Pin::of(definition));
                    Met::New
                }
            };
            let met = offered.iter().map(meet).collect();
            next.wait(server, waiting);
            met
        })
    }

    /// Pins `definition` whatever was pinned before.
    pub(crate) fn approve(&self, server: &str, definition: &Definition) -> Result<(), PinsError> {
        self.change(|next| next.pin(server, definition))
    }

    /// Pins `definition` if it is what waits for an approval now; says whether it did.
    pub(crate) fn approve_waiting(&self, server: &str, definition: &Definition) -> Result<bool, PinsError> {
        self.change(|next| {
            let waits = next.waiting.get(server).and_then(|pins| pins.get(&definition.name));
            let same = waits.is_some_and(|pin| pin.digest == definition.digest());
            if same {
                next.pin(server, definition);
            }
            same
        })
    }

    /// Changes the content on the disk, then here.
    ///
    /// Begins with what is on the disk: an operator may have approved something beside a running daemon. From reading to
    /// writing, no other process changes it.
    fn change<T>(&self, change: impl FnOnce(&mut Content) -> T) -> Result<T, PinsError> {
        let mut content = self.lock();
        let _held = hold(&self.path).map_err(|error| PinsError::Io { path: self.path.clone(), error })?;
        let found = match load(&self.path) {
            Ok(Some(found)) => found,
            Ok(None) => content.clone(),
            Err(error) => {
                tracing::warn!(target: "playhouse::mcp", "{error}; what was read at the start counts");
                content.clone()
            }
        };
        let mut next = found.clone();
        let result = change(&mut next);
        if next != found {
            self.write(&next)?;
        }
        *content = next;
        Ok(result)
    }

    /// Written aside, synced, renamed: after a crash there is either the old file or the new one.
    fn write(&self, content: &Content) -> Result<(), PinsError> {
        let content = Content { version: VERSION, ..content.clone() };
        let text = toml::to_string(&content).expect("names and texts can be written as TOML");
        let aside = self.path.with_extension("lock.new");
        let written = (|| {
            let mut file = File::create(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &self.path)?;
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(".".as_ref()))?.sync_all()
        })();
        written.map_err(|error| PinsError::Io { path: self.path.clone(), error })
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // The content is replaced as a whole, after everything that can fail.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn pin(&mut self, server: &str, definition: &Definition) {
        let pins = self.tools.entry(server.to_owned()).or_default();
        pins.insert(definition.name.clone(), Pin::of(definition));
        let mut waiting = self.waiting.remove(server).unwrap_or_default();
        waiting.remove(&definition.name);
        self.wait(server, waiting);
    }

    fn wait(&mut self, server: &str, waiting: BTreeMap<String, Pin>) {
        match waiting.is_empty() {
            true => self.waiting.remove(server),
            false => self.waiting.insert(server.to_owned(), waiting),
        };
    }
}

impl Pin {
    fn of(definition: &Definition) -> Self {
        let text = serde_json::to_string(definition).expect("a definition is plain data");
        Self { digest: definition.digest(), definition: text }
    }
}

enum ReadError {
    Io(io::Error),
    Damaged(String),
}

/// Holds the file at `path` against other processes, until what it returns is dropped.
///
/// A file beside it is locked, since it is itself replaced by every change. That one stays: removing it would let two
/// processes lock two files of one name.
fn hold(path: &Path) -> io::Result<File> {
    let beside = path.with_extension("lock.held");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&beside)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= HELD_WAIT => {
                let told = format!(
                    "another process has held {} for {} s: see what it does, and try again",
                    beside.display(),
                    HELD_WAIT.as_secs()
                );
                return Err(io::Error::new(io::ErrorKind::WouldBlock, told));
            }
            Err(TryLockError::WouldBlock) => thread::park_timeout(HELD_RETRY),
        }
    }
}

/// What is in the file, if there is one.
fn load(path: &Path) -> Result<Option<Content>, PinsError> {
    let path = || path.to_owned();
    match File::open(path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PinsError::Io { path: path(), error }),
        Ok(file) => match read(file) {
            Ok(content) => Ok(Some(content)),
            Err(ReadError::Io(error)) => Err(PinsError::Io { path: path(), error }),
            Err(ReadError::Damaged(problem)) => Err(PinsError::Damaged { path: path(), problem }),
        },
    }
}

fn read(file: File) -> Result<Content, ReadError> {
    let mut text = String::new();
    let read = file.take(PINS_BYTES_MAX + 1).read_to_string(&mut text).map_err(ReadError::Io)?;
    let damaged = |problem: String| Err(ReadError::Damaged(problem));
    if read as u64 > PINS_BYTES_MAX {
        return damaged(format!("it has more than {PINS_BYTES_MAX} bytes"));
    }
    let content: Content = match toml::from_str(&text) {
        Ok(content) => content,
        Err(error) => return damaged(error.to_string()),
    };
    if content.version != VERSION {
        return damaged(format!("its version is {}, and only {VERSION} is known", content.version));
    }
    for (server, pins) in content.tools.iter().chain(&content.waiting) {
        for (name, pin) in pins {
            let definition = serde_json::from_str::<Definition>(&pin.definition);
            if !definition.is_ok_and(|it| it.digest() == pin.digest && it.name == *name) {
                return damaged(format!("the pin of `{name}` of `{server}` does not fit its digest"));
            }
        }
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::definition::Hints;

    fn tool(name: &str, description: &str) -> Definition {
        Definition {
            name: name.into(),
            description: description.into(),
            input_schema: json!({ "type": "object", "properties": { "a'''\"\n": {} } }),
            output_schema: Some(json!({ "x": 1.5 })),
            annotations: Hints { read_only: Some(true), ..Hints::default() },
        }
    }

    #[test]
    fn what_is_new_is_pinned_and_what_changed_is_not_until_it_is_approved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.lock");
        let open = || Pins::open(path.clone()).unwrap();
        let (one, two, evil) = (tool("a", "x"), tool("b", "x"), tool("a", "y"));
        assert_eq!(open().meet("s", std::slice::from_ref(&one)).unwrap(), [Met::New]);
        let both = [one.clone(), two.clone()];
        assert_eq!(open().meet("s", &both).unwrap(), [Met::Known, Met::New], "from the disk");
        assert_eq!(open().meet("other", &both).unwrap(), [Met::New; 2], "a server has its own");
        let pins = open();
        assert_eq!(pins.meet("s", &[evil.clone(), two.clone()]).unwrap(), [Met::Changed, Met::Known]);
        assert_eq!(open().of("s"), [one.clone(), two], "the old one stays");
        assert_eq!(open().waiting(), [("s".to_owned(), evil.clone())]);
        pins.approve("s", &evil).unwrap();
        assert_eq!((open().waiting(), pins.waiting()), (vec![], vec![]));
        assert_eq!(open().meet("s", std::slice::from_ref(&evil)).unwrap(), [Met::Known]);
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "nothing is left beside it but its lock: {left:?}");
    }

    #[test]
    fn what_is_approved_beside_a_daemon_is_met_by_it_and_only_what_was_shown_is_approved() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Pins::open(folder.path().join("mcp.lock")).unwrap();
        let (daemon, one, evil) = (open(), tool("a", "x"), tool("a", "y"));
        daemon.meet("s", std::slice::from_ref(&one)).unwrap();
        daemon.meet("s", std::slice::from_ref(&evil)).unwrap();
        let operator = open();
        daemon.meet("s", &[tool("a", "z")]).unwrap();
        assert!(!operator.approve_waiting("s", &evil).unwrap(), "it has changed since it was shown");
        daemon.meet("s", std::slice::from_ref(&evil)).unwrap();
        assert!(operator.approve_waiting("s", &evil).unwrap());
        let met = daemon.meet("s", &[evil.clone(), tool("b", "x")]).unwrap();
        assert_eq!(met, [Met::Known, Met::New]);
        assert_eq!(open().of("s")[0], evil, "the daemon's write keeps the approval");
        daemon.meet("s", std::slice::from_ref(&one)).unwrap();
        daemon.meet("s", std::slice::from_ref(&evil)).unwrap();
        assert!(open().waiting().is_empty(), "what came back does not wait");
    }

    #[test]
    fn of_two_that_write_at_once_neither_loses_a_change() {
        const TOOLS: usize = 40;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.lock");
        thread::scope(|scope| {
            for writer in ["daemon", "operator"] {
                // Locks are of open files, so two of one process compete as two processes do.
                let pins = Pins::open(path.clone()).unwrap();
                scope.spawn(move || {
                    for number in 0..TOOLS {
                        pins.approve("s", &tool(&format!("{writer}-{number}"), "x")).unwrap();
                    }
                });
            }
        });
        assert_eq!(Pins::open(path).unwrap().of("s").len(), 2 * TOOLS);
    }

    #[test]
    fn who_holds_the_file_too_long_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.lock");
        let _held = hold(&path).unwrap();
        let told = Pins::open(path).unwrap().approve("s", &tool("a", "x")).unwrap_err().to_string();
        assert!(told.contains("mcp.lock.held for 5 s"), "{told}");
    }

    #[test]
    fn a_damaged_file_is_refused_and_names_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mcp.lock");
        Pins::open(path.clone()).unwrap().meet("s", &[tool("a", "x")]).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let edited = good.replace("description\\\":\\\"x", "description\\\":\\\"z");
        let edited = if edited == good {
            good.replace("\"description\":\"x\"", "\"description\":\"z\"")
        } else {
            edited
        };
        assert_ne!(edited, good);
        for (bad, wanted) in [
            (edited.as_str(), "`a` of `s` does not fit"),
            ("version = 2", "version is 2"),
            ("version = 1\nmore = 1", "unknown field"),
            ("\0", "damaged"),
        ] {
            fs::write(&path, bad).unwrap();
            let problem = Pins::open(path.clone()).unwrap_err().to_string();
            assert!(problem.contains(wanted) && problem.contains("mcp.lock"), "{problem}");
        }
    }

    #[test]
    fn a_disk_that_refuses_leaves_the_pins_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("mcp.lock");
        let pins = Pins::open(path).unwrap();
        assert!(pins.meet("s", &[tool("a", "x")]).is_err());
        assert!(pins.approve("s", &tool("a", "x")).is_err());
        assert!(pins.of("s").is_empty());
    }
}
