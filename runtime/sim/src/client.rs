//! Clients: they submit, retry, change their mind, follow what happens, and remember what they were told.
//!
//! A client outlives the process. When its connection breaks it does not know whether it was heard, so it
//! asks again, with the same idempotency key if it has one.

use std::time::Duration;

use futures_util::StreamExt;
use playhouse_actors::Runtime;
use playhouse_api::{ApiError, ApiErrorKind, Caller, EventStream, RuntimeApi, Submission, TaskEvent};
use playhouse_core::{
    id::{Seq, TaskId},
    task::{Event, Outcome, TaskView},
};

use crate::{
    oracle::{Broken, Invariant, ensure},
    plan::Wish,
    world::Process,
};

/// How long a client waits before it tries again.
const AGAIN_MS: u64 = 500;

/// One client, with what it remembers.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    wish: Wish,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug, Clone)]
enum Stage {
    /// It was not told that its task is accepted.
    Asking,
    /// It was, and has seen the events before `next`.
    Following { task: TaskId, next: Seq, cancel_at_ms: Option<u64> },
    /// It saw the end, and asks once more.
    Told { task: TaskId, outcome: Outcome },
    /// It has its answer.
    Answered,
}

impl Client {
    /// A client that has done nothing yet.
    pub(crate) fn new(wish: Wish) -> Self {
        Self { wish, stage: Stage::Asking }
    }

    /// Whether it has asked for the task `of`, which does `input`, and not heard its end.
    pub(crate) fn follows(&self, of: &TaskId, input: &str) -> bool {
        match &self.stage {
            Stage::Asking => self.wish.input == input,
            Stage::Following { task, .. } | Stage::Told { task, .. } => task == of,
            Stage::Answered => false,
        }
    }

    /// Whether it has its answer.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Answered)
    }
}

/// A client's connection to one life of the process.
pub(crate) struct Connection {
    pub(crate) process: Process,
    pub(crate) runtime: Runtime,
    pub(crate) client: usize,
}

/// The client's next attempt may do better.
struct TryAgain;

impl Connection {
    /// Pursues the client's wish until it has its answer, or the process dies.
    pub(crate) async fn pursue(self) {
        loop {
            let Client { wish, stage } = self.process.world.clients()[self.client].clone();
            let went = match stage {
                Stage::Asking => self.ask(&wish).await,
                Stage::Following { task, next, cancel_at_ms } => self.follow(&task, next, cancel_at_ms).await,
                Stage::Told { task, outcome } => self.conclude(&task, &outcome).await,
                Stage::Answered => return,
            };
            if let Err(TryAgain) = went {
                self.process.wait(AGAIN_MS).await;
            }
        }
    }

    fn remember(&self, stage: Stage) {
        self.process.world.clients()[self.client].stage = stage;
    }

    fn broken(&self, invariant: Invariant, what: String) {
        self.process.world.broken(Broken { invariant, what });
    }

    /// A request over a network that loses requests and answers.
    async fn send<T>(&self, request: impl Future<Output = T>) -> Result<T, TryAgain> {
        let (process, lost) = (&self.process, self.process.world.plan.rates.lost_message);
        process.latency().await;
        if process.fails(lost) {
            process.note(format_args!("client {} is not heard", self.client));
            return Err(TryAgain);
        }
        let answer = request.await;
        process.gate().await;
        process.latency().await;
        if process.fails(lost) {
            process.note(format_args!("client {} does not hear", self.client));
            return Err(TryAgain);
        }
        Ok(answer)
    }

    async fn ask(&self, wish: &Wish) -> Result<(), TryAgain> {
        let world = &self.process.world;
        self.process.wait(wish.at_ms.saturating_sub(world.now_ms())).await;
        let submission = Submission {
            agent: "assistant".into(),
            input: wish.input.clone(),
            session: wish.session.clone(),
            idempotency_key: wish.key.clone(),
            until_ms: wish.until_ms,
            ..Submission::default()
        };
        let answer = self.send(self.runtime.submit(&Caller::local(), submission)).await?;
        let task = self.accept(answer.map(|submitted| submitted.task.head.task))?;
        self.process.note(format_args!("client {} accepted {task}", self.client));
        world.check(world.oracle().accepted(&task));
        world.check(self.is_only_task(wish, &task));
        let cancel_at_ms = wish.cancel_after_ms.map(|after| world.now_ms() + after);
        self.remember(Stage::Following { task, next: 0, cancel_at_ms });
        Ok(())
    }

