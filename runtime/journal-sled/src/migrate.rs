//! From format 1, where sled alone held the truth: `journal/1`, with one row for each record.
//!
//! Its rows are read as they are; only what start-up reads for parked tasks and what `forget` needs is added.

use std::{fs, path::PathBuf, sync::Arc};

use playhouse_core::id::TaskId;
use playhouse_ports::JournalError;

use crate::{
    error::disk,
    frame::At,
    generation::Builder,
    index::{Index, Refusal, Row, SledIndex},
    keys, mark,
    place::{Current, Place},
    stage::parked_rows,
    store::is_open,
    values::{self, damaged},
    view::View,
    whole,
};

fn old(place: &Place) -> PathBuf {
    place.dir.join("journal/1")
}

/// Whether there is a journal of format 1.
pub(crate) fn is_needed(place: &Place) -> bool {
    fs::exists(old(place).join("conf")).unwrap_or(false)
}

/// Makes generation 1 from it.
pub(crate) fn migrate(place: &Place) -> Result<Result<Current, JournalError>, Refusal> {
    let source = SledIndex::open(&old(place), place.options.cache_bytes)?;
    Ok(copy(place, &source))
}

fn copy(place: &Place, source: &SledIndex) -> Result<Current, JournalError> {
    let commits = source.get(keys::COMMITS)?.map_or(Ok(0), |bytes| values::old_commits_from(&bytes))?;
    let marked = mark::read(&old(place)).map_err(disk)?;
    if commits < marked {
        let lost = marked - commits;
        let what = format!(
            "the last {lost} of {marked} commits are missing (to go on without them, remove {})",
            old(place).join(mark::FILE).display()
        );
        return Err(JournalError::Damaged(what));
    }
    let mut builder = Builder::begin(place, 1, At::default())?;
    for row in View(source).range(keys::FIRST, keys::END) {
        let row = row?;
        values::check(&row)?;
        added(&row)?.into_iter().try_for_each(|row| builder.add(row))?;
        // An open task had its row also while it was parked.
        if is_wanted(source, &row)? {
            builder.add(row)?;
        }
    }
    builder.sync()?;
    // There is no second copy of these rows: damage must be named now, while the old files are there.
    let index = Arc::clone(&builder.index);
    whole::records(View(&*index))?;
    let mut sums = builder.sums;
    for task in View(&*index).open_tasks()? {
        sums.change_open(None, Some(&task.hash));
    }
    builder.finish(sums)?;
    Ok(builder.current)
}

/// Rows that follow from `row` and that format 1 did not have.
fn added((key, value): &Row) -> Result<Vec<Row>, JournalError> {
    match key.first() {
        Some(b'h') => {
            let head = values::head_from(&keys::first_name(key), value)?;
            let is_parked = !head.status.is_final() && !is_open(head.status);
            Ok(if is_parked { parked_rows(&head).collect() } else { Vec::new() })
        }
        Some(b'k') => {
            let hash = String::from_utf8_lossy(&key[1..]).into_owned();
            let used = values::used_from(&hash, value)?;
            Ok(vec![(keys::key_of(&used.task), hash.into_bytes())])
        }
        _ => Ok(Vec::new()),
    }
}

fn is_wanted(source: &SledIndex, (key, _): &Row) -> Result<bool, JournalError> {
    if !key.starts_with(keys::OPEN) {
        return Ok(true);
    }
    let name = keys::first_name(key);
    let task = TaskId::new(name).map_err(|error| damaged(&"the index of open tasks", &error))?;
    let head = View(source).head(&task)?;
    let missing = || damaged(&format!("the head of task {task}"), &"it is missing");
    Ok(is_open(head.ok_or_else(missing)?.status))
}

/// Removes what was migrated.
pub(crate) fn clean_up(place: &Place) {
    if let Err(error) = place.disk.remove(&old(place)) {
        tracing::warn!(%error, "the journal of the old format cannot be removed");
    }
}
