//! What the committer works with: the log, the index behind it, and the chores between commits.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use playhouse_ports::{
    Clock, JournalError, SystemClock,
    crash::{Point, around},
};
use tokio::time::Instant;

use crate::{
    ballast::Ballast,
    cas::Digest,
    committer::Command,
    error::disk,
    generation::{Built, Job},
    index::Edit,
    keys,
    log::Log,
    place::{Engine as Kind, Place},
    scan::Scan,
    stage::Tasks,
    store::Store,
    sums::Sums,
    values::{self, is_damage},
    writes::Writes,
};

/// The index is made durable after this time at the latest, so that an idle journal has both copies on the disk.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);
/// A slice of the scan between two commits.
const SCAN_SLICE: Duration = Duration::from_millis(2);
/// How often a copy under way is asked whether it is done.
const COPY_EVERY: Duration = Duration::from_millis(50);
/// How often space is looked for after the disk was full.
const SPACE_EVERY: Duration = Duration::from_secs(2);

/// Log and index of a generation, in halves of its live bytes, from which a new one is worth making. A fresh
/// one takes some 3.2 times its live bytes, and 4 times plus 256 MiB is promised.
const WASTE_HALVES: u64 = 7;

/// Everything the committer owns.
pub(crate) struct Engine {
    pub(crate) place: Place,
    pub(crate) store: Arc<Store>,
    pub(crate) tasks: Tasks,
    generation: u64,
    log: Log,
    sums: Sums,
    scan: Option<Scan>,
    ballast: Ballast,
    /// When the index first held something that is not durable there, and the log's size at the last checkpoint.
    dirty: Option<Instant>,
    checkpointed: u64,
    making: Option<Making>,
    /// Bytes on disk right after this generation began, or at the start.
    fresh_bytes: u64,
    /// Bytes of files that rows named until lately.
    freed_bytes: u64,
    looked_for_space: Instant,
}

/// A new generation in the making, on a thread of its own.
struct Making {
    job: Arc<Job>,
    built: mpsc::Receiver<Result<Built, JournalError>>,
}

impl Drop for Making {
    fn drop(&mut self) {
        self.job.stop.store(true, Relaxed);
    }
}

