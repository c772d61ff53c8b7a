//! The journal as the actors reach it: a real one below, with waits, refusals and lost answers on the way,
//! and the oracle listening.

use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    message::Message,
    session::{Session, SessionMeta},
    task::{Event, Head, Outcome, Record},
};
use playhouse_journal_sled::SledJournal;
use playhouse_ports::{Batch, Context, HeldLane, Journal, JournalError};

use crate::{
    door::Door,
    panic::Injected,
    world::{Lie, Process},
};

/// The journal of one life.
#[derive(Clone)]
pub(crate) struct SimJournal {
    process: Process,
    door: Arc<Door>,
}

impl SimJournal {
    /// The journal behind `door`, as `process` reaches it.
    pub(crate) fn new(process: &Process, door: Arc<Door>) -> Self {
        Self { process: process.clone(), door }
    }

    /// A read that may fail, of a process that may be dead.
    async fn read<T>(
        &self,
        what: &str,
        reading: impl AsyncFnOnce(SledJournal) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.process.gate().await;
        if self.process.fails(self.process.world.plan.rates.unreadable) {
            self.process.note(format_args!("journal unreadable {what}"));
            self.process.latency().await;
            return Err(JournalError::Unavailable("a simulated failure".into()));
        }
        let read = reading(self.door.journal()?).await;
        self.process.gate().await;
        read
    }

    /// The tasks that are not over; what is not among them has ended, whether or not anybody was told.
    async fn open_tasks(&self, journal: &SledJournal) -> Result<Vec<Head>, JournalError> {
        let open = Journal::open(journal).await?;
        let unfinished = self.process.world.oracle().unfinished();
        for task in unfinished.iter().filter(|task| !open.iter().any(|head| head.task == **task)) {
            self.catch_up(journal, task, Seq::MAX).await;
        }
        Ok(open)
    }

    fn lies(&self, lie: Lie) -> bool {
        self.process.world.lie == Some(lie)
    }

    /// What of `batch` a lying journal writes.
    fn twisted(&self, batch: &Batch) -> Batch {
        let mut batch = batch.clone();
        if self.lies(Lie::ForgetsKeys) {
            batch.key = None;
        }
        if self.lies(Lie::ForgetsWakes) {
            (batch.wake, batch.asked) = (None, Vec::new());
        }
        if self.lies(Lie::ChangesHistory)
            && let Some(Event::Finished { outcome: Outcome::Done { output } }) =
                Arc::make_mut(&mut batch.records).last_mut().map(|record| &mut record.event)
        {
            output.push('?');
        }
        batch
    }

    fn refuse(&self) -> JournalError {
        self.process.world.chance(|rng| match rng.u32(..3) {
            0 => JournalError::Busy(1),
            1 => JournalError::Full("a simulated full disk".into()),
            _ => JournalError::Unavailable("a simulated failure".into()),
        })
    }

    /// Records may have been written in spite of an error, without anybody reading them since.
    async fn catch_up(&self, journal: &SledJournal, task: &TaskId, to: Seq) {
        let world = &self.process.world;
        let known = world.oracle().known(task);
        if known < to
            && let Ok(records) = journal.read(task, known, usize::MAX).await
            && !records.is_empty()
        {
            world.check(world.oracle().durable(task, &records));
        }
    }

    async fn commit(&self, batch: Batch) -> Result<(), JournalError> {
        let (process, world) = (&self.process, &self.process.world);
        let (task, first) = (batch.head.task.clone(), batch.head.next_seq - batch.records.len() as Seq);
        let records = batch.records.clone();
        if self.lies(Lie::AcknowledgesEarly) {
            world.check(world.oracle().durable(&task, &records));
        }
        if self.lies(Lie::DispatchesEarly) {
            return Ok(());
        }
        process.latency().await;
        let journal = self.door.journal()?;
        let done = journal.append(self.twisted(&batch)).await;
        process.gate().await;
        process.note(format_args!("append {task} {first} +{} {}", records.len(), verdict(&done)));
        match &done {
            Ok(()) => {
                self.catch_up(&journal, &task, first).await;
                world.check(world.oracle().durable(&task, &records));
            }
            Err(JournalError::Fenced { actual, .. }) => self.catch_up(&journal, &task, *actual).await,
            Err(_) => {}
        }
        done
    }
}

/// Whether a planner writes this. A planner may die of anything; the dispatcher's jobs, which take tasks on and
/// end those without a planner, have no supervisor to start them again.
fn is_planners(batch: &Batch) -> bool {
    let by_dispatcher = |record: &Record| match &record.event {
        Event::Submitted(_) | Event::CancelRequested { .. } => true,
        Event::Finished { outcome } => matches!(outcome, Outcome::Quarantined { .. }),
        _ => false,
    };
    !batch.records.iter().any(by_dispatcher)
}

fn verdict(done: &Result<(), JournalError>) -> &'static str {
    match done {
        Ok(()) => "ok",
        Err(JournalError::Fenced { .. }) => "fenced",
        Err(JournalError::KeyUsed { .. }) => "key used",
        Err(JournalError::Full(_)) => "full",
        Err(JournalError::Damaged(_)) => "damaged",
        Err(JournalError::Erased(_)) => "erased",
        Err(JournalError::Newer(_)) => "newer",
        Err(JournalError::Busy(_)) => "busy",
        Err(JournalError::Unavailable(_)) => "unavailable",
    }
}

