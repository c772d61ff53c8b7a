//! Cleaning the log: its oldest segment goes, and what still counts in it is written again at the end.
//!
//! ```text
//!  look      a thread reads the segment and asks the index which rows are still what they were put as
//!  carry     these go into the next commits, some with each, but for those that change meanwhile
//!  release   once the index is durable beyond the segment: the log begins after it, and the file goes
//! ```
//!
//! What is carried is put as it is at that moment, so replaying the log from any commit gives what there was then. A
//! crash leaves the segment where it is, or the log without it; what was carried is there once more, and does no harm.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
};

use playhouse_ports::{
    JournalError,
    crash::{Point, around},
};

use super::Engine;
use crate::{
    error::disk,
    frame::At,
    keys::Key,
    place::Current,
    segment::{Seen, Segment},
    values::is_damage,
};

/// Least and most of what is carried with one commit, in bytes: little enough to be written within its sync.
const CARRIED: (usize, usize) = (128 << 10, 4 << 20);
/// So many times as much as is committed is carried, for the log grows until it has been through what stays …
const TIMES_COMMITTED: usize = 2;
/// … and so many times if that must not wait.
const TIMES_URGENT: usize = 8;

/// Rows that a commit changes.
type Rows = BTreeMap<Key, Option<Vec<u8>>>;

/// Segments on their way out: one is looked at while the one before is carried, and then released.
#[derive(Default)]
pub(super) struct Cleaning {
    looking: Option<Looking>,
    carrying: Option<Carrying>,
    releasing: Option<Releasing>,
}

struct Looking {
    path: PathBuf,
    seen: mpsc::Receiver<Result<Seen, JournalError>>,
    /// Rows that changed since the look began: of some segments at most, for the segment before is carried as fast.
    changed: HashSet<Key>,
    stop: Arc<AtomicBool>,
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

/// A segment of which `seen` must be carried before it goes.
struct Carrying {
    path: PathBuf,
    seen: Seen,
}

struct Releasing {
    end: At,
    bytes: u64,
    done: mpsc::Receiver<Result<(), JournalError>>,
}

impl Cleaning {
    pub(super) fn is_busy(&self) -> bool {
        self.looking.is_some() || self.carrying.is_some() || self.releasing.is_some()
    }

    /// Whether something is to be carried.
    pub(super) fn is_carrying(&self) -> bool {
        self.carrying.as_ref().is_some_and(|carrying| !carrying.seen.rows.is_empty())
    }

    /// How many segments are on their way, and the bytes of those that are known.
    fn under_way(&self) -> (u32, u64) {
        let carried = self.carrying.as_ref().map(|carrying| carrying.seen.bytes);
        let released = self.releasing.as_ref().map(|releasing| releasing.bytes);
        let known = carried.into_iter().chain(released);
        (known.clone().count() as u32, known.sum())
    }

    /// After which commit the segment behind those begins.
    fn end(&self) -> Option<At> {
        let carried = self.carrying.as_ref().map(|carrying| carrying.seen.end);
        carried.or_else(|| self.releasing.as_ref().map(|releasing| releasing.end))
    }

    /// These rows are about to be in the log again: they need not be carried.
    pub(super) fn note(&mut self, rows: &Rows) {
        if let Some(looking) = &mut self.looking {
            looking.changed.extend(rows.keys().cloned());
        }
        if let Some(carrying) = &mut self.carrying {
            rows.keys().for_each(|key| drop(carrying.seen.rows.remove(key)));
        }
    }

    /// What goes with a commit of `rows`.
    pub(super) fn share(&mut self, rows: &Rows, is_urgent: bool) -> Vec<(Key, Vec<u8>)> {
        let Some(Carrying { seen, .. }) = &mut self.carrying else { return Vec::new() };
        let committed = rows.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
        let times = if is_urgent { TIMES_URGENT } else { TIMES_COMMITTED };
        let most = (committed.sum::<usize>() * times).clamp(CARRIED.0, CARRIED.1);
        let (mut share, mut bytes) = (Vec::new(), 0);
        while bytes < most
            && let Some((key, value)) = seen.rows.pop_first()
        {
            bytes += key.len() + value.len();
            share.push((key, value));
        }
        share
    }
}

impl Engine {
    /// Begins to look at the oldest segment that nobody looked at yet.
    pub(super) fn begin_look(&mut self) {
        let (skip, _) = self.cleaning.under_way();
        let Some(path) = self.log.closed_segment(skip).filter(|_| self.cleaning.looking.is_none()) else {
            return;
        };
        let (found, seen) = mpsc::sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let segment = Segment {
            disk: Arc::clone(&self.place.disk),
            path: path.clone(),
            base: self.cleaning.end().unwrap_or(self.current.base),
            index: self.store.index(),
            stop: Arc::clone(&stop),
        };
        let held = Arc::clone(&self.store.held);
        let work = move || {
            let _ = found.send(segment.look());
            drop((segment, held));
        };
        if self.spawn("journal-look", work) {
            self.cleaning.looking = Some(Looking { path, seen, changed: HashSet::new(), stop });
        }
    }

