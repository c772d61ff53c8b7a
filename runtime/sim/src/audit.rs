//! After a restart, before anything runs: is everything there that was promised?

use playhouse_core::{id::TaskId, task::Head};
use playhouse_journal_sled::SledJournal;
use playhouse_ports::{Context, Journal, JournalError};

use crate::{
    oracle::{Broken, Invariant, ensure},
    world::Process,
};

/// Records and heads read at once.
const PAGE: usize = 64;

/// Compares all that `journal` holds with what the oracle knows, and adopts what was in flight.
pub(crate) async fn audit(process: &Process, journal: &SledJournal) -> Result<(), JournalError> {
    let world = &process.world;
    let mut heads = Vec::<Head>::new();
    loop {
        let page = journal.heads(heads.last().map(|head| &head.task), PAGE).await?;
        let is_last = page.len() < PAGE;
        heads.extend(page);
        if is_last {
            break;
        }
    }
    for head in &heads {
        let is_gone = world.oracle().gone.is_gone(&head.task);
        world.check(world.oracle().gone.shown(&head.task, is_gone));
        let records = records(journal, &head.task).await?;
        world.check(records.and_then(|records| world.oracle().durable(&head.task, &records)));
        world.check(world.oracle().head(head));
    }
    process.note(format_args!("audit finds {} tasks", heads.len()));
    let known: Vec<_> =
        world.oracle().tasks.iter().map(|(id, known)| (id.clone(), known.records.len())).collect();
    for (task, records) in known {
        let found = heads.iter().find(|head| head.task == task).map_or(0, |head| head.next_seq);
        if found == 0 && world.oracle().gone.may_be_gone(&task) {
            world.oracle().forgot(&task);
            continue;
        }
        world.check(ensure(found == records as u64, Invariant::J4, || {
            format!("task {task} had {records} acknowledged records, {found} are left")
        }));
    }
    let open = Journal::open(journal).await?.len();
    let left = world.oracle().at_work();
    world.check(ensure(open == left, Invariant::J4, || {
        format!("{left} tasks are at work, {open} are listed")
    }));
    let turns = world.oracle().turns();
    for (tenant, session, task) in turns {
        let found = journal.session(&tenant, &session).await?;
        let has = found.is_some_and(|session| session.turns.iter().any(|turn| turn.task == task));
        world.check(ensure(has, Invariant::J4, || format!("session {session} lost the turn of task {task}")));
    }
    Ok(())
}

/// The whole journal of `task`, gapless from 0.
async fn records(
    journal: &SledJournal,
    task: &TaskId,
) -> Result<Result<Vec<playhouse_core::task::Record>, Broken>, JournalError> {
    let mut records = Vec::new();
    loop {
        let page = journal.read(task, records.len() as u64, PAGE).await?;
        let is_last = page.len() < PAGE;
        records.extend(page);
        if is_last {
            let gapless = records.iter().zip(0..).all(|(record, seq)| record.seq == seq);
            let whole = ensure(gapless, Invariant::J4, || format!("the records of task {task} have a gap"));
            return Ok(whole.map(|()| records));
        }
    }
}
