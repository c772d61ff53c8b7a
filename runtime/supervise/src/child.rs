//! A child as its supervisor keeps it: the spec, where it stands, and where it should go.
//!
//! ```text
//!            begin_start            came_up            begin_stop            went_down
//!   Down ────────────────▶ Starting ───────▶ Up ────────────────▶ Stopping ──────────▶ Down
//!    ▲                        │ went_down     │ went_down
//!    └────────────────────────┴───────────────┘
//! ```

use std::sync::Arc;

use playhouse_core::restart::{Exit, Goal, Restart, Stage};
use ractor::{ActorCell, ActorId};
use tokio::time::Instant;

use crate::{
    ChildSpec, Kind, Shutdown, Status,
    exit::{Ending, now_ms},
    tree::Row,
    vitals::{self, Vitals},
};

/// Invariant: there is an `actor` exactly in the stages `Up` and `Stopping`.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) spec: ChildSpec,
    pub(crate) stage: Stage,
    pub(crate) goal: Goal,
    pub(crate) restarts: u32,
    actor: Option<ActorCell>,
    /// Of the newest actor, if it is watched. Outlives it, for the crash report.
    vitals: Option<Arc<Vitals>>,
    up_since: Instant,
    last_exit: Option<String>,
}

impl Child {
    /// A child that is not running yet.
    pub(crate) fn new(spec: ChildSpec) -> Self {
        Self {
            spec,
            stage: Stage::Down,
            goal: Goal::Keep,
            restarts: 0,
            actor: None,
            vitals: None,
            up_since: Instant::now(),
            last_exit: None,
        }
    }

    pub(crate) fn begin_start(&mut self) {
        (self.stage, self.goal) = (Stage::Starting, Goal::Keep);
        self.vitals = None;
    }

    pub(crate) fn came_up(&mut self, actor: ActorCell) {
        (self.vitals, self.up_since) = (vitals::of(actor.get_id()), Instant::now());
        (self.stage, self.actor) = (Stage::Up, Some(actor));
    }

    /// Hands out the actor to stop.
    pub(crate) fn begin_stop(&mut self) -> Option<ActorCell> {
        self.stage = Stage::Stopping;
        self.actor.clone()
    }

    /// Notes its end. Answers whether that was its own doing: an end that was already decided, because a
    /// sibling failed or somebody asked, is not held against it.
    pub(crate) fn went_down(&mut self, ending: &Ending) -> bool {
        (self.stage, self.actor) = (Stage::Down, None);
        let own_doing = self.goal == Goal::Keep;
        if own_doing || ending.exit == Exit::Abnormal {
            self.last_exit = Some(ending.reason.clone());
        }
        own_doing
    }

    /// Notes that it is gone as asked.
    pub(crate) fn was_stopped(&mut self) {
        (self.stage, self.actor) = (Stage::Down, None);
        if self.goal == Goal::Stop {
            self.goal = Goal::Keep;
        }
    }

    /// Sends it somewhere because of what happened to it or to a sibling. A temporary child is stopped
    /// where others are restarted, and one that is down and should stop is there already.
    pub(crate) fn aim(&mut self, goal: Goal) {
        self.goal = match (goal, self.spec.restart, self.stage) {
            (Goal::Stop, _, Stage::Down) => Goal::Keep,
            (Goal::Restart, Restart::Temporary, Stage::Down) => Goal::Keep,
            (Goal::Restart, Restart::Temporary, _) => Goal::Stop,
            _ => goal,
        };
    }

    /// Whether this is the actor that runs, or stops, as this child.
    pub(crate) fn is(&self, id: ActorId) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.get_id() == id)
    }

    /// What there is to stop, and how.
    pub(crate) fn to_stop(&self) -> Option<(ActorCell, Shutdown)> {
        self.actor.clone().map(|actor| (actor, self.spec.shutdown))
    }

    /// What a look at the tree shows of it.
    pub(crate) fn row(&self) -> Row {
        Row {
            id: self.spec.id.clone(),
            kind: self.spec.kind,
            status: match self.stage {
                Stage::Down if self.goal == Goal::Restart => Status::Starting,
                Stage::Down => Status::Down,
                Stage::Starting => Status::Starting,
                Stage::Up => Status::Running,
                Stage::Stopping => Status::Stopping,
            },
            restarts: self.restarts,
            last_exit: self.last_exit.clone(),
            up_ms: self.actor.as_ref().map(|_| now_ms(self.up_since)),
            vitals: self.vitals.clone().filter(|_| self.actor.is_some()),
            below: self.actor.clone().filter(|_| self.spec.kind != Kind::Actor),
        }
    }

    /// Says aloud that it failed, with all we know: the message it died over, what it last said of itself,
    /// how many messages died with it. (The rest of its state is gone, and what it was doing is in the
    /// journal.) Fields without a value are left out.
    pub(crate) fn report_crash(&self, supervisor: &str, reason: &str) {
        let (child, restarts, vitals) = (&self.spec.id, self.restarts, self.vitals.as_ref());
        let last_message = vitals.and_then(|vitals| vitals.last_message());
        let state = vitals.and_then(|vitals| vitals.state());
        let queue_depth = vitals.map(|vitals| vitals.queue_depth());
        tracing::error!(
            supervisor,
            child,
            reason,
            restarts,
            last_message,
            state,
            queue_depth,
            "child failed"
        );
    }
}
