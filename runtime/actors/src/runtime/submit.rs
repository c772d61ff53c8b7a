//! Taking a task on: every check comes before any work, and the task is durable before the caller hears.

use std::sync::{Arc, Mutex, PoisonError};

use playhouse_api::{ApiError, ApiErrorKind, Caller, Submission, Submitted};
use playhouse_core::{
    admission::RETRY_AFTER_MS,
    digest,
    id::{TaskId, Tenant, check_sender_id},
    model::{ModelError, ModelErrorKind},
    task::{Lineage, Task, TaskSpec},
};
use playhouse_ports::{JournalError, Submission as Key};

use super::{Runtime, journal_error, no_answer};
use crate::{
    services::{CALL_TIMEOUT, ask},
    tasks::{NotAccepted, TasksMsg},
};

/// When to come back to a daemon that is stopping, in milliseconds: it is most likely being restarted, and that
/// takes some seconds.
const RESTART_MS: u64 = 5000;

/// Makes task ids: ULIDs, each larger than the one before, so that their order is the order of submission.
pub(crate) struct Ids {
    last: Mutex<Option<ulid::Ulid>>,
    /// Where their 80 random bits come from.
    random: Arc<dyn Fn() -> u128 + Send + Sync>,
}

impl Default for Ids {
    fn default() -> Self {
        Self::of(Arc::new(|| ulid::Ulid::generate().random()))
    }
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ids").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Ids {
    /// Ids whose random bits come from `random`.
    pub(crate) fn of(random: Arc<dyn Fn() -> u128 + Send + Sync>) -> Self {
        Self { last: Mutex::default(), random }
    }

    pub(super) fn next(&self, now_ms: u64) -> TaskId {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = ulid::Ulid::from_parts(now_ms, (self.random)());
        let id = match *last {
            // Same millisecond, or a clock that went back: count up.
            Some(last) if last >= fresh => last.increment().unwrap_or(fresh),
            _ => fresh,
        };
        *last = Some(id);
        TaskId::new(id.to_string()).expect("a ULID is letters and digits")
    }
}

impl Runtime {
    pub(super) async fn accept(
        &self,
        caller: &Caller,
        submission: Submission,
    ) -> Result<Submitted, ApiError> {
        self.check_input(&submission.input)?;
        let key = key(&caller.tenant, &submission)?;
        if let Some(earlier) = self.earlier(caller, key.as_ref()).await? {
            return Ok(earlier);
        }
        self.check_rest()?;
        let task = self.pin(caller, submission)?;
        self.check_fit(&task).await?;
        let view = task.view(task.spec().submitted_ms);
        let submit =
            |reply| TasksMsg::Submit { task: Box::new(task), events: Vec::new(), key: key.clone(), reply };
        match ask("the dispatcher", &self.services.tasks, submit).await.map_err(no_answer)? {
            Ok(()) => Ok(Submitted { task: view, replayed: false }),
            // A submission with the same key was faster.
            Err(NotAccepted::Journal(JournalError::KeyUsed { task, digest })) => {
                self.replay(caller, &task, &digest, key.as_ref()).await
            }
            Err(error) => Err(not_accepted(error)),
        }
    }

    /// Refuses every new task, submitted or forked, while the runtime comes to rest.
    pub(super) fn check_rest(&self) -> Result<(), ApiError> {
        if !self.services.drain.is_on() {
            return Ok(());
        }
        let message = "the daemon is stopping and takes no new task; try again when it is back";
        Err(ApiError::new(ApiErrorKind::Unavailable, message).retry_after(RESTART_MS))
    }

    pub(super) fn check_input(&self, input: &str) -> Result<(), ApiError> {
        let refuse = |kind, message: String| Err(ApiError::new(kind, message));
        let most = self.bounds.input_bytes;
        if input.trim().is_empty() {
            return refuse(ApiErrorKind::BadRequest, "`input` is empty: say what is wanted".into());
        }
        if input.len() > most {
            let message = format!("`input` has {} bytes; at most {most} are taken", input.len());
            return refuse(ApiErrorKind::TooLarge, message);
        }
        if let Some(at) = input.find('\0') {
            let message = format!("`input` holds a NUL character at byte {at}; send text");
            return refuse(ApiErrorKind::BadRequest, message);
        }
        Ok(())
    }

