//! Whether an index holds all it should, beyond what the sums say.

use playhouse_core::id::TaskId;
use playhouse_ports::JournalError;

use crate::{
    keys,
    sums::Sums,
    values::{self, damaged},
    view::{LiveTask, View},
};

/// The open tasks, if they are those that the sums tell of.
pub(crate) fn open_tasks(view: View<'_>, sums: &Sums) -> Result<Vec<LiveTask>, JournalError> {
    let tasks = view.open_tasks()?;
    let mut found = Sums::default();
    tasks.iter().for_each(|task| found.change_open(None, Some(&task.hash)));
    if (found.open, found.open_sum) != (sums.open, sums.open_sum) {
        let why = format!("{} of them do not add up to the {} there were", found.open, sums.open);
        return Err(damaged(&"the index of open tasks", &why));
    }
    Ok(tasks)
}

/// Reads everything: the records of every task, every session.
pub(crate) fn records(view: View<'_>) -> Result<(), JournalError> {
    for row in view.rows(keys::HEADS) {
        let (key, bytes) = row?;
        let name = keys::first_name(&key);
        let head = values::head_from(&name, &bytes)?;
        let task = TaskId::new(name).map_err(|error| damaged(&"a head", &error))?;
        let end = view.live(&task)?.map_or(head.next_seq, |live| live.head.next_seq);
        view.records(&task, (0, end), usize::MAX)?;
    }
    for meta in view.session_metas()? {
        let session = view.session(&meta.tenant, &meta.id)?;
        let turns = session.map_or(0, |session| session.turns.len() as u64);
        if turns != meta.turns {
            let what = format!("session {}/{}", meta.tenant, meta.id);
            return Err(damaged(&what, &format!("it has {turns} turns, not {}", meta.turns)));
        }
    }
    Ok(())
}
