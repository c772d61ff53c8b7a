//! Opening: directory, lock, engine, and the heads of open tasks.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use playhouse_core::id::{Seq, TaskId};
use tokio::{sync::oneshot, task::spawn_blocking, time::sleep};

use crate::{OpenError, error::panic_text, lock::lock, mark::Mark, store::Store};

/// sled spills pages above a quarter of a segment into files it never syncs; at this size none gets there.
const SEGMENT_BYTES: usize = 8 << 20;
/// A second line of defence only: durability is the committer's. sled also collects garbage at this pace.
const FLUSH_EVERY_MS: u64 = 500;
/// sled's own lock outlives its `Db` by an instant, while background threads let go of the file. We hold
/// the directory's lock, so it can only be a leftover of this process; 5 s is a very long instant.
const LEFTOVER_TRIES: u32 = 100;
const LEFTOVER_WAIT: Duration = Duration::from_millis(50);
/// Under the data directory; numbered generations will come to stand beside each other here.
const ENGINE_DIR: &str = "journal/1";

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// sled's page cache, in bytes. 32 MiB holds the heads and recent records of thousands of tasks, and a
    /// page costs several times its size in memory.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 32 << 20 }
    }
}

/// The next position of every task that is not over.
pub(crate) type OpenTasks = HashMap<TaskId, Seq>;

/// An opened engine, what start-up found in it, and the news of its end.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) tasks: OpenTasks,
    pub(crate) closed: oneshot::Receiver<()>,
}

/// Opens the journal in `dir`, making it if need be.
pub(crate) async fn open(dir: PathBuf, options: Options) -> Result<Opened, OpenError> {
    let at = dir.clone();
    let held = blocking(&dir, move || prepare(&at)).await?;
    let path = dir.join(ENGINE_DIR);
    let mut tries = LEFTOVER_TRIES;
    let db = loop {
        let (at, options) = (path.clone(), options.clone());
        match blocking(&dir, move || Ok(start(&at, &options))).await? {
            Err(sled::Error::Io(error)) if is_leftover(&error) && 0 < tries => tries -= 1,
            Err(error) => return Err(OpenError::engine(&dir, error)),
            Ok(db) => break db,
        }
        sleep(LEFTOVER_WAIT).await;
    };
    let at = dir.clone();
    blocking(&dir, move || scan(&at, path, db, held)).await
}

/// Runs `work` where it may block. This sled panics on some damage; that is damage, not our end.
async fn blocking<T: Send + 'static>(
    dir: &Path,
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let damaged = |what: String| OpenError::Damaged { dir: dir.to_owned(), what };
    let joined = spawn_blocking(|| catch_unwind(AssertUnwindSafe(work))).await;
    match joined {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(damaged(format!("the engine panicked: {}", panic_text(&*panic)))),
        Err(error) => Err(OpenError::Other { dir: dir.to_owned(), what: error.to_string() }),
    }
}

/// Makes the directory and takes its lock.
fn prepare(dir: &Path) -> Result<File, OpenError> {
    let failed = |error| OpenError::disk(dir, error);
    fs::create_dir_all(dir).map_err(failed)?;
    let held = lock(dir)?;
    fs::create_dir_all(dir.join(ENGINE_DIR)).map_err(failed)?;
    Ok(held)
}

fn start(path: &Path, options: &Options) -> sled::Result<sled::Db> {
    sled::Config::new()
        .path(path)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(FLUSH_EVERY_MS))
        .mode(sled::Mode::HighThroughput)
        .cache_capacity(options.cache_bytes)
        .open()
}

fn is_leftover(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Other && error.to_string().contains("could not acquire lock")
}

/// Makes durable what sled created without syncing, and reads the heads of open tasks.
fn scan(dir: &Path, path: PathBuf, db: sled::Db, held: File) -> Result<Opened, OpenError> {
    let failed = |error| OpenError::disk(dir, error);
    let log = File::open(path.join("db")).map_err(failed)?;
    let (mark, marked) = Mark::open(&path).map_err(failed)?;
    sync(&path.join("conf")).map_err(failed)?;
    log.sync_all().map_err(failed)?;
    // The names of new files live in their directories, up to the one above `dir` that we may have made.
    for place in path.ancestors().take(Path::new(ENGINE_DIR).components().count() + 2) {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        sync(place).map_err(failed)?;
    }
    let (news, closed) = oneshot::channel();
    let store = Store::new(db, log, path, mark, held, news);
    store.count_commits(marked).map_err(|error| OpenError::journal(dir, error))?;
    let tasks = store.open_heads().map_err(|error| OpenError::journal(dir, error))?;
    let blobs = store.blobs();
    if blobs > 0 {
        tracing::error!(blobs, dir = %dir.display(), "sled spilled pages into files it does not sync");
    }
    let tasks = tasks.into_iter().map(|head| (head.task, head.next_seq)).collect();
    Ok(Opened { store, tasks, closed })
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
