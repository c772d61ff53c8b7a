//! Making a new generation: all live rows into a fresh log and a fresh index.
//!
//! The same way serves three ends: space (the index is mostly past), repair (a damaged log is replaced by what
//! the index holds) and migration (the rows of an older format). While rows are copied from an index that is
//! written, the copy is fuzzy; commits since the copy began are applied over it, and since a commit is puts and
//! removes of whole rows, the result is exact.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use playhouse_ports::{
    JournalError,
    crash::{Point, around},
};

use crate::{
    cas::Digest,
    error::disk,
    frame::{At, Frame},
    index::{Edit, Index, Refusal, Row, borrowed},
    keys::{self, after, behind},
    log::{Log, walk},
    place::{Current, Place},
    scan::Scan,
    sums::Sums,
    values,
    view::View,
    whole,
};

/// Bytes of rows in one frame of a copy.
const FRAME_BYTES: usize = 1 << 20;
/// Rounds of following a log that grows; the rest is left to the committer, which then stands still.
const ROUNDS_MAX: usize = 16;
/// Commits that may be left to the committer: some milliseconds of work.
const LEFT_MAX: usize = 64;

/// A generation in the making. Nothing counts on it before [`Builder::finish`].
pub(crate) struct Builder {
    place: Place,
    pub(crate) current: Current,
    pub(crate) log: Log,
    pub(crate) index: Arc<dyn Index>,
    pending: Vec<Edit>,
    pending_bytes: usize,
    /// Of the rows added so far.
    pub(crate) sums: Sums,
}

/// What is to be copied, and from where.
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) generation: u64,
    pub(crate) source: Arc<dyn Index>,
    /// The log that `source` follows, after which commit it begins, and how far it had when the copy began.
    pub(crate) log: PathBuf,
    pub(crate) log_base: At,
    pub(crate) base: At,
    /// What the rows of `source` added up to then.
    pub(crate) sums: Sums,
    /// Set when nobody waits for it any more.
    pub(crate) stop: Arc<AtomicBool>,
}

/// A copy that is nearly up to date.
pub(crate) struct Built {
    pub(crate) builder: Builder,
    /// The last commit of the old log that is in it.
    pub(crate) followed: At,
    /// What its rows must add up to.
    sums: Sums,
    /// Files that its rows name.
    pub(crate) files: HashSet<Digest>,
}

impl Builder {
    /// Begins generation `number`; its log continues the chain after `base`.
    pub(crate) fn begin(place: &Place, number: u64, base: At) -> Result<Self, JournalError> {
        let dir = place.generation(number);
        place.disk.remove(&dir).map_err(disk)?;
        let log = Log::create(Arc::clone(&place.disk), &place.log(number), base).map_err(disk)?;
        let log = log.with_segments(place.options.segment_bytes);
        let index = place.open_index(number).map_err(|refusal| match refusal {
            Refusal::Io(error) => disk(error),
            other => JournalError::Unavailable(format!("a new index cannot be made: {other:?}")),
        })?;
        let (place, current) = (place.clone(), Current { generation: number, base });
        let (pending, pending_bytes, sums) = (Vec::new(), 0, Sums::default());
        Ok(Self { place, current, log, index, pending, pending_bytes, sums })
    }

    /// Adds a row that is not there yet.
    pub(crate) fn add(&mut self, (key, value): Row) -> Result<(), JournalError> {
        self.sums.change(&key, None, Some(&value));
        self.pending_bytes += key.len() + value.len();
        self.pending.push((key, Some(value)));
        if FRAME_BYTES <= self.pending_bytes { self.write_pending() } else { Ok(()) }
    }

    fn write_pending(&mut self) -> Result<(), JournalError> {
        self.pending_bytes = 0;
        let (edits, sums) = (std::mem::take(&mut self.pending), self.sums);
        self.apply(&edits, sums)
    }

    fn apply(&mut self, edits: &[Edit], sums: Sums) -> Result<(), JournalError> {
        self.log.append(borrowed(edits), sums).map_err(disk)?;
        around(Point::IndexApply, || self.index.apply(&mut borrowed(edits)))
    }

    /// Makes durable what there is, so that little is left for the end.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.write_pending()?;
        self.log.sync().map_err(disk)?;
        around(Point::IndexSync, || self.index.flush())
    }

    /// Writes a last frame with `sums`, makes everything durable, and makes it count.
    pub(crate) fn finish(&mut self, sums: Sums) -> Result<(), JournalError> {
        self.write_pending()?;
        self.apply(&[], sums)?;
        self.log.sync().map_err(disk)?;
        let commits = values::commits_to(self.log.at(), sums);
        self.index.apply(&mut [(keys::COMMITS, Some(commits.as_slice()))].into_iter())?;
        around(Point::IndexSync, || self.index.flush())?;
        self.log.forget_copy();
        let place = &self.place;
        let number = self.current.generation;
        for dir in [place.log(number), place.generation(number), place.journal(), place.dir.clone()] {
            around(Point::DirSync, || place.disk.sync_dir(&dir)).map_err(disk)?;
        }
        place.set_current(self.current).map_err(disk)
    }
}

impl Job {
    /// Copies all rows, then follows the log until little is left.
    pub(crate) fn run(&self) -> Result<Built, JournalError> {
        let mut builder = Builder::begin(&self.place, self.generation, self.base)?;
        let mut files = HashSet::new();
        let source = View(&*self.source);
        // Tasks that begin meanwhile are in the log behind `base`; who copied them too might never be done.
        let last = source.last(keys::RECORDS, &after(keys::RECORDS))?.map(|(key, _)| behind(&key));
        let before = source.range(keys::FIRST, keys::RECORDS);
        let records = last.into_iter().flat_map(|end| source.range(keys::RECORDS, &end));
        let behind = source.range(&after(keys::RECORDS), keys::END);
        for row in before.chain(records).chain(behind) {
            let row = row?;
            values::check(&row)?;
            files.extend(values::file_in(&row.0, &row.1));
            builder.add(row)?;
            if self.stop.load(Ordering::Relaxed) {
                return Err(JournalError::Unavailable("the journal is closing".to_owned()));
            }
        }
        let mut built = Built { builder, followed: self.base, sums: self.sums, files };
        for _ in 0..ROUNDS_MAX {
            built.builder.sync()?;
            if built.follow(self)? <= LEFT_MAX {
                break;
            }
        }
        built.verify()?;
        Ok(built)
    }
}

impl Built {
    /// Looks at the whole copy: what the old index had lost without a word is still in the old log, and must not
    /// go with it.
    fn verify(&self) -> Result<(), JournalError> {
        let index = &*self.builder.index;
        Scan::begin().go_on(index, &self.sums, Duration::MAX)?;
        whole::open_tasks(View(index), &self.sums)?;
        whole::records(View(index))
    }

    /// Applies what the old log got meanwhile. Returns how many commits that was.
    pub(crate) fn follow(&mut self, job: &Job) -> Result<usize, JournalError> {
        let Self { builder, followed, sums: expected, files } = self;
        let mut count = 0;
        let walk = walk(
            &*job.place.disk,
            &job.log,
            [job.log_base, *followed],
            |Frame { at, edits, sums, .. }| {
                (*followed, *expected, count) = (at, sums, count + 1);
                let puts = edits.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
                files.extend(puts.filter_map(|(key, value)| values::file_in(key, value)));
                builder.apply(&edits, sums)
            },
        )?;
        walk.unread.map_or(Ok(count), |error| Err(disk(error)))
    }
}
