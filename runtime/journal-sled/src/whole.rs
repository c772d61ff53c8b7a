//! Whether an index holds all it should, beyond what the sums say.

use std::ops::ControlFlow;

use playhouse_core::{id::TaskId, session::SessionMeta};
use playhouse_ports::JournalError;

use crate::{
    envelope::Envelope,
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

/// Looks at everything: the records of every task, every session. What is in them stays closed.
pub(crate) fn records(view: View<'_>) -> Result<(), JournalError> {
    for row in view.rows(keys::HEADS) {
        let (key, bytes) = row?;
        let id = TaskId::new(keys::first_name(&key)).map_err(|error| damaged(&"a head", &error))?;
        task(view, &id, &bytes)?;
    }
    view.session_metas()?.iter().try_for_each(|meta| session(view, meta))
}

/// Looks at the records of a task with the stored head `head`.
pub(crate) fn task(view: View<'_>, task: &TaskId, head: &[u8]) -> Result<(), JournalError> {
    let head = values::head_from(task.as_str(), head)?;
    let end = view.live(task)?.map_or(head.next_seq, |live| live.head.next_seq);
    view.bundles(task, (0, end), |_, _| Ok(ControlFlow::Continue(())))
}

/// Looks at the turns and pinned messages of a session.
pub(crate) fn session(view: View<'_>, meta: &SessionMeta) -> Result<(), JournalError> {
    let SessionMeta { tenant, id, turns, .. } = meta;
    let what = format!("session {tenant}/{id}");
    let mut found = 0;
    let pinned = view.joined(&keys::pinned(tenant, id)).map(|row| (0, row));
    for (one, row) in pinned.chain(view.joined(&keys::turns(tenant, id)).map(|row| (1, row))) {
        Envelope::decode(&row?.1).map_err(|fault| damaged(&what, &fault))?;
        found += one;
    }
    if found != *turns {
        return Err(damaged(&what, &format!("it has {found} turns, not {turns}")));
    }
    Ok(())
}
