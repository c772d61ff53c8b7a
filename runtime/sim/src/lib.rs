//! The production actors, planner and committer in a simulated world that one seed decides.
//!
//! ```text
//!   seed ─▶ Plan ─▶ World ─▶ life 1 ✝ crash ─▶ life 2 ✝ … ─▶ all is done ─▶ Report
//!                    │         playhouse_actors::Tree
//!                    │         over simulated model, tools, network, clock, disk
//!                    └─ oracles, checked at every boundary: J1, J3 to J7, liveness, approvals, signals, timers,
//!                       children, forks, forgetting
//! ```
//!
//! One seed, one run: a runtime of one thread with paused time and seeded choices, so that the same seed
//! gives the same trace to the byte, in any process. `make sim SEED=n` repeats a run; the binary of this
//! crate runs many.
//!
//! Not simulated: sled itself, whose place an in-memory index takes (it is proven by killed processes and
//! lost power), threads, and wires.

mod agents;
mod audit;
mod client;
mod daemon;
mod disk;
mod door;
mod faults;
mod hook;
mod journal;
mod model;
mod operator;
mod oracle;
mod panic;
mod person;
mod plan;
mod quiet;
mod run;
mod sender;
mod tinkerer;
mod tools;
mod world;

pub use oracle::{Broken, Invariant, Seen};
pub use run::{Options, Report, run};
pub use world::Lie;
