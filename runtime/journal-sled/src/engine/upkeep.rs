//! What is done beside the commits, on threads of its own: a new generation, a look at the old log, a sweep.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use playhouse_ports::JournalError;

use super::Engine;
use crate::{
    cas::Digest,
    due::{Due, Sizes},
    error::disk,
    generation::{Built, Job},
    place::Engine as Kind,
    scrub::Scrub,
    values::is_damage,
};

/// What the old log may grow by at full speed while a new generation is made beside it, in bytes; both are on
/// the disk, and what it grows by is written to the new one too.
const GROWTH_MAX: u64 = 4 << 20;
/// After that the committer takes so many bytes a second, so that the copy catches up.
const PACE_PER_S: u64 = 16 << 20;
/// The longest it rests between two groups: nobody should take it for dead.
const REST_MAX: Duration = Duration::from_millis(250);

/// The rest after each group while waste grows faster than it is found.
const REST_URGENT: Duration = Duration::from_millis(20);

/// A new generation in the making, on a thread of its own.
pub(super) struct Making {
    /// How large the log may be before writers are slowed down; grows as they are.
    paced_bytes: u64,
    job: Arc<Job>,
    built: mpsc::Receiver<Result<Built, JournalError>>,
}

impl Drop for Making {
    fn drop(&mut self) {
        self.job.stop.store(true, Relaxed);
    }
}

impl Engine {
    /// Looks at the closed segments of the log, on a thread; an index in memory was made from all of them.
    pub(super) fn begin_scrub(&mut self) {
        if self.place.engine == Kind::Memory {
            return;
        }
        let scrub =
            Scrub { disk: Arc::clone(&self.place.disk), log: self.place.log(self.current.generation) };
        let (told, found) = mpsc::sync_channel(1);
        let held = Arc::clone(&self.store.held);
        let work = move || {
            scrub.run(&told);
            drop(held);
        };
        if self.spawn("journal-scrub", work) {
            self.scrub = Some(found);
        }
    }

    pub(super) fn hear_scrub(&mut self) -> Result<(), JournalError> {
        match self.scrub.as_ref().map(mpsc::Receiver::try_recv) {
            Some(Ok(Some(what))) => Err(JournalError::Damaged(what)),
            Some(Err(mpsc::TryRecvError::Disconnected)) => {
                self.scrub = None;
                Ok(())
            }
            Some(Ok(None) | Err(mpsc::TryRecvError::Empty)) | None => Ok(()),
        }
    }

    /// How things are. Segments on their way out count as gone.
    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            live: self.sums.bytes,
            closed: self.closed_bytes(),
            open: self.log.bytes() - self.log.closed_bytes(),
            index: self.index_bytes,
            freed: self.freed_bytes,
            fresh: self.fresh_bytes,
            log_percent: self.place.options.log_percent,
            waste: self.place.options.waste_bytes,
            index_waste: self.place.options.index_waste_bytes,
        }
    }

    /// Begins what is due, one at a time.
    pub(super) fn look_for_waste(&mut self) {
        let is_making = self.making.is_some() || self.scan.is_some();
        if is_making || self.tasks.no_new.is_some() {
            return;
        }
        match self.sizes().due() {
            Due::Clean => self.begin_look(),
            Due::Generation if !self.cleaning.is_busy() => self.begin_generation(),
            Due::Nothing | Due::Generation => {}
        }
    }

    fn begin_generation(&mut self) {
        let job = Arc::new(Job {
            place: self.place.clone(),
            generation: self.current.generation + 1,
            source: self.store.index(),
            log: self.place.log(self.current.generation),
            log_base: self.current.base,
            base: self.log.at(),
            sums: self.sums,
            stop: Arc::new(AtomicBool::new(false)),
        });
        let (done, built) = mpsc::sync_channel(1);
        let (own, held) = (Arc::clone(&job), Arc::clone(&self.store.held));
        let work = move || {
            let _ = done.send(own.run());
            drop((own, held));
        };
        if self.spawn("journal-copy", work) {
            self.making = Some(Making { paced_bytes: self.log.bytes() + GROWTH_MAX, job, built });
        }
    }

    /// How long to rest before the next group, if writers are faster than what they make necessary.
    pub(crate) fn rest(&mut self) -> Option<Duration> {
        let Some(making) = self.making.as_mut() else {
            let is_behind = self.cleaning.is_busy() && !self.cleaning.is_carrying();
            return (is_behind && self.sizes().is_urgent()).then_some(REST_URGENT);
        };
        let beyond = self.log.bytes().saturating_sub(making.paced_bytes);
        let most_ms = REST_MAX.as_millis() as u64;
        let ms = (beyond * 1000 / PACE_PER_S).min(most_ms);
        // What is not rested for now is still owed.
        making.paced_bytes += ms * PACE_PER_S / 1000;
        (0 < ms).then(|| Duration::from_millis(ms))
    }

    /// Moves to the new generation once it is made.
    pub(super) fn adopt(&mut self) -> Result<(), JournalError> {
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
        let old = self.place.generation(self.current.generation);
        self.current = built.builder.current;
        self.log = built.builder.log;
        self.store.replace_index(built.builder.index);
        self.store.numbers.generation.store(self.current.generation, Relaxed);
        (self.scan, self.scrub) = (None, None);
        (self.dirty, self.checkpointed) = (None, self.log.bytes());
        self.flushed = self.log.at().commit;
        self.measure();
        self.fresh_bytes = self.store.numbers.disk_bytes.load(Relaxed);
        drop(making);
        self.sweep(built.files);
        if let Err(error) = self.place.disk.remove(&old) {
            // The next start removes what is left.
            tracing::warn!(%error, "the old generation is not gone yet");
        }
        tracing::info!(generation = self.current.generation, "the journal has a new generation");
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
    pub(super) fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> bool {
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
}