    /// With a key, however often it was sent, a wish is one task.
    fn is_only_task(&self, wish: &Wish, task: &TaskId) -> Result<(), Broken> {
        let oracle = self.process.world.oracle();
        let same = |input: &str| input == wish.input;
        let tasks: Vec<_> = oracle.inputs().filter(|(_, input)| same(input)).map(|(id, _)| id).collect();
        ensure(wish.key.is_none() || tasks == [task], Invariant::J5, || {
            format!("client {} was told of task {task}; its key made {tasks:?}", self.client)
        })
    }

    /// Refusals that may pass are tried again; others are bugs.
    fn accept<T>(&self, answer: Result<T, ApiError>) -> Result<T, TryAgain> {
        answer.map_err(|error| {
            let passing = [ApiErrorKind::TooBusy, ApiErrorKind::Unavailable, ApiErrorKind::StorageFull];
            if !passing.contains(&error.kind) {
                self.broken(Invariant::J5, format!("client {} was refused: {error:?}", self.client));
            }
            self.process.note(format_args!("client {} refused {:?}", self.client, error.kind));
            TryAgain
        })
    }

    async fn follow(&self, task: &TaskId, next: Seq, cancel_at_ms: Option<u64>) -> Result<(), TryAgain> {
        let caller = Caller::local();
        let answer = self.send(self.runtime.events(&caller, task, next, next.is_multiple_of(2))).await?;
        let mut events = self.accept(answer)?;
        let stage = |next, cancel_at_ms| Stage::Following { task: task.clone(), next, cancel_at_ms };
        let (mut next, mut cancel_at_ms) = (next, cancel_at_ms);
        loop {
            let event = match cancel_at_ms {
                Some(at_ms) => match self.event_or_time(&mut events, at_ms).await {
                    Some(event) => event,
                    None => {
                        self.cancel(task).await?;
                        cancel_at_ms = None;
                        self.remember(stage(next, None));
                        continue;
                    }
                },
                None => events.next().await,
            };
            self.process.gate().await;
            // A stream may end early; the client asks for the rest.
            let record = match self.accept(event.ok_or(TryAgain)?)? {
                TaskEvent::Delta { .. } | TaskEvent::Progress { .. } => continue,
                TaskEvent::Record(record) => record,
            };
            let world = &self.process.world;
            world.check(ensure(record.seq == next, Invariant::J5, || {
                format!("client {} was shown event {} instead of {next}", self.client, record.seq)
            }));
            world.check(world.oracle().shown(task, &record));
            next = record.seq + 1;
            self.remember(stage(next, cancel_at_ms));
            if let Event::Finished { outcome } = record.event {
                self.remember(Stage::Told { task: task.clone(), outcome });
                return Ok(());
            }
        }
    }

    /// The next event, or `None` when it is `at_ms`.
    async fn event_or_time(
        &self,
        events: &mut EventStream,
        at_ms: u64,
    ) -> Option<Option<Result<TaskEvent, ApiError>>> {
        let left = Duration::from_millis(at_ms.saturating_sub(self.process.world.now_ms()));
        tokio::time::timeout(left, events.next()).await.ok()
    }

    async fn cancel(&self, task: &TaskId) -> Result<(), TryAgain> {
        self.process.note(format_args!("client {} cancels {task}", self.client));
        self.process.world.oracle().cancels(task);
        let answer = self.send(self.runtime.cancel(&Caller::local(), task, "enough".into())).await?;
        self.accept(answer).map(drop)
    }

    /// What it saw last must be what it is told when it asks.
    async fn conclude(&self, task: &TaskId, outcome: &Outcome) -> Result<(), TryAgain> {
        let answer = self.send(self.runtime.task(&Caller::local(), task)).await?;
        let view = self.accept(answer)?;
        let world = &self.process.world;
        let same = fits(&view, outcome) && world.oracle().outcome(task) == Some(outcome);
        world.check(ensure(same, Invariant::J5, || {
            format!("client {} saw task {task} end as {outcome:?} and was told {view:?}", self.client)
        }));
        self.process.note(format_args!("client {} answered {:?}", self.client, view.head.status));
        self.remember(Stage::Answered);
        Ok(())
    }
}

/// Whether `view` says what `outcome` says.
fn fits(view: &TaskView, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done { output } => view.output.as_ref() == Some(output),
        Outcome::Failed { error } => view.error.as_ref() == Some(error),
        Outcome::Cancelled { reason } | Outcome::Quarantined { reason } => {
            view.reason.as_ref() == Some(reason)
        }
    }
}
