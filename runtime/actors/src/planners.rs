//! Where planners live: a dynamic supervisor with one child per live task.

use std::{sync::Arc, time::Duration};

use playhouse_core::{id::TaskId, task::Task};
use playhouse_supervise::{
    ChildSpec, DynamicMsg, DynamicSupervisor, Intensity, Restart, Shutdown, Slot, StartChildError, spawn,
    tell,
};

use crate::{
    planner::{Planner, PlannerMsg},
    services::Services,
    tasks::TasksMsg,
};

/// At the third crash within a minute a planner is not restarted: its task is quarantined.
const CRASHES: Intensity = Intensity { max_restarts: 2, period_ms: 60_000 };
/// A planner has nothing to finish when it is stopped: its journal is its state.
const STOP: Shutdown = Shutdown::secs(2);
/// How long a planner may take to start: as long as it has the patience to wait for its journal.
const STARTUP: Duration = Duration::from_secs(25 * 3600);
/// Longest wait for a planner to be up: longer than the above, so that its answer is always heard.
const START: Duration = Duration::from_secs(26 * 3600);

/// What the supervisor of planners is called in the tree.
pub(crate) const PLANNERS: &str = "planners";

/// The supervisor of planners, as the dispatcher reaches it.
#[derive(Debug, Clone)]
pub(crate) struct Planners(Slot<DynamicMsg>);

impl Planners {
    /// Planners under a supervisor that is yet to be started by [`child`](Self::child).
    pub(crate) fn new() -> Self {
        Self(Slot::new(PLANNERS))
    }

    /// The supervisor as a child of the tree; `live_max` bounds its children.
    pub(crate) fn child(&self, live_max: usize, tasks: Slot<TasksMsg>) -> ChildSpec {
        let quarantine = move |gave_up: playhouse_supervise::GaveUp| {
            let Ok(task) = TaskId::new(gave_up.child) else { return };
            if let Ok(tasks) = tasks.get() {
                // Fails only when the dispatcher has stopped; its successor starts the task anew.
                let _ = tell(&tasks, TasksMsg::GaveUp(task, gave_up.reason));
            }
        };
        // A planner that has concluded may still be on its way out while the next one starts.
        DynamicSupervisor::new(CRASHES, live_max * 2 + 16, quarantine).child(
            &self.0,
            Restart::Permanent,
            Shutdown::secs(10),
        )
    }

    /// Starts a planner of `task`; the slot is where it will be.
    pub(crate) fn start(
        &self,
        services: &Arc<Services>,
        task: TaskId,
        fresh: Option<Task>,
    ) -> (Slot<PlannerMsg>, impl Future<Output = Result<(), StartChildError>> + use<>) {
        let slot = Slot::new(task.as_str());
        let planner = Planner::new(services.clone(), task, fresh);
        let child = slot.child(Restart::Transient, STOP, spawn(planner, ())).startup(STARTUP);
        let supervisor = self.0.clone();
        (slot, async move { supervisor.start_child(child, START).await.map(drop) })
    }
}
