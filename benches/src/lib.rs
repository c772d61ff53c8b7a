//! Measurements, each beside a floor or a peer of the same run.
//!
//! The programs are in `src/bin`; here is what they share: following a task to its end, and what a process
//! has cost so far. What each program measures, and what its figures cannot be compared with, stands at the
//! head of its `main.rs` and in `README.md`.

pub mod cost;
pub mod crowd;
pub mod follow;
