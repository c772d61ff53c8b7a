//! Supervision trees on ractor: what OTP gives and ractor leaves to us.
//!
//! ```text
//!             Supervisor "root"  (rest_for_one)          playhouse_core::restart decides:
//!              │      │       │                           who restarts, how often, what is next
//!          journal  models   tasks
//!                   │    │   (DynamicSupervisor)          this crate performs:
//!                 local  gpt   │     │                    spawn, stop, kill, report, introspect
//!                            task-1 task-2
//! ```
//!
//! A tree is data: a [`Supervisor`] holds [`ChildSpec`]s, and is itself a child of the one above.
//!
//! ```ignore
//! let journal = Slot::new("journal");                       // where clients find the newest journal actor
//! let tasks = Slot::new("tasks");
//! let root = Supervisor::new("root", Strategy::RestForOne, Intensity { max_restarts: 3, period_ms: 30_000 }, vec![
//!     journal.child(Restart::Permanent, Shutdown::secs(10), spawn(JournalActor { .. }, ())),
//!     Supervisor::new("models", Strategy::OneForOne, .., vec![..]).child(Restart::Permanent),
//!     DynamicSupervisor::new(per_child, 1024, |gave_up| ..).child(&tasks, Restart::Permanent, Shutdown::secs(10)),
//! ]);
//! let mut root = root.spawn_root().await?;                  // children are up, in order
//! tasks.start_child(child("t1", Restart::Transient, Shutdown::secs(5), spawn(Planner { .. }, ())), timeout).await?;
//! println!("{:?}", tree(&root.supervisor, timeout).await?);
//! root.ended().await?;                                      // an error: the process should exit
//! ```
//!
//! What holds:
//!
//! - **Order.** Children start in list order and stop in reverse, each within its [`Shutdown`], then by
//!   kill. A [`DynamicSupervisor`]'s children do not know each other and stop all at once.
//! - **Restarts are immediate**, as in OTP. Waiting before trying a broken resource again belongs to that
//!   resource's own actor, and its `pre_start` checks what is local only: an outage elsewhere must not
//!   become a restart storm.
//! - **A child that cannot start has failed.** While its supervisor starts, that fails the supervisor too,
//!   and the spawner gets a [`StartError`]; later it counts like any other crash.
//! - **Escalation.** Over its intensity a supervisor stops its remaining children in reverse order and
//!   fails with an [`Escalation`], which its own supervisor treats like any failure.
//! - **The mailbox stays open.** Starting and stopping run in the supervisor's `JoinSet`. [`tree`] goes
//!   without an answer only while a supervisor is starting, and is refused at once while it is stopping.
//!
//! - **Something to look at.** [`tree`] shows of every actor that [`spawn`] starts how many messages wait, what
//!   kind it handled last, and what it says of itself with [`note`]; a crash report says the same of one that
//!   died. Depths count what is sent by [`tell`] and [`call`].
//!
//! What does not: ractor runs no `post_stop` after a panic or a kill, and kills the descendants of an actor
//! that dies, in no order. So a supervisor that is itself *killed*, or stopped while a nested supervisor is
//! only half started, takes its children with it unordered; whatever must not be lost may not rely on
//! `post_stop`. Nor can a child stuck in blocking code be killed: the supervisor waits [`KILL_GRACE`] and
//! then goes on without it.

mod child;
mod dynamic;
mod error;
mod exit;
mod slot;
mod spec;
mod stop;
mod supervisor;
mod tree;
mod vitals;
mod watched;

pub use dynamic::{DynamicMsg, DynamicSupervisor, GaveUp};
pub use error::{Escalation, RootError, StartChildError, StartError, Unavailable};
pub use playhouse_core::restart::{Intensity, Restart, Strategy};
pub use slot::Slot;
pub use spec::{ChildSpec, START_TIMEOUT, Shutdown, Spawned, StartFn, child, spawn};
pub use stop::{KILL_GRACE, shutdown};
pub use supervisor::{Root, Supervisor, SupervisorMsg};
pub use tree::{Kind, Status, Supervising, Tree, tree};
pub use vitals::{Figure, call, note, tell};