    fn pin(&self, caller: &Caller, submission: Submission) -> Result<Task, ApiError> {
        let catalog = &self.services.catalog;
        let Some(agent) = catalog.agent(&submission.agent) else {
            let known: Vec<_> = catalog.agents().map(|agent| agent.name.as_str()).collect();
            let message =
                format!("there is no agent `{}`; the agents are: {}", submission.agent, known.join(", "));
            return Err(ApiError::new(ApiErrorKind::NotFound, message));
        };
        let now_ms = self.services.ledger.clock.now_ms();
        Ok(Task::new(TaskSpec {
            id: self.ids.next(now_ms),
            tenant: caller.tenant.clone(),
            session: submission.session,
            topic: submission.topic,
            input: submission.input,
            pinned: catalog.pin(agent, &submission.limits),
            labels: submission.labels,
            submitted_ms: now_ms,
            until_ms: submission.until_ms,
            lineage: Lineage::default(),
        }))
    }

    /// Refuses a prompt that cannot fit the model. A token is at least a byte, so most prompts are known to
    /// fit without asking.
    async fn check_fit(&self, task: &Task) -> Result<(), ApiError> {
        let agent = &task.spec().pinned.agent;
        let model = &self.services.catalog.models[&agent.model];
        let context = model.info().context_tokens;
        let room = context.saturating_sub(agent.sampling.max_tokens);
        let request = task.request();
        let schemas: usize = request.tools.iter().map(|tool| tool.input_schema.to_string().len() + 256).sum();
        let bytes: usize = request.messages.iter().map(|message| message.text_bytes() + 32).sum();
        if bytes + schemas <= room as usize {
            return Ok(());
        }
        let counted = tokio::time::timeout(CALL_TIMEOUT, model.count_tokens(&request)).await;
        let too_slow = |_| Err(ModelError::new(ModelErrorKind::Timeout, "the model did not count in time"));
        match counted.unwrap_or_else(too_slow) {
            Ok(tokens) if tokens <= room => Ok(()),
            Ok(tokens) => Err(too_long(&agent.model, tokens, context, agent.sampling.max_tokens)),
            Err(ModelError { kind: ModelErrorKind::ContextOverflow, message, .. }) => {
                Err(ApiError::new(ApiErrorKind::BadRequest, message))
            }
            // A model that cannot count now will say so when it is asked; the task waits for it.
            Err(error) => {
                tracing::debug!(%error, model = agent.model, "prompt could not be counted");
                Ok(())
            }
        }
    }

    async fn earlier(&self, caller: &Caller, key: Option<&Key>) -> Result<Option<Submitted>, ApiError> {
        let Some(key) = key else { return Ok(None) };
        let used = self.services.ledger.journal.submission(&key.key).await.map_err(journal_error)?;
        let Some((task, digest)) = used else { return Ok(None) };
        self.replay(caller, &task, &digest, Some(key)).await.map(Some)
    }

    async fn replay(
        &self,
        caller: &Caller,
        task: &TaskId,
        digest: &str,
        key: Option<&Key>,
    ) -> Result<Submitted, ApiError> {
        if key.is_none_or(|key| key.digest != digest) {
            let message =
                format!("this idempotency key was used with other content, for task {task}; use a new key");
            return Err(ApiError::new(ApiErrorKind::Conflict, message));
        }
        let (task, updated_ms) = self.restore(caller, task).await?;
        Ok(Submitted { task: task.view(updated_ms), replayed: true })
    }
}

/// Why a new task, submitted or forked, was not taken in.
pub(super) fn not_accepted(error: NotAccepted) -> ApiError {
    match error {
        NotAccepted::Journal(error) => journal_error(error),
        error @ NotAccepted::TooBusy(_) => {
            ApiError::new(ApiErrorKind::TooBusy, error.to_string()).retry_after(RETRY_AFTER_MS)
        }
    }
}

fn too_long(model: &str, tokens: u32, context: u32, reserved: u32) -> ApiError {
    let message = format!(
        "the prompt has {tokens} tokens; model `{model}` holds {context}, of which {reserved} are kept for the \
         answer (`sampling.max_tokens`); shorten the input or use a model with a larger context"
    );
    ApiError::new(ApiErrorKind::BadRequest, message)
}

/// The key with its tenant, and a digest of everything that makes the task what it is.
fn key(tenant: &Tenant, submission: &Submission) -> Result<Option<Key>, ApiError> {
    let Some(key) = &submission.idempotency_key else { return Ok(None) };
    check_sender_id(key)
        .map_err(|bad| ApiError::new(ApiErrorKind::BadRequest, format!("the idempotency key {bad}")))?;
    Ok(Some(Key { key: format!("{tenant}/{key}"), digest: digest::of_json(submission) }))
}
