//! Measurements, each beside a floor or a peer of the same run.
//!
//! The programs are in `src/bin`; here is what they share: a house with a scripted model, in this process or in
//! one of its own; a client; following a task to its end; what a process has cost so far; figures and what is
//! asked of them. What each program measures, and what its figures cannot be compared with, stands at the
//! head of its `main.rs` and in `README.md`; `thousand-tasks` is here as a whole, for it is two programs.

pub mod cost;
pub mod crowd;
pub mod figures;
pub mod floor;
pub mod follow;
pub mod house;
pub mod http1;
pub mod served;
pub mod thousand_tasks;
