//! The two copies of everything, log and index, read and compared.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use playhouse_ports::JournalError;

use super::{
    report::{Cure, Report},
    still::Still,
};
use crate::{
    OpenError,
    frame::{At, Frame},
    index::{Index, MemoryIndex, borrowed},
    keys::{self, Key},
    log::{Walk, segments, walk},
    place::Current,
    scan::Scan,
    sums::{self, Sums},
    values,
    view::View,
    whole,
};

/// Rows of the index that are named one by one; of more, the number is enough.
const NAMED_MAX: usize = 20;

/// What the log holds: where it ends, and the print of every row.
struct LogSide {
    walk: Walk,
    sums: Sums,
    prints: BTreeMap<Key, u128>,
}

/// Reads and compares both copies of the generation `current`; returns the one that can be read. Says in
/// `report` what is wrong with either.
pub(super) fn read(
    still: &Still,
    current: Current,
    report: &mut Report,
) -> Result<Option<Box<dyn Index>>, OpenError> {
    let log = log_side(still, current, report);
    let has_log = !log.walk.has_gap() && log.walk.ties_in;
    let place = format!("journal/gen-{}/sled", current.generation);
    let cure_of = |other_is_whole| if other_is_whole { Cure::Repair } else { Cure::Backup };
    let fit = match still.index(current.generation)? {
        Err(why) => Err(why),
        Ok(index) => fit(still, current, index, &log, has_log, report).map_err(|error| error.to_string()),
    };
    if let Err(why) = &fit {
        report.found(place, why, cure_of(has_log));
    }
    let log_place = format!("journal/gen-{}/log", current.generation);
    for fault in &log.walk.faults {
        report.found(&log_place, fault, cure_of(fit.is_ok() || has_log));
    }
    if log.walk.has_gap() && log.walk.faults.is_empty() {
        let what = format!("commits after {} are missing", log.walk.at.commit);
        report.found(&log_place, what, cure_of(fit.is_ok()));
    }
    match fit {
        Ok(index) => Ok(Some(index)),
        Err(_) if has_log => Ok(Some(Box::new(from_log(still, current)))),
        Err(_) => Ok(None),
    }
}

fn log_side(still: &Still, current: Current, report: &mut Report) -> LogSide {
    let (disk, dir) = (&*still.place.disk, still.place.log(current.generation));
    let (mut sums, mut prints) = (Sums::default(), BTreeMap::new());
    let add = |frame: Frame| {
        report.frames += 1;
        sums = frame.sums;
        for (key, value) in frame.edits {
            match value {
                Some(value) => prints.insert(key.clone(), sums::print(&key, &value)),
                None => prints.remove(&key),
            };
        }
        Ok::<_, Infallible>(())
    };
    let Ok(walk) = walk(disk, &dir, [current.base; 2], add);
    report.segments = segments(disk, &dir).map_or(0, |all| all.len() as u64);
    report.commit = walk.at.commit;
    report.root = hex(&walk.at.root);
    if walk.torn.is_some() {
        let what = "it ends in the middle of a commit that nobody was told about";
        report.found(dir_name(current), what, Cure::None);
    }
    if !walk.from_copy.is_empty() {
        let what = format!("{} commits are in its second copy only", walk.from_copy.len());
        report.found(dir_name(current), what, Cure::Repair);
    }
    LogSide { walk, sums, prints }
}

fn dir_name(current: Current) -> String {
    format!("journal/gen-{}/log", current.generation)
}

/// The index with what the log has more, if it is whole by itself.
fn fit(
    still: &Still,
    current: Current,
    index: impl Index,
    log: &LogSide,
    has_log: bool,
    report: &mut Report,
) -> Result<Box<dyn Index>, JournalError> {
    let stored = index.get(keys::COMMITS)?.map(|bytes| values::commits_from(&bytes)).transpose()?;
    let (at, mut sums) = stored.unwrap_or((current.base, Sums::default()));
    let after = replay(still, current, at, &index, &mut sums)?;
    if after.at != log.walk.at && has_log {
        let what = format!("it ends at commit {}, the log at {}", after.at.commit, log.walk.at.commit);
        return Err(JournalError::Damaged(what));
    }
    if after.has_gap() {
        return Err(JournalError::Damaged(format!("it ends at commit {}", after.at.commit)));
    }
    report.commit = after.at.commit;
    report.root = hex(&after.at.root);
    if has_log && sums != log.sums {
        return Err(JournalError::Damaged("its sums are not those of the log".to_owned()));
    }
    whole::open_tasks(View(&index), &sums)?;
    Scan::begin().go_on(&index, &sums, Duration::MAX)?;
    compare(&index, log, has_log, report)?;
    if !has_log {
        whole::records(View(&index))?;
    }
    Ok(Box::new(index))
}

fn replay(
    still: &Still,
    current: Current,
    at: At,
    index: &impl Index,
    sums: &mut Sums,
) -> Result<Walk, JournalError> {
    let apply = |frame: Frame| {
        *sums = frame.sums;
        index.apply(&mut borrowed(&frame.edits))
    };
    walk(&*still.place.disk, &still.place.log(current.generation), [current.base, at], apply)
}

/// Every row of one against every row of the other.
fn compare(
    index: &impl Index,
    log: &LogSide,
    has_log: bool,
    report: &mut Report,
) -> Result<(), JournalError> {
    let mut wrong = Vec::new();
    let mut missing = log.prints.len();
    for row in View(index).range(keys::FIRST, keys::END) {
        let (key, value) = row?;
        report.rows += 1;
        match log.prints.get(&key) {
            Some(print) => {
                missing -= 1;
                if *print != sums::print(&key, &value) {
                    wrong.push(format!("an entry of {} is not what the log says", keys::first_name(&key)));
                }
            }
            None => wrong.push(format!("an entry of {} is not in the log", keys::first_name(&key))),
        }
    }
    if has_log && 0 < missing + wrong.len() {
        wrong.truncate(NAMED_MAX);
        let what = format!("{missing} entries are missing; {}", wrong.join("; "));
        return Err(JournalError::Damaged(what));
    }
    Ok(())
}

/// An index made from the log alone.
fn from_log(still: &Still, current: Current) -> MemoryIndex {
    let index = MemoryIndex::default();
    let apply = |frame: Frame| index.apply(&mut borrowed(&frame.edits));
    let dir = still.place.log(current.generation);
    let walked = walk(&*still.place.disk, &dir, [current.base; 2], apply);
    walked.expect("memory takes whatever it is given");
    index
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
