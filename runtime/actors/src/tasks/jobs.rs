//! The dispatcher's slow work: making a submission durable, and ending a task that has no planner.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use playhouse_core::{
    id::TaskId,
    labels::Labels,
    task::{Effect, Event, Head, Input, Outcome, Record, Status, Step, Task},
};
use playhouse_ports::{Batch, JournalError, Submission};
use playhouse_supervise::tell;
use ractor::{ActorRef, RpcReplyPort};

use super::{NotAccepted, TasksMsg};
use crate::{
    llm_backend::LlmBackendMsg,
    planner::{append, batch, restore},
    services::Services,
    tool_executor::ToolExecutorMsg,
};

/// Between two looks at a journal that does not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Makes `task` durable and answers its caller; then the dispatcher hears how it went.
pub(super) async fn submit(
    services: Arc<Services>,
    dispatcher: ActorRef<TasksMsg>,
    task: Task,
    key: Option<Submission>,
    reply: RpcReplyPort<Result<(), NotAccepted>>,
) {
    let ledger = &services.ledger;
    let submitted = Event::Submitted(Box::new(task.spec().clone()));
    let batch = Batch { key, ..batch(&task, 0, vec![submitted], task.spec().submitted_ms) };
    let accepted = match ledger.append(batch).await {
        Ok(()) => {
            let _ = reply.send(Ok(()));
            true
        }
        Err(error) => {
            // The caller hears at once. Whether the task was written in spite of the error is another
            // question, and one that only the journal can answer.
            let unsure = matches!(error, JournalError::Full(_) | JournalError::Unavailable(_));
            let _ = reply.send(Err(NotAccepted::Journal(error)));
            unsure && was_written(&services, &task.spec().id).await
        }
    };
    // Fails only when the dispatcher is gone; its successor finds the task in the journal.
    let heard = if accepted { TasksMsg::Durable(Box::new(task)) } else { TasksMsg::Refused };
    let _ = tell(&dispatcher, heard);
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

/// Ends a task that has no planner, and stops what its last one left running. When another planner writes
/// at the same time, one of the two is fenced off; this one then looks again.
pub(super) async fn end(services: Arc<Services>, dispatcher: ActorRef<TasksMsg>, id: TaskId, input: Input) {
    let ended = loop {
        // The bug that kept killing its planner may be in the very code that ends a task.
        match AssertUnwindSafe(try_to_end(&services, &id, input.clone())).catch_unwind().await {
            Ok(Err(JournalError::Fenced { .. })) => {}
            Ok(ended) => break ended,
            Err(_) => break seal(&services, &id, twice_over(&input)).await,
        }
    };
    if let Err(error) = ended {
        tracing::error!(task = %id, %error, "task could not be ended; the next start tries again");
    }
    // Fails only when the dispatcher is gone.
    let _ = tell(&dispatcher, TasksMsg::Concluded(id));
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
            return seal(services, id, error.to_string()).await;
        }
    };
    let first = task.next_seq();
    let alias = task.spec().pinned.agent.model.clone();
    let Step { events, effects } = task.step(input);
    if !events.is_empty() {
        append(ledger, batch(&task, first, events, ledger.clock.now_ms())).await?;
    }
    for effect in effects {
        match effect {
            Effect::AbortModel => services.cast_model(&alias, LlmBackendMsg::Abort(id.clone())),
            Effect::AbortTool(effect_id) => services.cast_tools(ToolExecutorMsg::Abort(effect_id)),
            _ => {}
        }
    }
    Ok(())
}

/// Closes a journal that cannot be replayed, so that nobody waits for its task for ever.
async fn seal(services: &Services, id: &TaskId, reason: String) -> Result<(), JournalError> {
    let ledger = &services.ledger;
    let Some(head) = ledger.journal.head(id).await?.filter(|head| !head.status.is_final()) else {
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
