//! The actor behind a [`DynamicSupervisor`].
//!
//! ```text
//!   start_child ─▶ Down·Restart ─▶ Starting ─▶ Up ─▶ ends ─▶ Down·Restart   (bearable)
//!                                                        └─▶ gone, GaveUp   (too often)
//!   stop_child ──────────────────────────────▶ Stopping ──▶ gone
//! ```
//!
//! Each child goes its own way, by the same goals and steps as a static one but in a list of one. Starts
//! and stops run side by side in the `JoinSet` and report back: a planner that replays a long journal
//! keeps nobody waiting.

use std::collections::{BTreeMap, HashMap};

use playhouse_core::restart::{Exit, Goal, History, Restart, Stage, Step, Verdict, next_step};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio::{task::JoinSet, time::Instant};

use super::{DynamicMsg, DynamicSupervisor, GaveUp};
use crate::{
    ChildSpec, Kind, StartChildError, StartError,
    child::Child,
    exit::{Ending, now_ms},
    stop::{stop, stop_together, strangers},
    tree::Level,
};

type StartReply = RpcReplyPort<Result<ActorCell, StartChildError>>;

#[derive(Debug)]
pub(super) enum Request {
    /// Show your level of the tree.
    Look(RpcReplyPort<Level>),
    /// Add a child; answered when it is up.
    Start(Box<ChildSpec>, StartReply),
    /// Stop a child; answered when it is gone.
    Stop(String, RpcReplyPort<()>),
    /// A start job is done.
    Started(String, Result<ActorCell, ActorProcessingErr>),
    /// A stop job is done.
    Stopped(String),
}

#[derive(Debug, Clone)]
pub(super) struct Shell(pub(super) DynamicSupervisor);

/// A child, and who waits for it.
#[derive(Debug)]
struct Entry {
    child: Child,
    history: History,
    /// Whoever asked for it, until it is up for the first time.
    starter: Option<StartReply>,
    /// Whoever wants it gone.
    stoppers: Vec<RpcReplyPort<()>>,
}

/// Invariant: between messages, a child that is `Down` is not in the map.
#[derive(Debug)]
pub(crate) struct State {
    children: BTreeMap<String, Entry>,
    jobs: JoinSet<()>,
    /// Ends of actors we do not know *yet*: a child may fail before its start job has told us about it.
    early: HashMap<ActorId, Ending>,
    since: Instant,
}