/// What an engine starts with.
pub(crate) struct Parts {
    pub(crate) place: Place,
    pub(crate) store: Arc<Store>,
    pub(crate) tasks: Tasks,
    pub(crate) generation: u64,
    pub(crate) log: Log,
    pub(crate) sums: Sums,
    pub(crate) scan: Option<Scan>,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { place, store, mut tasks, generation, log, sums, scan } = parts;
        let ballast = Ballast::new(Arc::clone(&place.disk), place.journal(), place.options.ballast_bytes);
        if ballast.is_spent() {
            tasks.no_new = Some(no_reserve());
        } else {
            ballast.keep();
        }
        store.numbers.is_full.store(tasks.no_new.is_some(), Relaxed);
        store.numbers.generation.store(generation, Relaxed);
        store.numbers.commits.store(log.at().commit, Relaxed);
        let (now, checkpointed) = (Instant::now(), log.bytes());
        let engine = Self {
            place,
            store,
            tasks,
            generation,
            log,
            sums,
            scan,
            ballast,
            // What was replayed is not durable in the index yet.
            dirty: Some(now),
            checkpointed,
            making: None,
            fresh_bytes: 0,
            freed_bytes: 0,
            looked_for_space: now,
        };
        engine.measure();
        engine
    }

    /// Makes a group durable, then answers it. Refusals wait too: "this key was used" is a promise about
    /// something that may be in the same group.
    pub(crate) fn commit(&mut self, group: Vec<Command>) -> Result<(), JournalError> {
        let index = self.store.index();
        let mut writes = Writes::over(&*index, self.sums);
        let commands = group.len() as u64;
        let mut answers = VecDeque::with_capacity(group.len());
        let mut fatal = None;
        for Command { change, done, room } in group {
            let answer = change.stage(&mut writes, &mut self.tasks);
            fatal = fatal.or_else(|| answer.as_ref().err().filter(|error| is_fatal(error)).cloned());
            answers.push_back((answer, done, room));
        }
        let mut outcome = fatal.map_or(Ok(()), Err);
        if outcome.is_ok() && !writes.is_empty() {
            outcome = self.write(writes);
        }
        self.store.numbers.commands.fetch_add(commands, Relaxed);
        around(Point::CommitAck, || {
            for (answer, done, _room) in answers {
                // Whoever gave up waiting does not mind.
                let _ = done.send(outcome.clone().and(answer));
            }
        });
        outcome
    }

    fn write(&mut self, mut writes: Writes<'_>) -> Result<(), JournalError> {
        writes.add_up(&mut self.scan)?;
        let Writes { rows, sums, tasks, freed, .. } = writes;
        self.freed_bytes += freed.iter().map(|digest| self.store.vault.bytes(digest)).sum::<u64>();
        let edits = rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
        let at = self.log.append(edits, sums).map_err(disk)?;
        let start = Instant::now();
        self.log.sync().map_err(disk)?;
        let numbers = &self.store.numbers;
        numbers.sync_us.store(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
        numbers.synced_ms.store(SystemClock.now_ms(), Relaxed);
        numbers.commits.store(at.commit, Relaxed);
        numbers.groups.fetch_add(1, Relaxed);
        numbers.live_bytes.store(sums.bytes, Relaxed);

        let mut edits: Vec<Edit> = rows.into_iter().collect();
        edits.push((keys::COMMITS.to_vec(), Some(values::commits_to(at, sums))));
        around(Point::IndexApply, || self.store.index().apply(edits))?;
        let mut live = self.store.live();
        for (task, now) in tasks {
            match now {
                Some(now) => live.insert(task, now),
                None => live.remove(&task),
            };
        }
        self.sums = sums;
        self.dirty.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// When there is something to do without being asked, if nothing is asked meanwhile.
    pub(crate) fn next_chore(&self) -> Option<Duration> {
        let checkpoint = self.dirty.map(|since| CHECKPOINT_EVERY.saturating_sub(since.elapsed()));
        let scan = self.scan.as_ref().map(|_| Duration::ZERO);
        let copy = self.making.as_ref().map(|_| COPY_EVERY);
        let space = self.tasks.no_new.as_ref().map(|_| SPACE_EVERY);
        [checkpoint, scan, copy, space].into_iter().flatten().min()
    }

    /// Does what is due between two commits.
    pub(crate) fn chores(&mut self) -> Result<(), JournalError> {
        if let Some(scan) = &mut self.scan
            && scan.go_on(&*self.store.index(), &self.sums, SCAN_SLICE)?
        {
            self.scan = None;
        }
        self.adopt()?;
        let is_due = self.dirty.is_some_and(|since| CHECKPOINT_EVERY <= since.elapsed());
        if is_due || self.place.options.checkpoint_bytes <= self.log.bytes().saturating_sub(self.checkpointed)
        {
            self.checkpoint()?;
            self.look_for_waste();
        }
        if self.tasks.no_new.is_some() && SPACE_EVERY <= self.looked_for_space.elapsed() {
            self.looked_for_space = Instant::now();
            if self.ballast.keep() {
                self.tasks.no_new = None;
                self.store.numbers.is_full.store(false, Relaxed);
            }
        }
        Ok(())
    }

    /// Makes the index durable, so that a start replays nothing from before.
    pub(crate) fn checkpoint(&mut self) -> Result<(), JournalError> {
        if self.dirty.is_some() {
            around(Point::IndexSync, || self.store.index().flush())?;
            self.log.forget_copy();
        }
        self.dirty = None;
        self.checkpointed = self.log.bytes();
        self.measure();
        Ok(())
    }

    fn measure(&self) {
        let bytes = self.log.bytes() + self.store.index().disk_bytes();
        self.store.numbers.disk_bytes.store(bytes, Relaxed);
        self.store.numbers.live_bytes.store(self.sums.bytes, Relaxed);
    }

    /// Begins a new generation if this one is mostly past.
    fn look_for_waste(&mut self) {
        let bytes = self.store.numbers.disk_bytes.load(Relaxed) + self.freed_bytes;
        let live = self.sums.bytes * WASTE_HALVES / 2;
        // Where even a fresh one takes more, it must have grown by an eighth.
        let most = live.max(self.fresh_bytes / 8 * 9) + self.place.options.waste_bytes;
        if self.making.is_some() || bytes <= most || self.tasks.no_new.is_some() {
            return;
        }
        let job = Arc::new(Job {
            place: self.place.clone(),
            generation: self.generation + 1,
            source: self.store.index(),
            log: self.place.log(self.generation),
            base: self.log.at(),
            stop: Arc::new(AtomicBool::new(false)),
        });
        let (done, built) = mpsc::sync_channel(1);
        let (own, held) = (Arc::clone(&job), Arc::clone(&self.store.held));
        let work = move || {
            let _ = done.send(own.run());
            drop((own, held));
        };
        if self.spawn("journal-copy", work) {
            self.making = Some(Making { job, built });
        }
    }

    /// Moves to the new generation once it is made.
    fn adopt(&mut self) -> Result<(), JournalError> {
        let Some(making) = &self.making else { return Ok(()) };
        let mut built = match making.built.try_recv() {
            Err(mpsc::TryRecvError::Empty) => return Ok(()),
            Err(mpsc::TryRecvError::Disconnected) => Err(JournalError::Unavailable("it panicked".to_owned())),
            Ok(built) => built,
        };
        let making = self.making.take().expect("it was just looked at");
        let followed =
            built.as_mut().map_err(|error| error.clone()).and_then(|built| built.follow(&making.job));
        let mut built = match followed.and(built) {
            Ok(built) if built.followed == self.log.at() => built,
            Ok(_) => return Err(JournalError::Damaged("the log cannot be read back".to_owned())),
            Err(error) if is_damage(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "no new generation was made; the old one goes on");
                let left = self.place.generation(making.job.generation);
                self.place.disk.remove(&left).map_err(disk)?;
                self.fresh_bytes = self.store.numbers.disk_bytes.load(Relaxed);
                return Ok(());
            }
        };
        built.builder.finish(self.sums)?;
        let old = self.place.generation(self.generation);
        self.generation = built.builder.current.generation;
        self.log = built.builder.log;
        self.store.replace_index(built.builder.index);
        self.store.numbers.generation.store(self.generation, Relaxed);
        self.scan = None;
        (self.dirty, self.checkpointed) = (None, self.log.bytes());
        self.measure();
        self.fresh_bytes = self.store.numbers.disk_bytes.load(Relaxed);
        drop(making);
        self.sweep(built.files);
        if let Err(error) = self.place.disk.remove(&old) {
            // The next start removes what is left.
            tracing::warn!(%error, "the old generation is not gone yet");
        }
        tracing::info!(generation = self.generation, "the journal has a new generation");
        Ok(())
    }

    /// Removes large values that no row names any more.
    fn sweep(&mut self, keep: HashSet<Digest>) {
        self.freed_bytes = 0;
        let vault = Arc::clone(&self.store.vault);
        let held = Arc::clone(&self.store.held);
        self.spawn("journal-sweep", move || {
            vault.sweep(&keep);
            drop(held);
        });
    }

    /// Runs `work` beside the committer; with an index in memory there are no threads, and it runs here. `false`
    /// if there is no thread to be had.
    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> bool {
        if self.place.engine == Kind::Memory {
            work();
            return true;
        }
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
        if let Err(error) = &spawned {
            tracing::warn!(%error, name, "no thread");
        }
        spawned.is_ok()
    }

    /// Leaves word of how it ended for the next start.
    pub(crate) fn fail(&mut self, error: &JournalError) {
        if let JournalError::Full(_) = error {
            self.ballast.spend();
        }
        let JournalError::Damaged(what) = error else { return };
        let path = self.place.suspect();
        let noted = self.place.disk.write(&path, what.as_bytes());
        if let Err(error) = noted.and_then(|()| around(Point::FileSync, || self.place.disk.sync_file(&path)))
        {
            tracing::warn!(%error, "the next start will not know that damage was found");
        }
    }
}

/// Whether nothing may be written after a command was answered like this.
fn is_fatal(error: &JournalError) -> bool {
    is_damage(error)
}

fn no_reserve() -> JournalError {
    JournalError::Full("what is left of the disk is kept for the tasks that run".to_owned())
}
