//! Opening: directory, lock, the generation that counts, and the heads of open tasks.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use playhouse_core::id::TaskId;
use playhouse_ports::{
    JournalError,
    crash::{Point, around},
};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use crate::{
    OpenError,
    disk::{Disk, RealDisk},
    engine::{Engine, Parts},
    error::panic_text,
    frame::At,
    generation::Builder,
    index::Refusal,
    lock::lock,
    log::{first_frame, segments},
    master::MasterKey,
    migrate,
    place::{Current, Engine as Kind, Place},
    recover::{State, Trouble, recover},
    stage::Tasks,
    store::{Held, Store},
    vault::Vault,
    view::View,
};

/// sled's own lock outlives its `Db` by an instant, while background threads let go of the file. We hold
/// the directory's lock, so it can only be a leftover of this process; 5 s is a very long instant.
const LEFTOVER_TRIES: u32 = 100;
const LEFTOVER_WAIT: Duration = Duration::from_millis(50);

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// sled's page cache, in bytes. 32 MiB holds the heads and recent records of thousands of tasks, and a
    /// page costs several times its size in memory.
    pub cache_bytes: u64,
    /// Space kept in reserve for a full disk, in bytes: enough for 64 KiB from each of a thousand tasks.
    pub ballast_bytes: u64,
    /// The index is made durable after so many bytes of log, which bounds what a start must replay.
    pub checkpoint_bytes: u64,
    /// A segment of the log is closed once it has so many bytes. Each is read at once.
    pub segment_bytes: u64,
    /// From which size on the log is cleaned, in percent of what lives: if it and the index take more than that and
    /// twice what lives.
    pub log_percent: u64,
    /// Waste on disk, in bytes, below which nothing is done about it.
    pub waste_bytes: u64,
    /// What the index may take beyond 2.5 times what lives, in bytes, before a new generation is made.
    pub index_waste_bytes: u64,
    /// What the keys are wrapped with that seal what people and models said. Without one, nothing is sealed,
    /// and what was sealed cannot be read.
    pub master: Option<Arc<MasterKey>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            ballast_bytes: 64 << 20,
            checkpoint_bytes: 16 << 20,
            segment_bytes: crate::log::SEGMENT_BYTES,
            log_percent: 150,
            waste_bytes: 16 << 20,
            index_waste_bytes: 16 << 20,
            master: None,
        }
    }
}

/// An opened journal, and the news of its end.
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) closed: watch::Receiver<()>,
}

/// Opens the journal in `dir` on the machine's own disk, making it if need be.
pub(crate) async fn open(dir: PathBuf, options: Options) -> Result<Opened, OpenError> {
    let place = Place { disk: Arc::new(RealDisk), dir, engine: Kind::Sled, options };
    let (state, held) = raise(&place).await?;
    let dir = place.dir.clone();
    blocking(&dir, move || assemble(place, state, Some(held))).await
}

/// Takes the lock and brings up the generation that counts.
pub(crate) async fn raise(place: &Place) -> Result<(State, File), OpenError> {
    let at = place.dir.clone();
    let held = blocking(&place.dir, move || prepare(&at)).await?;
    let mut tries = LEFTOVER_TRIES;
    loop {
        let own = place.clone();
        match blocking(&place.dir, move || Ok(bring_up(&own))).await? {
            Ok(state) => return Ok((state, held)),
            Err(Trouble::Open(error)) => return Err(error),
            Err(Trouble::Busy) if tries == 0 => {
                let what = "another part of this process still holds it".to_owned();
                return Err(OpenError::Other { dir: place.dir.clone(), what });
            }
            Err(Trouble::Busy) => tries -= 1,
        }
        sleep(LEFTOVER_WAIT).await;
    }
}

/// Opens the journal in `dir` of `disk`, with an index in memory, without threads.
pub(crate) fn open_on(disk: Arc<dyn Disk>, dir: PathBuf, options: Options) -> Result<Opened, OpenError> {
    let place = Place { disk, dir, engine: Kind::Memory, options };
    match bring_up(&place) {
        Ok(state) => assemble(place, state, None),
        Err(Trouble::Open(error)) => Err(error),
        Err(Trouble::Busy) => unreachable!("memory is never held by anybody else"),
    }
}