impl Actor for Shell {
    type Msg = DynamicMsg;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<DynamicMsg>, (): ()) -> Result<State, ActorProcessingErr> {
        let (children, early) = (BTreeMap::new(), HashMap::new());
        Ok(State { children, jobs: JoinSet::new(), early, since: Instant::now() })
    }

    async fn handle(
        &self,
        myself: ActorRef<DynamicMsg>,
        message: DynamicMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        while state.jobs.try_join_next().is_some() {} // Reap what has finished.
        match message.0 {
            Request::Look(reply) => drop(reply.send(self.level(state))), // The asker may have left.
            Request::Start(spec, reply) => self.on_start(&myself, state, *spec, reply),
            Request::Stop(id, reply) => self.on_stop(&myself, state, &id, reply),
            Request::Started(id, outcome) => self.on_started(&myself, state, &id, outcome),
            Request::Stopped(id) => {
                state.children.get_mut(&id).into_iter().for_each(|entry| entry.child.was_stopped());
                self.advance(&myself, state, &id);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<DynamicMsg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let Some((actor, ending)) = Ending::of(event) else { return Ok(()) };
        // A walk over all children: `max_children` bounds it, and exits are rare.
        match state.children.iter().find(|(_, entry)| entry.child.is(actor.get_id())) {
            Some((id, entry)) if entry.child.stage == Stage::Up => {
                let id = id.clone();
                self.on_exit(&myself, state, &id, &ending);
            }
            Some(_) => {} // Its stop job reports.
            None => drop(state.early.insert(actor.get_id(), ending)),
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        myself: ActorRef<DynamicMsg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.jobs.shutdown().await;
        let known = |actor: &ActorCell| state.children.values().any(|entry| entry.child.is(actor.get_id()));
        let children = state.children.values().filter_map(|entry| entry.child.to_stop());
        stop_together(strangers(&myself, known).chain(children)).await;
        Ok(())
    }
}

impl Shell {
    fn on_start(&self, myself: &ActorRef<DynamicMsg>, state: &mut State, spec: ChildSpec, reply: StartReply) {
        if state.children.contains_key(&spec.id) {
            return drop(reply.send(Err(StartChildError::Exists(spec.id))));
        }
        if state.children.len() >= self.0.max_children {
            let (supervisor, max) = (self.0.id.to_string(), self.0.max_children);
            return drop(reply.send(Err(StartChildError::Full { supervisor, max })));
        }
        let id = spec.id.clone();
        let mut child = Child::new(spec);
        child.goal = Goal::Restart;
        let entry = Entry { child, history: History::default(), starter: Some(reply), stoppers: Vec::new() };
        state.children.insert(id.clone(), entry);
        self.advance(myself, state, &id);
    }

    fn on_stop(&self, myself: &ActorRef<DynamicMsg>, state: &mut State, id: &str, reply: RpcReplyPort<()>) {
        let Some(entry) = state.children.get_mut(id) else { return drop(reply.send(())) };
        entry.child.goal = Goal::Stop;
        entry.stoppers.push(reply);
        self.advance(myself, state, id);
    }

    fn on_started(
        &self,
        myself: &ActorRef<DynamicMsg>,
        state: &mut State,
        id: &str,
        outcome: Result<ActorCell, ActorProcessingErr>,
    ) {
        let Some(entry) = state.children.get_mut(id) else { return };
        match (outcome, entry.starter.take()) {
            (Ok(actor), starter) => {
                entry.child.came_up(actor.clone());
                let early = state.early.remove(&actor.get_id());
                // Up, but only to be stopped again, when somebody has asked for that meanwhile.
                let wanted = entry.child.goal != Goal::Stop;
                let answer = wanted.then_some(actor).ok_or_else(|| StartChildError::Stopped(id.into()));
                starter.map(|starter| starter.send(answer));
                if let Some(ending) = early {
                    return self.on_exit(myself, state, id, &ending);
                }
            }
            (Err(source), Some(starter)) => {
                entry.child.goal = Goal::Stop;
                entry.child.was_stopped();
                let _ = starter.send(Err(StartError { child: id.into(), source }.into()));
            }
            (Err(error), None) => return self.on_exit(myself, state, id, &Ending::failure(&*error)),
        }
        self.advance(myself, state, id);
    }

    /// A child has ended: starts it again, or lets it go.
    fn on_exit(&self, myself: &ActorRef<DynamicMsg>, state: &mut State, id: &str, ending: &Ending) {
        let Some(Entry { child, history, .. }) = state.children.get_mut(id) else { return };
        let mut gave_up = None;
        if !child.went_down(ending) {
            child.was_stopped();
        } else if child.spec.restart.applies(ending.exit)
            && history.on_exit(self.0.intensity, now_ms(state.since)) == Verdict::Restart
        {
            child.restarts += 1;
            child.goal = Goal::Restart;
            child.report_crash(&self.0.id, &ending.reason);
        } else if ending.exit == Exit::Abnormal || child.spec.restart == Restart::Permanent {
            child.report_crash(&self.0.id, &ending.reason);
            tracing::error!(supervisor = %self.0.id, child = id, "child given up");
            let (child, reason, restarts) = (id.into(), ending.reason.clone(), child.restarts);
            gave_up = Some(GaveUp { child, reason, restarts });
        }
        self.advance(myself, state, id);
        gave_up.into_iter().for_each(|gave_up| (self.0.on_give_up)(gave_up));
    }

    /// Takes this child's next step, if there is one to take now.
    fn advance(&self, myself: &ActorRef<DynamicMsg>, state: &mut State, id: &str) {
        let Some(Entry { child, .. }) = state.children.get_mut(id) else { return };
        let (myself, name, spec) = (myself.clone(), id.to_owned(), child.spec.clone());
        match next_step(&[(child.stage, child.goal)]) {
            Step::Start(_) => {
                child.begin_start();
                state.jobs.spawn(async move {
                    let outcome = spec.start(myself.get_cell()).await;
                    // Fails only when we are stopping, and then `post_stop` finds the child by itself.
                    let _ = myself.cast(DynamicMsg(Request::Started(name, outcome)));
                });
            }
            Step::Stop(_) => {
                let actor = child.begin_stop();
                state.jobs.spawn(async move {
                    if let Some(actor) = actor {
                        stop(&actor, spec.shutdown).await;
                    }
                    let _ = myself.cast(DynamicMsg(Request::Stopped(name)));
                });
            }
            Step::Idle if child.stage == Stage::Down => state.forget(id),
            Step::Idle | Step::Wait => {}
        }
        let starting = |entry: &Entry| entry.child.stage == Stage::Starting;
        if !state.early.is_empty() && !state.children.values().any(starting) {
            state.early.clear(); // Nobody is starting, so they are none of ours.
        }
    }

    fn level(&self, state: &State) -> Level {
        Level {
            id: self.0.id.to_string(),
            kind: Kind::Dynamic,
            up_ms: now_ms(state.since),
            rows: state.children.values().map(|entry| entry.child.row()).collect(),
        }
    }
}

impl State {
    /// Lets go of a child, and tells everybody who waits for that.
    fn forget(&mut self, id: &str) {
        let entry = self.children.remove(id);
        entry.into_iter().flat_map(|entry| entry.stoppers).for_each(|stopper| drop(stopper.send(())));
    }
}
