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
        let name = keys::first_name(&key);
        let head = values::head_from(&name, &bytes)?;
        let task = TaskId::new(name).map_err(|error| damaged(&"a head", &error))?;
        let end = view.live(&task)?.map_or(head.next_seq, |live| live.head.next_seq);
        view.bundles(&task, (0, end), |_, _| Ok(ControlFlow::Continue(())))?;
    }
    for SessionMeta { tenant, id, turns, .. } in view.session_metas()? {
        let what = format!("session {tenant}/{id}");
        let mut found = 0;
        let pinned = view.joined(&keys::pinned(&tenant, &id)).map(|row| (0, row));
        for (one, row) in pinned.chain(view.joined(&keys::turns(&tenant, &id)).map(|row| (1, row))) {
            Envelope::decode(&row?.1).map_err(|fault| damaged(&what, &fault))?;
            found += one;
        }
        if found != turns {
            return Err(damaged(&what, &format!("it has {found} turns, not {turns}")));
        }
    }
    Ok(())
}