/// Runs `work` where it may block. This sled panics on some damage; that is damage, not our end.
pub(crate) async fn blocking<T: Send + 'static>(
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
    RealDisk.create_dir_all(dir).map_err(|error| OpenError::disk(dir, error))?;
    lock(dir)
}

/// The generation that counts, healed if need be; made if there is none.
fn bring_up(place: &Place) -> Result<State, Trouble> {
    let failed = |error| Trouble::Open(OpenError::disk(&place.dir, error));
    place.disk.create_dir_all(&place.journal()).map_err(failed)?;
    // The names of new directories live in those above them, up to the one above `dir`.
    for dir in place.journal().ancestors().take(3) {
        around(Point::DirSync, || place.disk.sync_dir(dir)).map_err(failed)?;
    }
    let current = match place.current().map_err(failed)? {
        Some(current) => current,
        None => first(place)?,
    };
    place.settle_current(current).map_err(failed)?;
    let state = recover(place, current)?;
    // Half-made generations, and the one that was just replaced.
    for other in
        place.generations().map_err(failed)?.into_iter().filter(|number| *number != state.current.generation)
    {
        if let Err(error) = place.disk.remove(&place.generation(other)) {
            tracing::warn!(%error, generation = other, "an old generation is not gone yet");
        }
    }
    if place.engine == Kind::Sled && migrate::is_needed(place) {
        migrate::clean_up(place);
    }
    Ok(state)
}

/// No generation was ever named: a new journal, one of format 1, or one that lost both names.
fn first(place: &Place) -> Result<Current, Trouble> {
    let refused = |error| Trouble::Open(OpenError::journal(&place.dir, error));
    if place.engine == Kind::Sled && migrate::is_needed(place) {
        tracing::info!(dir = %place.dir.display(), "the journal is brought to the newest format");
        let migrated = migrate::migrate(place).map_err(|refusal| match refusal {
            Refusal::Busy => Trouble::Busy,
            Refusal::Io(error) => Trouble::Open(OpenError::disk(&place.dir, error)),
            Refusal::Damaged(what) => refused(JournalError::Damaged(what)),
        })?;
        return migrated.map_err(refused);
    }
    if let Some(current) =
        nameless(place).map_err(|error| Trouble::Open(OpenError::disk(&place.dir, error)))?
    {
        return Ok(current);
    }
    let make = || {
        let mut builder = Builder::begin(place, 1, At::default())?;
        let sums = builder.sums;
        builder.finish(sums)?;
        Ok(builder.current)
    };
    make().map_err(refused)
}

/// A generation that has lost its name: what its log begins with says the rest.
fn nameless(place: &Place) -> io::Result<Option<Current>> {
    for generation in place.generations()?.into_iter().rev() {
        let log = place.log(generation);
        let Some(first) = segments(&*place.disk, &log)?.first().copied() else { continue };
        if let Some(frame) = first_frame(&*place.disk, &log, first)? {
            return Ok(Some(Current { generation, base: frame.before }));
        }
    }
    Ok(None)
}

/// Puts together what works with an opened generation.
fn assemble(place: Place, state: State, lock: Option<File>) -> Result<Opened, OpenError> {
    let State { current, log, index, sums, tasks, scan } = state;
    let noted = View(&*index).wakes().map_err(|error| OpenError::journal(&place.dir, error))?;
    let mut wakes: HashMap<TaskId, HashSet<TaskId>> = HashMap::new();
    for (task, child) in noted {
        wakes.entry(task).or_default().insert(child);
    }
    let at = |task: &crate::view::LiveTask| (task.head.task.clone(), (task.head.next_seq, task.hash));
    let open = tasks.iter().map(at).collect();
    let live = tasks.into_iter().map(|task| (task.head.task.clone(), task)).collect();
    let spilled = index.spilled();
    if spilled > 0 {
        tracing::error!(spilled, dir = %place.dir.display(), "sled spilled pages into files it does not sync");
    }
    let vault = Vault::open(&place.disk, &place.journal(), place.options.master.as_deref());
    let vault = vault.map_err(|error| OpenError::journal(&place.dir, error))?;
    let (news, closed) = watch::channel(());
    let store = Arc::new(Store::new(index, live, vault, Held { _lock: lock, _news: news }));
    let tasks = Tasks { open, wakes, no_new: None };
    let engine = Engine::new(Parts { place, store, tasks, current, log, sums, scan });
    Ok(Opened { engine, closed })
}
