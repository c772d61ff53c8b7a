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
    disk::read_if_any,
    error::OpenError,
    frame::{At, Frame},
    generation::Builder,
    index::{Index, Refusal, borrowed},
    keys,
    log::{Log, Walk, cleaned, segment_name, walk},
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
    pub(crate) current: Current,
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
    let is_suspect =
        read_if_any(&*place.disk, &place.suspect()).map_err(|error| failed(place, error))?.is_some();
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
    place.disk.remove(&place.suspect()).map_err(|error| failed(place, error))?;
    Ok(state)
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
    let mut replayed = replay(place, current, index, at, sums).map_err(bad)?;
    if let Some(error) = replayed.walk.unread.take() {
        return Err(Unfit::Io(error));
    }
    if replayed.walk.has_gap() {
        return Err(Unfit::Bad(lost(&replayed.walk, "the index")));
    }
    let tasks = whole::open_tasks(View(&*replayed.index), &replayed.sums).map_err(bad)?;
    let mut scan = Scan::begin();
    // The part of the log that need not be replayed is looked at only when there is reason to.
    if is_suspect && let Err(fault) = whole_log(place, current) {
        replayed.walk.faults.push(fault);
    }
    // A log that cannot be read again makes the index the only copy: then it must be whole in every part.
    let is_careful = is_suspect || !replayed.walk.is_whole();
    let time = if is_careful { Duration::MAX } else { SCAN_TIME };
    let is_through = scan.go_on(&*replayed.index, &replayed.sums, time).map_err(bad)?;
    if is_careful {
        whole::records(View(&*replayed.index)).map_err(bad)?;
    }
    let scan = (!is_through).then_some(scan);
    Ok(settle(place, current, replayed, tasks, scan))
}

/// Reads all of the log; what is wrong with it.
fn whole_log(place: &Place, current: Current) -> Result<(), String> {
    let skip = |_| Ok::<_, std::convert::Infallible>(());
    let Ok(walk) = walk(&*place.disk, &place.log(current.generation), [current.base; 2], skip);
    if walk.is_whole() { Ok(()) } else { Err(lost(&walk, "the log")) }
}

/// Whether the log has everything by itself. `why`: what is wrong with the index.
fn can_rebuild(place: &Place, current: Current, why: &str) -> Result<(), Trouble> {
    let skip = |_| Ok::<_, std::convert::Infallible>(());
    let Ok(mut walk) = walk(&*place.disk, &place.log(current.generation), [current.base; 2], skip);
    if let Some(error) = walk.unread.take() {
        return Err(failed(place, error));
    }
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
    let mut replayed = replayed.map_err(|error| refused(place, error))?;
    if let Some(error) = replayed.walk.unread.take() {
        return Err(failed(place, error));
    }
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
        let commits = values::commits_to(at, after);
        let mut edits = borrowed(&edits).chain([(keys::COMMITS, Some(commits.as_slice()))]);
        sums = after;
        around(Point::IndexApply, || index.apply(&mut edits))
    };
    let walk = walk(&*place.disk, &place.log(current.generation), [current.base, at], apply)?;
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
    rewrite_last(place, generation, &walk).map_err(|error| failed(place, error))?;
    let end = walk.from_copy.first().map_or(walk.at, |frame| frame.before);
    let disk = Arc::clone(&place.disk);
    let log = Log::open(disk, &place.log(generation), (walk.first, walk.last), walk.closed, end)
        .map(|log| log.with_segments(place.options.segment_bytes));
    let mut log = log.map_err(|error| failed(place, error))?;
    for Frame { edits, sums, .. } in &walk.from_copy {
        log.append(borrowed(edits), *sums).map_err(|error| failed(place, error))?;
    }
    if !walk.from_copy.is_empty() {
        log.sync().map_err(|error| failed(place, error))?;
    }
    forget_cleaned(place, current).map_err(|error| failed(place, error))?;
    Ok(State { current, log, index, sums, tasks, scan })
}

/// Removes segments that were cleaned by a process that then died.
fn forget_cleaned(place: &Place, current: Current) -> io::Result<()> {
    let dir = place.log(current.generation);
    for number in cleaned(&*place.disk, &dir, current.base)? {
        around(Point::LogClean, || place.disk.remove(&dir.join(segment_name(number))))?;
    }
    Ok(())
}

/// Writes the last segment anew, without what a crash tore. It was read from the page cache, and nobody knows
/// how much of that the disk has: a process that is killed before its sync leaves bytes that a power cut may
/// still take, and after a sync that failed even the next one does not write them.
fn rewrite_last(place: &Place, generation: u64, walk: &Walk) -> std::io::Result<()> {
    let path = place.log(generation).join(segment_name(walk.last));
    let Some(mut bytes) = read_if_any(&*place.disk, &path)? else { return Ok(()) };
    if let Some((torn, len)) = &walk.torn
        && *torn == path
    {
        bytes.truncate(usize::try_from(*len).unwrap_or(usize::MAX));
    }
    replace(&*place.disk, &path, &bytes)?;
    // The names above it: whoever made them may have died before they were durable.
    around(Point::DirSync, || place.disk.sync_dir(&place.generation(generation)))?;
    around(Point::DirSync, || place.disk.sync_dir(&place.journal()))
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
        for row in View(&**index).range(keys::FIRST, keys::END) {
            builder.add(row?)?;
        }
        builder.sums.open = sums.open;
        builder.sums.open_sum = sums.open_sum;
        let sums = builder.sums;
        builder.finish(sums)?;
        Ok(builder)
    };
    let builder = copy().map_err(|error| refused(place, error))?;
    let Builder { current, log, index, sums, .. } = builder;
    Ok(State { current, log, index, sums, tasks, scan: None })
}