#[async_trait]
impl Journal for SimJournal {
    async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        let (process, rates) = (&self.process, &self.process.world.plan.rates);
        process.gate().await;
        // Nothing has waited yet: the clock shows what it showed to whoever decided this.
        process.world.oracle().tries(&batch, process.clock_ms());
        if process.fails(rates.refusal) {
            process.note(format_args!("append {} refused", batch.head.task));
            process.latency().await;
            return Err(self.refuse());
        }
        if is_planners(&batch) && process.fails(rates.journal_panic) {
            process.note(format_args!("append {} panics", batch.head.task));
            Injected::panic();
        }
        self.commit(batch).await?;
        process.latency().await;
        if process.fails(rates.lost_ack) {
            process.note(format_args!("answer lost"));
            return Err(JournalError::Unavailable("the answer was lost".into()));
        }
        Ok(())
    }

    async fn read(&self, task: &TaskId, from: Seq, max: usize) -> Result<Vec<Record>, JournalError> {
        let world = &self.process.world;
        let was_gone = world.oracle().gone.is_gone(task);
        let records = self.read("records", async |journal| journal.read(task, from, max).await).await?;
        world.check(world.oracle().gone.shown(task, was_gone && !records.is_empty()));
        world.check(world.oracle().durable(task, &records));
        Ok(records)
    }

    async fn head(&self, task: &TaskId) -> Result<Option<Head>, JournalError> {
        let world = &self.process.world;
        let was_gone = world.oracle().gone.is_gone(task);
        let head = self.read("head", async |journal| journal.head(task).await).await?;
        world.check(world.oracle().gone.shown(task, was_gone && head.is_some()));
        Ok(head)
    }

    async fn heads(&self, before: Option<&TaskId>, max: usize) -> Result<Vec<Head>, JournalError> {
        self.read("heads", async |journal| journal.heads(before, max).await).await
    }

    async fn open(&self) -> Result<Vec<Head>, JournalError> {
        let mut open = self.read("open", async |journal| self.open_tasks(&journal).await).await?;
        if self.lies(Lie::ForgetsOpenTasks) {
            open.clear();
        }
        if self.lies(Lie::ForgetsSessions) {
            open.iter_mut().for_each(|head| head.session = None);
        }
        Ok(open)
    }

    async fn due(&self, until_ms: u64, max: usize) -> Result<Vec<(u64, TaskId)>, JournalError> {
        if self.lies(Lie::NeverRings) {
            return Ok(Vec::new());
        }
        self.read("due", async |journal| journal.due(until_ms, max).await).await
    }

    async fn lanes(&self) -> Result<Vec<HeldLane>, JournalError> {
        self.read("lanes", async |journal| journal.lanes().await).await
    }

    async fn wakes(&self) -> Result<Vec<TaskId>, JournalError> {
        self.read("wakes", async |journal| journal.wakes().await).await
    }

    async fn forget(&self, task: &TaskId) -> Result<bool, JournalError> {
        let world = &self.process.world;
        self.process.gate().await;
        // Its end may have been written by an append that was answered with an error, and read by whoever forgets it.
        if world.oracle().unfinished().contains(task)
            && let Ok(journal) = self.door.journal()
        {
            self.catch_up(&journal, task, Seq::MAX).await;
        }
        world.check(world.oracle().forgets(task));
        let gone = match self.lies(Lie::ForgetsNothing) {
            true => true,
            false => self.read("forget", async |journal| journal.forget(task).await).await?,
        };
        world.oracle().forgot(task);
        self.process.note(format_args!("forgotten {task}"));
        Ok(gone)
    }

    async fn submission(&self, key: &str) -> Result<Option<(TaskId, String)>, JournalError> {
        self.read("submission", async |journal| journal.submission(key).await).await
    }
}

#[async_trait]
impl Context for SimJournal {
    async fn session(&self, tenant: &Tenant, id: &SessionId) -> Result<Option<Session>, JournalError> {
        self.read("session", async |journal| journal.session(tenant, id).await).await
    }

    async fn sessions(&self) -> Result<Vec<SessionMeta>, JournalError> {
        self.read("sessions", async |journal| journal.sessions().await).await
    }

    async fn touch(&self, tenant: &Tenant, id: &SessionId, now_ms: u64) -> Result<(), JournalError> {
        self.read("touch", async |journal| journal.touch(tenant, id, now_ms).await).await
    }

    async fn pin(
        &self,
        tenant: &Tenant,
        id: &SessionId,
        pinned: Vec<Message>,
        now_ms: u64,
    ) -> Result<(), JournalError> {
        self.read("pin", async |journal| journal.pin(tenant, id, pinned, now_ms).await).await
    }

    async fn drop_topic(&self, tenant: &Tenant, id: &SessionId, topic: &str) -> Result<usize, JournalError> {
        self.read("drop topic", async |journal| journal.drop_topic(tenant, id, topic).await).await
    }

    async fn delete(&self, tenant: &Tenant, id: &SessionId) -> Result<bool, JournalError> {
        self.read("delete", async |journal| journal.delete(tenant, id).await).await
    }
}