    /// Goes on with cleaning. Nobody else commits now if `is_idle`.
    pub(super) fn clean(&mut self, is_idle: bool) -> Result<(), JournalError> {
        self.hear_release()?;
        self.hear_look()?;
        if self.cleaning.is_carrying() && (is_idle || self.sizes().is_urgent()) {
            self.carry()?;
        }
        if !self.cleaning.is_carrying() && self.cleaning.releasing.is_none() {
            self.release()?;
        }
        Ok(())
    }

    fn hear_look(&mut self) -> Result<(), JournalError> {
        if self.cleaning.carrying.is_some() {
            return Ok(());
        }
        let looking = self.cleaning.looking.as_ref();
        let mut seen = match looking.map(|looking| looking.seen.try_recv()) {
            None | Some(Err(mpsc::TryRecvError::Empty)) => return Ok(()),
            Some(Ok(Ok(seen))) => seen,
            Some(Ok(Err(error))) if is_damage(&error) => return Err(error),
            Some(found) => {
                tracing::warn!(?found, "a segment of the log cannot be cleaned now");
                self.cleaning.looking = None;
                return Ok(());
            }
        };
        let looking = self.cleaning.looking.take().expect("it was just heard");
        seen.rows.retain(|key, _| !looking.changed.contains(key));
        self.cleaning.carrying = Some(Carrying { path: looking.path.clone(), seen });
        self.look_for_waste();
        Ok(())
    }

    /// Lets the segment go whose rows are all at the end of the log.
    fn release(&mut self) -> Result<(), JournalError> {
        let Some(Carrying { path, seen: Seen { end, bytes, .. } }) = &self.cleaning.carrying else {
            return Ok(());
        };
        let (path, end, bytes) = (path.clone(), *end, *bytes);
        // A log is never empty: what it begins with shows where it begins.
        if self.log.at() == end {
            self.carry()?;
        }
        // From here on, replay begins after `end`.
        if self.flushed < end.commit {
            self.checkpoint()?;
        }
        let (told, done) = mpsc::sync_channel(1);
        let (place, held) = (self.place.clone(), Arc::clone(&self.store.held));
        let current = Current { base: end, ..self.current };
        let work = move || {
            let moved = place.set_current(current);
            let gone =
                moved.and_then(|()| around(Point::LogClean, || place.disk.remove(&path))).map_err(disk);
            let _ = told.send(gone);
            drop((place, held));
        };
        if self.spawn("journal-release", work) {
            self.cleaning.carrying = None;
            self.cleaning.releasing = Some(Releasing { end, bytes, done });
        }
        Ok(())
    }

    fn hear_release(&mut self) -> Result<(), JournalError> {
        let Some(releasing) = &self.cleaning.releasing else { return Ok(()) };
        match releasing.done.try_recv() {
            Err(mpsc::TryRecvError::Empty) => return Ok(()),
            Err(mpsc::TryRecvError::Disconnected) => {
                return Err(JournalError::Unavailable("whoever cleans the log panicked".to_owned()));
            }
            Ok(gone) => gone?,
        }
        self.current.base = releasing.end;
        self.log.forget_oldest(releasing.bytes);
        self.checkpointed = self.checkpointed.saturating_sub(releasing.bytes);
        self.cleaning.releasing = None;
        self.store.numbers.cleaned.fetch_add(1, Relaxed);
        self.measure();
        self.look_for_waste();
        Ok(())
    }

    /// Bytes of segments that are not on their way out.
    pub(super) fn closed_bytes(&self) -> u64 {
        self.log.closed_bytes().saturating_sub(self.cleaning.under_way().1)
    }
}
