//! The actor behind a [`Supervisor`].
//!
//! ```text
//!   child ends ──▶ on_exit ──▶ goals ──▶ advance ──▶ job: start or stop one child
//!                                           ▲                   │
//!                                           └─ Started/Stopped ─┘
//! ```
//!
//! It decides nothing itself: `playhouse_core::restart` sets goals and names the next step, and one step is
//! in progress at a time. The step runs in the `JoinSet` and reports back, so that the mailbox stays open.
//! Two waits are inline, since nobody could be served meanwhile: the first start (`pre_start`: ractor has
//! not told anybody about us yet) and the last stop (`post_stop`: ractor has closed the mailbox).

use std::collections::HashMap;

use playhouse_core::restart::{Exit, Goal, History, Stage, Step, Verdict, affected, next_step};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{Supervisor, SupervisorMsg};
use crate::{
    Escalation, Kind, StartError,
    child::Child,
    exit::{Ending, now_ms},
    stop::{stop, stop_each, strangers},
    tree::Level,
};

pub(super) type Ended = watch::Sender<Option<Result<(), Escalation>>>;

#[derive(Debug)]
pub(super) enum Request {
    /// Show your level of the tree.
    Look(RpcReplyPort<Level>),
    /// A start job is done.
    Started(usize, Result<ActorCell, ActorProcessingErr>),
    /// A stop job is done.
    Stopped(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Shell(pub(super) Supervisor);

#[derive(Debug)]
pub(crate) struct State {
    children: Vec<Child>,
    history: History,
    /// Set once the supervisor has given up and is only stopping its children.
    failing: Option<Escalation>,
    jobs: JoinSet<()>,
    /// Ends of actors we do not know *yet*: a child may fail before its start job has told us about it.
    early: HashMap<ActorId, Ending>,
    since: Instant,
    ended: Option<Ended>,
}

impl Actor for Shell {
    type Msg = SupervisorMsg;
    type State = State;
    type Arguments = Option<Ended>;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        ended: Option<Ended>,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State {
            children: self.start_all(myself.get_cell()).await?,
            history: History::default(),
            failing: None,
            jobs: JoinSet::new(),
            early: HashMap::new(),
            since: Instant::now(),
            ended,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        match message.0 {
            Request::Look(reply) => drop(reply.send(self.level(state))), // The asker may have left.
            Request::Started(at, outcome) => self.on_started(state, at, outcome),
            Request::Stopped(at) => state.children[at].was_stopped(),
        }
        self.advance(&myself, state).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Some((actor, ending)) = Ending::of(event) else { return Ok(()) };
        let id = actor.get_id();
        match state.children.iter().position(|child| child.is(id)) {
            Some(at) if state.children[at].stage == Stage::Up => self.on_exit(state, at, &ending),
            Some(_) => {} // Its stop job reports.
            None => drop(state.early.insert(id, ending)),
        }
        self.advance(&myself, state).await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<SupervisorMsg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        stop_all(&myself, state).await;
        state.ended.take().map(|ended| ended.send_replace(Some(Ok(()))));
        Ok(())
    }
}

impl Shell {
    /// Starts all children in order. When one fails, those before it are stopped again in reverse.
    async fn start_all(&self, myself: ActorCell) -> Result<Vec<Child>, StartError> {
        let mut children: Vec<Child> = self.0.children.iter().cloned().map(Child::new).collect();
        for at in 0..children.len() {
            let spec = &children[at].spec;
            match spec.start(myself.clone()).await {
                Ok(actor) => children[at].came_up(actor),
                Err(source) => {
                    let error = StartError { child: spec.id.clone(), source };
                    stop_each(children.iter().rev().filter_map(Child::to_stop)).await;
                    return Err(error);
                }
            }
        }
        Ok(children)
    }

    fn on_started(&self, state: &mut State, at: usize, outcome: Result<ActorCell, ActorProcessingErr>) {
        match outcome {
            Ok(actor) => {
                let early = state.early.remove(&actor.get_id());
                state.children[at].came_up(actor);
                if let Some(ending) = early {
                    self.on_exit(state, at, &ending);
                }
            }
            Err(error) => self.on_exit(state, at, &Ending::failure(&*error)),
        }
    }

    /// A child has ended: sets the goals of everybody concerned.
    fn on_exit(&self, state: &mut State, at: usize, ending: &Ending) {
        let Supervisor { id, strategy, intensity, .. } = &self.0;
        let child = &mut state.children[at];
        if !child.went_down(ending) {
            return child.was_stopped();
        }
        if !child.spec.restart.applies(ending.exit) {
            match ending.exit {
                Exit::Abnormal => child.report_crash(id, &ending.reason),
                Exit::Normal => tracing::debug!(supervisor = %id, child = %child.spec.id, "child finished"),
            }
            return;
        }
        if state.history.on_exit(*intensity, now_ms(state.since)) == Verdict::Escalate {
            child.report_crash(id, &ending.reason);
            let (child, reason) = (child.spec.id.clone(), ending.reason.clone());
            state.failing =
                Some(Escalation { supervisor: id.to_string(), child, reason, intensity: *intensity });
            return state.children.iter_mut().for_each(|child| child.aim(Goal::Stop));
        }
        child.restarts += 1;
        child.report_crash(id, &ending.reason);
        let order: Vec<usize> = (0..state.children.len()).collect();
        for &other in affected(*strategy, &order, &at) {
            state.children[other].aim(Goal::Restart);
        }
    }

    /// Takes the next step, if there is one to take now.
    async fn advance(
        &self,
        myself: &ActorRef<SupervisorMsg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let stages: Vec<_> = state.children.iter().map(|child| (child.stage, child.goal)).collect();
        match next_step(&stages) {
            Step::Wait => {}
            Step::Start(at) => {
                let child = &mut state.children[at];
                child.begin_start();
                let (myself, spec) = (myself.clone(), child.spec.clone());
                state.jobs.spawn(async move {
                    let outcome = spec.start(myself.get_cell()).await;
                    // Fails only when we are stopping, and then `post_stop` finds the child by itself.
                    let _ = myself.cast(SupervisorMsg(Request::Started(at, outcome)));
                });
            }
            Step::Stop(at) => {
                let child = &mut state.children[at];
                let (myself, actor, how) = (myself.clone(), child.begin_stop(), child.spec.shutdown);
                state.jobs.spawn(async move {
                    if let Some(actor) = actor {
                        stop(&actor, how).await;
                    }
                    let _ = myself.cast(SupervisorMsg(Request::Stopped(at)));
                });
            }
            Step::Idle => {
                state.early.clear(); // Nobody is starting, so they are none of ours.
                if let Some(escalation) = state.failing.take() {
                    stop_all(myself, state).await;
                    let outcome = Some(Err(escalation.clone()));
                    state.ended.take().map(|ended| ended.send_replace(outcome));
                    return Err(escalation.into());
                }
            }
        }
        Ok(())
    }

    fn level(&self, state: &State) -> Level {
        Level {
            id: self.0.id.to_string(),
            kind: Kind::Supervisor(self.0.strategy),
            up_ms: now_ms(state.since),
            rows: state.children.iter().map(Child::row).collect(),
        }
    }
}

/// Stops whatever still runs below us: first what just came, then the children in reverse.
async fn stop_all(myself: &ActorCell, state: &mut State) {
    state.jobs.shutdown().await;
    let known = |actor: &ActorCell| state.children.iter().any(|child| child.is(actor.get_id()));
    stop_each(strangers(myself, known)).await;
    stop_each(state.children.iter().rev().filter_map(Child::to_stop)).await;
}
