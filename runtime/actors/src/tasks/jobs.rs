//! The dispatcher's slow work: making a submission durable, and ending a task that has no planner.

use std::{iter, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use playhouse_core::{
    id::{Seq, TaskId},
    labels::Labels,
    task::{
        ChildOrder, Effect, Event, Head, Input, Outcome, Record, Refusal, Spent, Status, Step, Task,
        TaskError, TaskErrorKind,
    },
};
use playhouse_ports::{
    Batch, JournalError, Submission,
    crash::{Point, around},
};
use playhouse_supervise::tell;
use ractor::{ActorProcessingErr, ActorRef, RpcReplyPort};

use super::{Ended, NotAccepted, TasksMsg};
use crate::{
    ledger::Note,
    llm_backend::{Asker, LlmBackendMsg},
    planner::{Delivery, append, batch, patiently, restore},
    services::Services,
    tool_executor::ToolExecutorMsg,
};

/// Between two looks at a journal that does not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Deadlines the dispatcher is told at once: few enough for a short message, enough not to disturb it often.
const DEADLINES_PAGE: usize = 256;

/// Makes `task` durable and answers its caller; the dispatcher hears first, so that whatever the caller
/// sends next finds the task known. `shared` is the history of a fork.
pub(super) async fn submit(
    services: Arc<Services>,
    dispatcher: ActorRef<TasksMsg>,
    task: Task,
    shared: Vec<Event>,
    key: Option<Submission>,
    reply: RpcReplyPort<Result<(), NotAccepted>>,
) {
    // The dispatcher keeps a place and what comes for the task until it hears, so it must hear of a bug, too.
    let written = AssertUnwindSafe(write_submission(&services, &task, shared, key)).catch_unwind().await;
    let bug = |_| Err(JournalError::Unavailable("writing the task ran into a bug".into()));
    let answer = written.unwrap_or_else(bug);
    let accepted = match &answer {
        Ok(()) => true,
        // The caller hears at once. Whether the task was written in spite of the error is another
        // question, and one that only the journal can answer.
        Err(JournalError::Full(_) | JournalError::Unavailable(_)) => {
            // crash: a refusal, not an acknowledgement.
            let _ = reply.send(answer.map_err(NotAccepted::Journal));
            let written = was_written(&services, &task.spec().id).await;
            return report(&dispatcher, task, written);
        }
        Err(_) => false,
    };
    report(&dispatcher, task, accepted);
    let _ = around(Point::Acknowledge, || reply.send(answer.map_err(NotAccepted::Journal)));
}

async fn write_submission(
    services: &Services,
    task: &Task,
    shared: Vec<Event>,
    key: Option<Submission>,
) -> Result<(), JournalError> {
    let submitted = Event::Submitted(Box::new(task.spec().clone()));
    let events = iter::once(submitted).chain(shared).collect();
    let batch = Batch { key, ..batch(task, 0, events, task.spec().submitted_ms) };
    services.ledger.append(batch).await
}

/// Tells the dispatcher whether there is a new task.
fn report(dispatcher: &ActorRef<TasksMsg>, task: Task, accepted: bool) {
    // Fails only when the dispatcher is gone; its successor finds the task in the journal.
    let heard = match accepted {
        true => TasksMsg::Durable(Box::new(task)),
        false => TasksMsg::NotMade(task.spec().id.clone(), None),
    };
    let _ = tell(dispatcher, heard);
}

/// Makes the task that another ordered, or tells the parent how it ended: orders are given again after every
/// crash, and the end may have been missed.
pub(super) async fn spawn_child(services: Arc<Services>, dispatcher: ActorRef<TasksMsg>, order: ChildOrder) {
    let (child, parent) = (order.task.clone(), order.lineage.parent.clone());
    // The dispatcher keeps what comes for the child until it hears, so it must hear of a bug, too.
    let ended = match AssertUnwindSafe(make_child(&services, order)).catch_unwind().await {
        Ok(Ok(Made::New(task))) => return report(&dispatcher, *task, true),
        // After a bug nobody knows whether it was written: its parent asks again when it is started again.
        Ok(Ok(Made::Running)) | Err(_) => None,
        Ok(Ok(Made::Over(outcome, spent))) => Some((outcome, spent)),
        Ok(Err(message)) => {
            let error = TaskError { kind: TaskErrorKind::NotMade, message };
            Some((Outcome::Failed { error }, Spent::default()))
        }
    };
    let ended = ended
        .zip(parent)
        .map(|((outcome, spent), parent)| Box::new(Ended { parent, child: child.clone(), outcome, spent }));
    // Fails only when the dispatcher is gone; its successor's planners order again.
    let _ = tell(&dispatcher, TasksMsg::NotMade(child, ended));
}

enum Made {
    New(Box<Task>),
    Running,
    Over(Outcome, Spent),
}

async fn make_child(services: &Services, order: ChildOrder) -> Result<Made, String> {
    let ledger = &services.ledger;
    let head = patiently(&order.task, || ledger.journal.head(&order.task)).await;
    if let Some(head) = head.map_err(|error| error.to_string())? {
        return found(services, &head).await;
    }
    let task = Task::new(services.child_spec(&order)?);
    match patiently(&order.task, || write_submission(services, &task, Vec::new(), None)).await {
        Ok(()) => Ok(Made::New(Box::new(task))),
        // It was written after all, by a try whose answer was lost. Nobody has it yet: it was not there before.
        Err(JournalError::Fenced { .. }) => {
            let task = restore(&*ledger.journal, &order.task).await.map_err(|error| error.to_string())?;
            Ok(Made::New(Box::new(task)))
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn found(services: &Services, head: &Head) -> Result<Made, String> {
    if !head.status.is_final() {
        return Ok(Made::Running);
    }
    let task = restore(&*services.ledger.journal, &head.task).await.map_err(|error| error.to_string())?;
    Ok(task.outcome().map_or(Made::Running, |outcome| Made::Over(outcome.clone(), task.spent())))
}

/// Looks for a task that the dispatcher does not know: it is parked, or over. One that has not begun gets its
/// input written; it must not run before its turn. For all others a planner is needed.
pub(super) async fn find(
    services: Arc<Services>,
    dispatcher: ActorRef<TasksMsg>,
    id: TaskId,
    delivery: Delivery,
) {
    // As above: the dispatcher must hear of a bug. Whoever waits is told by the dropped reply.
    let looked = patiently(&id, || services.ledger.journal.head(&id));
    let Ok(head) = AssertUnwindSafe(looked).catch_unwind().await else {
        return drop(tell(&dispatcher, TasksMsg::Written(id, None)));
    };
    match head {
        // Nothing is owed to it: waking it would only make it say again that it is over, to others who are.
        Ok(None) => delivery.answer(Err(Refusal::Over)),
        Ok(Some(head)) if head.status.is_final() => delivery.answer(Err(Refusal::Over)),
        Ok(Some(Head { unbegun: true, .. })) => return write(services, dispatcher, id, delivery).await,
        Ok(Some(_)) | Err(_) => return drop(tell(&dispatcher, TasksMsg::Found(id, delivery))),
    }
    // Fails only when the dispatcher is gone; whoever waits is told by the dropped reply.
    let _ = tell(&dispatcher, TasksMsg::Written(id, None));
}

/// Writes an input to a task that has not begun.
pub(super) async fn write(
    services: Arc<Services>,
    dispatcher: ActorRef<TasksMsg>,
    id: TaskId,
    delivery: Delivery,
) {
    // The dispatcher holds the task until it hears, so it must hear of a bug, too.
    let written = AssertUnwindSafe(write_input(&services, &id, &delivery.input)).catch_unwind().await;
    let task = match written.unwrap_or_else(|_| Err("writing to the task ran into a bug".into())) {
        Ok(Some((task, answer))) => {
            delivery.answer(answer);
            task
        }
        // It has begun meanwhile: what follows from an input is a planner's to do.
        Ok(None) => return drop(tell(&dispatcher, TasksMsg::Found(id, delivery))),
        Err(error) => {
            // Whoever waits is told by the dropped reply.
            tracing::warn!(task = %id, %error, "nothing could be written to a waiting task");
            None
        }
    };
    let _ = tell(&dispatcher, TasksMsg::Written(id, task));
}

/// Reads when the time of each of these waiting tasks is up, one after the other: there may be ten thousand,
/// and others read, too.
pub(super) async fn deadlines(services: Arc<Services>, dispatcher: ActorRef<TasksMsg>, waiting: Vec<TaskId>) {
    for page in waiting.chunks(DEADLINES_PAGE) {
        let mut found = Vec::new();
        for id in page {
            // One that cannot be read is dealt with when its turn comes.
            if let Ok(task) = restore(&*services.ledger.journal, id).await {
                found.push((id.clone(), task.deadline_ms()));
            }
        }
        // Fails only when the dispatcher is gone; its successor reads them, too.
        let _ = tell(&dispatcher, TasksMsg::Deadlines(found));
    }
}

/// How a task stands after something was written to it, if somebody must act on that; and what the sender is told.
type Change = (Option<Box<Task>>, Result<(), Refusal>);

/// `None`: the task has begun, and nothing was written.
async fn write_input(
    services: &Services,
    id: &TaskId,
    input: &Input,
) -> Result<Option<Change>, ActorProcessingErr> {
    let ledger = &services.ledger;
    let mut task = restore(&*ledger.journal, id).await?;
    let before = task.head(ledger.clock.now_ms());
    if !before.unbegun && !before.status.is_final() {
        return Ok(None);
    }
    let answer = task.accepts(ledger.clock.now_ms(), input);
    if answer.is_ok() {
        let (first, now_ms) = (task.next_seq(), ledger.clock.now_ms());
        let events = task.step(now_ms, input.clone()).events;
        if !events.is_empty() {
            match append(ledger, batch(&task, first, events.clone(), now_ms)).await {
                // A try whose answer was lost may have written it after all.
                Err(JournalError::Fenced { .. }) if was_appended(services, id, first, &events).await? => {}
                written => written?,
            }
        }
    }
    // One that was found waiting may be known to nobody: a write before this one may have ended in an error.
    let is_told = task.status() != before.status || task.status() == Status::Queued;
    Ok(Some((is_told.then(|| Box::new(task)), answer)))
}

/// Whether the journal of a task has `events` from position `first` on.
async fn was_appended(
    services: &Services,
    id: &TaskId,
    first: Seq,
    events: &[Event],
) -> Result<bool, JournalError> {
    let records = patiently(id, || services.ledger.journal.read(id, first, events.len())).await?;
    Ok(records.iter().map(|record| &record.event).eq(events))
}

/// Asks until the journal answers: a task that is there must run, whoever was told otherwise.
async fn was_written(services: &Services, task: &TaskId) -> bool {
    loop {
        match services.ledger.journal.head(task).await {
            Ok(head) => return head.is_some(),
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// Ends a task that has no planner, if `input` does, and stops what its last one left running. When another
/// planner writes at the same time, one of the two is fenced off; this one then looks again.
pub(super) async fn end(services: Arc<Services>, dispatcher: ActorRef<TasksMsg>, id: TaskId, input: Input) {
    let ended = loop {
        // The bug that kept killing its planner may be in the very code that ends a task.
        match AssertUnwindSafe(try_to_end(&services, &id, input.clone())).catch_unwind().await {
            Ok(Err(JournalError::Fenced { .. })) => {}
            Ok(ended) => break ended,
            Err(_) => break seal(&services, &id, twice_over(&input)).await,
        }
    };
    if let Err(error) = &ended {
        tracing::error!(task = %id, %error, "task could not be ended and is left as it is; the next start tries again");
    }
    // Watchers may have missed the note of a last append whose answer was lost.
    services.ledger.tell(&id, || Note::Appended(Arc::default()));
    let heard = match restore(&*services.ledger.journal, &id).await {
        // The clock went back, or it has something to take back first: it waits on.
        Ok(task) if ended.is_ok() && task.outcome().is_none() => TasksMsg::Written(id, Some(Box::new(task))),
        Ok(task) => {
            let ended = Ended::of(&task);
            TasksMsg::Concluded(id, ended.map(Box::new))
        }
        // Its parent's next planner finds the end by itself.
        Err(_) => TasksMsg::Concluded(id, None),
    };
    // Fails only when the dispatcher is gone.
    let _ = tell(&dispatcher, heard);
}

/// Why a task is sealed whose end ran into a bug.
fn twice_over(input: &Input) -> String {
    match input {
        Input::Quarantine { reason } => format!("{reason}; ending the task ran into a bug as well"),
        _ => "ending the task ran into a bug; the log says where".into(),
    }
}

async fn try_to_end(services: &Services, id: &TaskId, input: Input) -> Result<(), JournalError> {
    let ledger = &services.ledger;
    let mut task = match restore(&*ledger.journal, id).await {
        Ok(task) => task,
        Err(error) => {
            tracing::error!(task = %id, %error, "the journal of this task cannot be replayed");
            return match error.downcast_ref::<JournalError>() {
                // Its own version goes on with it.
                Some(newer @ JournalError::Newer(_)) => Err(newer.clone()),
                _ => seal(services, id, error.to_string()).await,
            };
        }
    };
    let (first, now_ms) = (task.next_seq(), ledger.clock.now_ms());
    let alias = task.spec().pinned.agent.model.clone();
    let Step { events, effects } = task.step(now_ms, input);
    if !events.is_empty() {
        append(ledger, batch(&task, first, events, now_ms)).await?;
    }
    for effect in effects {
        match effect {
            // crash: an abort that is lost costs a call that nobody waits for.
            Effect::AbortModel => services.cast_model(&alias, LlmBackendMsg::Abort(Asker::Task(id.clone()))),
            Effect::AbortTool(effect_id) => services.cast_tools(ToolExecutorMsg::Abort(effect_id)),
            Effect::CancelChild(child) => services.cast_tasks(TasksMsg::CancelChild(child)),
            _ => {}
        }
    }
    Ok(())
}

/// Closes a journal that cannot be replayed, so that nobody waits for its task for ever.
async fn seal(services: &Services, id: &TaskId, reason: String) -> Result<(), JournalError> {
    let ledger = &services.ledger;
    let head = patiently(id, || ledger.journal.head(id)).await?;
    let Some(head) = head.filter(|head| !head.status.is_final()) else {
        return Ok(());
    };
    let (now_ms, seq) = (ledger.clock.now_ms(), head.next_seq);
    let record = Record {
        seq,
        epoch: head.epoch,
        at_ms: now_ms,
        tenant: head.tenant.clone(),
        labels: Labels::default(),
        event: Event::Finished { outcome: Outcome::Quarantined { reason } },
    };
    let head = Head { status: Status::Quarantined, next_seq: seq + 1, updated_ms: now_ms, ..head };
    append(ledger, Batch::of(head, vec![record])).await
}
