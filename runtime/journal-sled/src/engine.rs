//! What the committer works with: the log, the index behind it, and the chores between commits.

mod clean;
mod upkeep;

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed, mpsc},
    time::Duration,
};

use playhouse_ports::{
    Clock, JournalError, SystemClock,
    crash::{Point, around},
};
use tokio::time::Instant;

use clean::Cleaning;
use upkeep::Making;

use crate::{
    ballast::Ballast,
    committer::Command,
    error::disk,
    keys,
    log::Log,
    place::{Current, Place},
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
/// How often a helper (a copy, a scrub) is asked whether it is done.
const HELPER_EVERY: Duration = Duration::from_millis(50);
/// How long the log is not written before what cleaning has to carry is written without a commit of others.
const CARRY_AFTER: Duration = Duration::from_millis(2);
/// How often space is looked for after the disk was full.
const SPACE_EVERY: Duration = Duration::from_secs(2);

/// Everything the committer owns.
pub(crate) struct Engine {
    pub(crate) place: Place,
    pub(crate) store: Arc<Store>,
    pub(crate) tasks: Tasks,
    current: Current,
    log: Log,
    sums: Sums,
    scan: Option<Scan>,
    ballast: Ballast,
    /// When the index first held something that is not durable there, and the log's size at the last checkpoint.
    dirty: Option<Instant>,
    checkpointed: u64,
    /// The last commit that the index holds durably, as far as this process knows.
    flushed: u64,
    /// Bytes of the index when it was last asked.
    index_bytes: u64,
    making: Option<Making>,
    cleaning: Cleaning,
    /// What the look at the log's closed segments finds, while it goes on.
    scrub: Option<mpsc::Receiver<Option<String>>>,
    /// Bytes on disk right after this generation began, or at the start.
    fresh_bytes: u64,
    /// Bytes of files that rows named until lately.
    freed_bytes: u64,
    looked_for_space: Instant,
}

/// What an engine starts with.
pub(crate) struct Parts {
    pub(crate) place: Place,
    pub(crate) store: Arc<Store>,
    pub(crate) tasks: Tasks,
    pub(crate) current: Current,
    pub(crate) log: Log,
    pub(crate) sums: Sums,
    pub(crate) scan: Option<Scan>,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { place, store, mut tasks, current, log, sums, scan } = parts;
        let ballast = Ballast::new(Arc::clone(&place.disk), place.journal(), place.options.ballast_bytes);
        if ballast.is_spent() {
            tasks.no_new = Some(no_reserve());
        } else {
            ballast.keep();
        }
        store.numbers.is_full.store(tasks.no_new.is_some(), Relaxed);
        store.numbers.generation.store(current.generation, Relaxed);
        store.numbers.commits.store(log.at().commit, Relaxed);
        let (now, checkpointed) = (Instant::now(), log.bytes());
        let mut engine = Self {
            place,
            store,
            tasks,
            current,
            log,
            sums,
            scan,
            ballast,
            // What was replayed is not durable in the index yet.
            dirty: Some(now),
            checkpointed,
            flushed: 0,
            index_bytes: 0,
            making: None,
            cleaning: Cleaning::default(),
            scrub: None,
            fresh_bytes: 0,
            freed_bytes: 0,
            looked_for_space: now,
        };
        engine.measure();
        engine.begin_scrub();
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
            self.store.numbers.groups.fetch_add(u64::from(outcome.is_ok()), Relaxed);
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
        self.cleaning.note(&rows);
        let is_urgent = self.sizes().is_urgent();
        let carried = self.cleaning.share(&rows, is_urgent);
        let carried = carried.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice())));
        let edits = || rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
        let at = self.log.append(edits().chain(carried), sums).map_err(disk)?;
        let start = Instant::now();
        self.log.sync().map_err(disk)?;
        let numbers = &self.store.numbers;
        numbers.sync_us.store(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
        numbers.synced_ms.store(SystemClock.now_ms(), Relaxed);
        numbers.commits.store(at.commit, Relaxed);
        numbers.live_bytes.store(sums.bytes, Relaxed);

        let commits = values::commits_to(at, sums);
        let mut edits = edits().chain([(keys::COMMITS, Some(commits.as_slice()))]);
        around(Point::IndexApply, || self.store.index().apply(&mut edits))?;
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

    /// A commit of what cleaning has to carry, and of nothing else.
    fn carry(&mut self) -> Result<(), JournalError> {
        let index = self.store.index();
        self.write(Writes::over(&*index, self.sums))
    }

    /// When there is something to do without being asked, if nothing is asked meanwhile.
    pub(crate) fn next_chore(&self) -> Option<Duration> {
        let checkpoint = self.dirty.map(|since| CHECKPOINT_EVERY.saturating_sub(since.elapsed()));
        let scan = self.scan.as_ref().map(|_| Duration::ZERO);
        let has_helper = self.making.is_some() || self.scrub.is_some();
        let helper = (has_helper || self.cleaning.is_busy()).then_some(HELPER_EVERY);
        let carry = self.cleaning.is_carrying().then_some(CARRY_AFTER);
        let space = self.tasks.no_new.as_ref().map(|_| SPACE_EVERY);
        [checkpoint, scan, helper, carry, space].into_iter().flatten().min()
    }

    /// Does what is due between two commits. Nobody waits for one if `is_idle`.
    pub(crate) fn chores(&mut self, is_idle: bool) -> Result<(), JournalError> {
        around(Point::IndexApply, || self.store.index().catch_up())?;
        if let Some(scan) = &mut self.scan
            && scan.go_on(&*self.store.index(), &self.sums, SCAN_SLICE)?
        {
            self.scan = None;
        }
        self.adopt()?;
        self.hear_scrub()?;
        self.clean(is_idle)?;
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
        (self.checkpointed, self.flushed) = (self.log.bytes(), self.log.at().commit);
        self.measure();
        Ok(())
    }

    fn measure(&mut self) {
        self.index_bytes = self.store.index().disk_bytes();
        self.store.numbers.disk_bytes.store(self.log.bytes() + self.index_bytes, Relaxed);
        self.store.numbers.live_bytes.store(self.sums.bytes, Relaxed);
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
