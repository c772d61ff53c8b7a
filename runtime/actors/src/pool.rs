//! A queue with permits: so many calls run at once, the rest wait in order.
//!
//! ```text
//! planner ──Do──▶ Pool ──job──▶ Calls::run (a model, a tool)
//!    ▲        queue │ permits        │
//!    └─── Promise ──┴────────────────┘
//! ```
//!
//! What a call is, and what it does, is said by [`Calls`]. A call that nobody waits for any more is dropped
//! from the queue, or aborted: whoever performs it sees its future dropped.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Debug,
    hash::Hash,
};

use playhouse_supervise::{note, tell};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

/// Tells whoever waits for a call how it ended.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// One kind of call, and what it takes to make it.
pub(crate) trait Calls: Clone + Debug + Send + Sync + 'static {
    /// Names a call. Two of one name never run at once: the second ends the first.
    type Id: Clone + Debug + Eq + Hash + Send + Sync + 'static;
    /// One call on its way, with the promise to its answer.
    type Call: Debug + Send + 'static;
    /// What a call holds on to until its answer is given.
    type Hold: Send + 'static;
    /// Calls that may wait.
    const WAITING_MAX: usize;

    /// Calls that run at once.
    fn permits(&self) -> usize;
    /// The name of `call`.
    fn id(call: &Self::Call) -> Self::Id;
    /// The span of `call`.
    fn span(&self, call: &Self::Call) -> tracing::Span;
    /// Answers a call that finds [`WAITING_MAX`](Self::WAITING_MAX) others waiting.
    fn refuse(call: Self::Call);
    /// What `call` holds on to if it begins now; `None` if it may not.
    fn begin(&self, call: &Self::Call) -> Option<Self::Hold>;
    /// Makes the call. What it returns is called once its permit is free, so that whoever acts on the answer
    /// finds it so.
    fn run(self, call: Self::Call) -> impl Future<Output = Answer> + Send;
}

/// What may arrive in a pool's mailbox.
#[derive(Debug)]
pub(crate) enum PoolMsg<Call, Id> {
    /// Make this call.
    Do(Call),
    /// Nobody waits for this call any more.
    Abort(Id),
    /// Sent by the pool's own jobs.
    Ended(Id, u64),
}

/// The messages of a pool of `C`.
pub(crate) type MsgOf<C> = PoolMsg<<C as Calls>::Call, <C as Calls>::Id>;

/// Makes calls of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Pool<C>(pub(crate) C);

/// Calls that wait and calls that run.
#[derive(Debug)]
pub(crate) struct PoolState<C: Calls> {
    waiting: VecDeque<C::Call>,
    /// With the number of the call: one may be made again while the one before it is still ending.
    running: HashMap<C::Id, (u64, AbortHandle)>,
    calls: u64,
    jobs: JoinSet<()>,
}

impl<C: Calls> Actor for Pool<C> {
    type Msg = MsgOf<C>;
    type State = PoolState<C>;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<PoolState<C>, ActorProcessingErr> {
        Ok(PoolState { waiting: VecDeque::new(), running: HashMap::new(), calls: 0, jobs: JoinSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PoolState<C>,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        match message {
            PoolMsg::Do(call) if state.waiting.len() >= C::WAITING_MAX => C::refuse(call),
            PoolMsg::Do(call) => state.waiting.push_back(call),
            PoolMsg::Abort(id) => {
                state.waiting.retain(|call| C::id(call) != id);
                if let Some((_, job)) = state.running.remove(&id) {
                    job.abort();
                }
            }
            PoolMsg::Ended(id, call) => {
                if state.running.get(&id).is_some_and(|(running, _)| *running == call) {
                    state.running.remove(&id);
                }
            }
        }
        while state.running.len() < self.0.permits() {
            let Some(call) = state.waiting.pop_front() else { break };
            let Some(hold) = self.0.begin(&call) else {
                state.waiting.push_front(call); // It is made after the next start.
                break;
            };
            self.start(&myself, state, call, hold);
        }
        note(&myself, &[("running", state.running.len()), ("waiting", state.waiting.len())]);
        Ok(())
    }
}

impl<C: Calls> Pool<C> {
    fn start(&self, myself: &ActorRef<MsgOf<C>>, state: &mut PoolState<C>, call: C::Call, hold: C::Hold) {
        state.calls += 1;
        let (calls, id, span, number) = (self.0.clone(), C::id(&call), self.0.span(&call), state.calls);
        let ended = Ended::<C> { pool: myself.clone(), id: id.clone(), number };
        let job = async move {
            let answer = calls.run(call).await;
            drop(ended);
            answer();
            drop(hold);
        };
        let handle = state.jobs.spawn(job.instrument(span));
        if let Some((_, old)) = state.running.insert(id, (number, handle)) {
            old.abort();
        }
    }
}

/// Frees the permit however the job ends.
struct Ended<C: Calls> {
    pool: ActorRef<MsgOf<C>>,
    id: C::Id,
    number: u64,
}

impl<C: Calls> Drop for Ended<C> {
    fn drop(&mut self) {
        // Fails only when the pool has stopped, and then there are no permits to free.
        let _ = tell(&self.pool, PoolMsg::Ended(self.id.clone(), self.number));
    }
}

#[cfg(test)]
mod tests;
