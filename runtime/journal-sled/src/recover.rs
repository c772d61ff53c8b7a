//! Opening a generation: index and log, and whichever heals the other.
//!
//! ```text
//! index ok,  log ok       what the log has more is replayed
//! index bad, log ok       the index is set aside and made again from the log
//! index ok,  log damaged  if the index has all that is missing: a new generation from the index
//! both bad                refused, and what is lost is named
//! ```

use std::{io, sync::Arc, time::Duration};

use playhouse_ports::{
    JournalError,
    crash::{Point, around},
};

use crate::{
    error::OpenError,
    frame::{At, Frame},
    generation::Builder,
    index::{Index, Refusal},
    keys,
    log::{Log, Walk, segment_name, segments, walk},
    place::{Current, Place, replace},
    scan::Scan,
    sums::Sums,
    values,
    view::{LiveTask, View},
    whole,
};

/// How long a start looks through the rows it relies on; the rest is looked at between commits.
const SCAN_TIME: Duration = Duration::from_secs(1);

/// An opened generation.
pub(crate) struct State {
    pub(crate) generation: u64,
    pub(crate) log: Log,
    pub(crate) index: Arc<dyn Index>,
    pub(crate) sums: Sums,
    pub(crate) tasks: Vec<LiveTask>,
    /// The look at the index that is not through yet.
    pub(crate) scan: Option<Scan>,
}

/// Why a generation did not open.
pub(crate) enum Trouble {
    /// sled is about to be let go of; try again in a moment.
    Busy,
    Open(OpenError),
}

/// Why an index is of no use.
enum Unfit {
    Busy,
    Io(io::Error),
    Bad(String),
}

/// An index brought up to date with the log as far as that goes.
struct Replayed {
    index: Arc<dyn Index>,
    sums: Sums,
    walk: Walk,
}

/// Opens the generation that counts.
pub(crate) fn recover(place: &Place, current: Current) -> Result<State, Trouble> {
    if place.disk.read(&place.unsynced()).is_ok() {
        write_anew(place, current).map_err(|error| failed(place, error))?;
    }
    let is_suspect = place.disk.read(&place.suspect()).is_ok();
    let state = match with_index(place, current, is_suspect) {
        Ok(state) => state?,
        Err(Unfit::Busy) => return Err(Trouble::Busy),
        Err(Unfit::Io(error)) => return Err(Trouble::Open(OpenError::disk(&place.dir, error))),
        Err(Unfit::Bad(why)) => {
            // Looked at before anything is moved: what cannot be healed is left as it is.
            can_rebuild(place, current, &why)?;
            tracing::warn!(%why, dir = %place.dir.display(), "the index is made again from the log");
            place.set_index_aside(current.generation).map_err(|error| failed(place, error))?;
            rebuild(place, current)?
        }
    };
    for note in [place.suspect(), place.unsynced()] {
        place.disk.remove(&note).map_err(|error| failed(place, error))?;
    }
    Ok(state)
}

/// Writes the last segment of the log into a new file. What a failed sync dropped is still seen, until the power
/// is cut, but no later sync of the same file would write it.
fn write_anew(place: &Place, current: Current) -> io::Result<()> {
    let dir = place.log(current.generation);
    let Some(last) = segments(&*place.disk, &dir)?.pop() else { return Ok(()) };
    let path = dir.join(segment_name(last));
    replace(&*place.disk, &path, &place.disk.read(&path)?)
}

fn failed(place: &Place, error: io::Error) -> Trouble {
    Trouble::Open(OpenError::disk(&place.dir, error))
}

fn refused(place: &Place, error: JournalError) -> Trouble {
    Trouble::Open(OpenError::journal(&place.dir, error))
}

/// With the index that is there. The outer error: it cannot be used. The inner: nothing can.
fn with_index(place: &Place, current: Current, is_suspect: bool) -> Result<Result<State, Trouble>, Unfit> {
    let index = place.open_index(current.generation).map_err(|refusal| match refusal {
        Refusal::Busy => Unfit::Busy,
        Refusal::Io(error) => Unfit::Io(error),
        Refusal::Damaged(why) => Unfit::Bad(why),
    })?;
    let bad = |error: JournalError| Unfit::Bad(error.to_string());
    let stored = index.get(keys::COMMITS).map_err(bad)?;
    let (at, sums) = match stored {
        Some(bytes) => values::commits_from(&bytes).map_err(bad)?,
        None => (current.base, Sums::default()),
    };
    let replayed = replay(place, current, index, at, sums).map_err(bad)?;
    let walk = &replayed.walk;
    if walk.has_gap() {
        return Err(Unfit::Bad(lost(walk, "the index")));
    }
    let tasks = whole::open_tasks(View(&*replayed.index), &replayed.sums).map_err(bad)?;
    let mut scan = Scan::begin();
    // A log that cannot be read again makes the index the only copy: then it must be whole in every part.
    let is_careful = is_suspect || !walk.is_whole();
    let time = if is_careful { Duration::MAX } else { SCAN_TIME };
    let is_through = scan.go_on(&*replayed.index, &replayed.sums, time).map_err(bad)?;
    if is_careful {
        whole::records(View(&*replayed.index)).map_err(bad)?;
    }
    let scan = (!is_through).then_some(scan);
    Ok(settle(place, current, replayed, tasks, scan))
}

