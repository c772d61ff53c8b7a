//! The program `playhouse`: a headless daemon, a command line that talks to it, and a one-shot runner.
//!
//! ```text
//! serve ──▶ House (assembly) + Edge (http) ── until SIGTERM, or until the tree gives up (exit 70)
//! run   ──▶ House, one task, its events on stderr, the answer on stdout
//! task, tree ──▶ HTTP client of a daemon          check ──▶ everything but starting
//! tool   ──▶ one component, looked at or called; what MCP servers changed, approved
//! replay ─▶ an exported task against what it recorded, without a daemon
//! ```

mod check;
mod cli;
mod client;
mod edge;
mod journal;
mod render;
mod replay;
mod run;
mod serve;
mod stopping;
mod systemd;
mod task;
mod telemetry;
mod tool;
mod tree;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

/// The runtime gave up: the init system should start a new process (`EX_SOFTWARE`).
pub(crate) const EXIT_GAVE_UP: u8 = 70;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Once per process, before any TLS; a second call would only say that the first one worked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::serve(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Task(args) => task::task(args).await,
            Command::Journal(args) => journal::journal(args).await,
            Command::Tool(args) => tool::tool(args).await,
            Command::Tree(args) => tree::tree(args).await,
            Command::Replay(args) => replay::file(&args),
            Command::Ready(args) => task::ready(args).await,
            Command::Check(args) => check::check(&args).await,
        }
    });
    // A blocking call that is still running (a slow disk, a tool) must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done.unwrap_or_else(|error| complain(&error))
}

/// What went wrong, with everything that led to it, in one line.
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("playhouse: {error:#}");
    ExitCode::FAILURE
}
