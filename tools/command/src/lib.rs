//! Commands of this machine as tools: each call is a process of its own, confined before its first instruction.
//!
//! ```text
//!   CommandToolBox ──spawns──▶ keeper ──spawns──▶ init (pid 1 inside) ──spawns──▶ the program
//!        │    job, leash,        │ new user, mount, pid,  │ new root, limits, Landlock,
//!        └─── report ────────────┘ net, ipc namespaces    └ no capabilities, seccomp
//! ```
//!
//! A process of many threads can enter no user namespace, and code between `fork` and `exec` would be `unsafe`. So the
//! program that runs now is started again as the *keeper*, which is why its `main` has to call [`worker_entry`] first
//! thing. When the daemon lets go of the leash, by intent or because it died, the keeper kills everything inside.
//!
//! A kernel or container that allows no namespaces gets Landlock, seccomp and limits alone, and says so; with
//! `require_namespaces` it is refused. A kernel with neither is always refused.
//!
//! Not here: shells, pipes, and what a program does with what it is granted.

mod bounds;
mod config;
mod quota;
mod run;
#[cfg(target_os = "linux")]
mod side;
mod toolbox;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};

pub use config::{Access, BadCommand, CommandConfig, CommandLimits};
pub use toolbox::{CommandOptions, CommandToolBox};

/// When this environment variable is set, [`worker_entry`] turns the process into a keeper or into what it keeps.
pub(crate) const SIDE_ENV: &str = "PLAYHOUSE_COMMAND_SIDE";
/// Whether this program can be started again as a keeper.
static CAN_KEEP: AtomicBool = AtomicBool::new(false);

/// Call this first thing in `main`: in a process that was started to keep a command it does so and never returns; in any
/// other it notes that this program can.
pub fn worker_entry() {
    #[cfg(target_os = "linux")]
    if let Some(side) = std::env::var_os(SIDE_ENV) {
        side::serve(&side);
    }
    CAN_KEEP.store(true, Ordering::Relaxed);
}

/// Whether `main` has called [`worker_entry`].
pub(crate) fn can_keep() -> bool {
    CAN_KEEP.load(Ordering::Relaxed)
}