/// Whether the log has everything by itself. `why`: what is wrong with the index.
fn can_rebuild(place: &Place, current: Current, why: &str) -> Result<(), Trouble> {
    let skip = |_| Ok::<_, std::convert::Infallible>(());
    let Ok(walk) = walk(&*place.disk, &place.log(current.generation), current.base, skip);
    if walk.has_gap() || !walk.ties_in {
        let what = format!("{}; and of the index: {why}", lost(&walk, "the log"));
        return Err(refused(place, JournalError::Damaged(what)));
    }
    Ok(())
}

/// Without an index: everything from the log.
fn rebuild(place: &Place, current: Current) -> Result<State, Trouble> {
    let index = place.open_index(current.generation).map_err(|refusal| match refusal {
        Refusal::Busy => Trouble::Busy,
        Refusal::Io(error) => failed(place, error),
        Refusal::Damaged(why) => refused(place, JournalError::Damaged(why)),
    })?;
    let replayed = replay(place, current, index, current.base, Sums::default());
    let replayed = replayed.map_err(|error| refused(place, error))?;
    let tasks = whole::open_tasks(View(&*replayed.index), &replayed.sums);
    let tasks = tasks.map_err(|error| refused(place, error))?;
    settle(place, current, replayed, tasks, None)
}

/// Names what is lost.
fn lost(walk: &Walk, whose: &str) -> String {
    let first = walk.at.commit + 1;
    let faults = if walk.faults.is_empty() { "nothing of it".to_owned() } else { walk.faults.join(", ") };
    if walk.has_gap() {
        format!(
            "after commit {} of {whose}, commits {first} to {} or some of them are lost ({faults})",
            walk.at.commit, walk.highest
        )
    } else {
        format!("the log cannot be read ({faults})")
    }
}

/// Applies what the log has after `at`.
fn replay(
    place: &Place,
    current: Current,
    index: Arc<dyn Index>,
    at: At,
    mut sums: Sums,
) -> Result<Replayed, JournalError> {
    let apply = |Frame { at, edits, sums: after, .. }: Frame| {
        let mut edits = edits;
        edits.push((keys::COMMITS.to_vec(), Some(values::commits_to(at, after))));
        sums = after;
        around(Point::IndexApply, || index.apply(edits))
    };
    let walk = walk(&*place.disk, &place.log(current.generation), at, apply)?;
    Ok(Replayed { index, sums, walk })
}

/// Makes the log ready to be written: cuts off what a crash tore, or begins a new generation if it is damaged.
fn settle(
    place: &Place,
    current: Current,
    replayed: Replayed,
    tasks: Vec<LiveTask>,
    scan: Option<Scan>,
) -> Result<State, Trouble> {
    let Replayed { index, sums, walk } = replayed;
    let generation = current.generation;
    if !walk.is_whole() {
        let faults = walk.faults.join(", ");
        tracing::warn!(%faults, dir = %place.dir.display(), "the log is damaged; a new one is made from the index");
        return anew(place, generation + 1, walk.at, &index, sums, tasks);
    }
    if let Some((path, len)) = &walk.torn {
        place.disk.truncate(path, *len).map_err(|error| failed(place, error))?;
        place.disk.sync_file(path).map_err(|error| failed(place, error))?;
    }
    let end = walk.from_copy.first().map_or(walk.at, |frame| frame.before);
    let disk = Arc::clone(&place.disk);
    let log = Log::open(disk, &place.log(generation), walk.last, walk.closed, end);
    let mut log = log.map_err(|error| failed(place, error))?;
    for Frame { edits, sums, .. } in &walk.from_copy {
        let rows = edits.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
        log.append(rows, *sums).map_err(|error| failed(place, error))?;
    }
    if !walk.from_copy.is_empty() {
        log.sync().map_err(|error| failed(place, error))?;
    }
    Ok(State { generation, log, index, sums, tasks, scan })
}

/// Generation `number` with the rows of `index`.
pub(crate) fn anew(
    place: &Place,
    number: u64,
    base: At,
    index: &Arc<dyn Index>,
    sums: Sums,
    tasks: Vec<LiveTask>,
) -> Result<State, Trouble> {
    let copy = || {
        let mut builder = Builder::begin(place, number, base)?;
        for row in index.range(keys::FIRST, keys::END) {
            builder.add(row?)?;
        }
        builder.sums.open = sums.open;
        builder.sums.open_sum = sums.open_sum;
        let sums = builder.sums;
        builder.finish(sums)?;
        Ok(builder)
    };
    let builder = copy().map_err(|error| refused(place, error))?;
    let (log, index, sums) = (builder.log, builder.index, builder.sums);
    Ok(State { generation: number, log, index, sums, tasks, scan: None })
}
