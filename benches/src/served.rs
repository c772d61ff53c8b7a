//! A house in a process of its own, behind HTTP: something that can be flooded, weighed and killed.

use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use playhouse_core::admission::Bounds;
use playhouse_ports::{Clock, SystemClock};

use crate::cost::{self, Memory};

/// What the process is started with; the command line of the hidden command `serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// The data directory.
    #[arg(long)]
    pub data: PathBuf,
    /// Compiled tools.
    #[arg(long)]
    pub cache: PathBuf,
    /// Tool calls before the answer.
    #[arg(long, default_value_t = 0)]
    pub rounds: u32,
    /// How long the model thinks, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub think_ms: u64,
    /// With this many results it thinks for ever.
    #[arg(long)]
    pub hold_after: Option<u32>,
    /// Every tool call waits for a person's approval.
    #[arg(long)]
    pub approve: bool,
    /// Tell when the model holds this many tasks.
    #[arg(long, default_value_t = usize::MAX)]
    pub tell_at: usize,
    /// `bounds.live_tasks`.
    #[arg(long)]
    pub live: usize,
    /// `bounds.queued_tasks`.
    #[arg(long)]
    pub queued: usize,
    /// When the process was started, in milliseconds since 1970.
    #[arg(long, default_value_t = 0)]
    pub since_ms: u64,
}

impl Serve {
    /// A house with its files in `scratch`, whose model answers at once.
    pub fn over(scratch: &Path, rounds: u32, live: usize, queued: usize) -> Self {
        let (data, cache) = (scratch.join("data"), scratch.join("cache"));
        let (hold_after, tell_at, since_ms) = (None, usize::MAX, 0);
        Self { data, cache, rounds, think_ms: 0, hold_after, approve: false, tell_at, live, queued, since_ms }
    }

    /// The bounds of the house.
    pub fn bounds(&self) -> Bounds {
        Bounds { live_tasks: self.live, queued_tasks: self.queued, ..Bounds::default() }
    }

    fn to_args(&self) -> Vec<String> {
        let Self { data, cache, rounds, think_ms, hold_after, approve, tell_at, live, queued, .. } = self;
        let mut args = vec!["serve".to_owned(), "--data".into(), data.display().to_string()];
        args.extend(["--cache".into(), cache.display().to_string()]);
        args.extend([format!("--rounds={rounds}"), format!("--think-ms={think_ms}")]);
        args.extend([format!("--tell-at={tell_at}"), format!("--live={live}"), format!("--queued={queued}")]);
        args.extend(hold_after.map(|most| format!("--hold-after={most}")));
        args.extend(approve.then(|| "--approve".to_owned()));
        args.push(format!("--since-ms={}", SystemClock.now_ms()));
        args
    }
}

/// The running process. Killed, as by `kill -9`, when dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Where it listens.
    pub addr: SocketAddr,
    /// From the start of the process until it listens.
    pub ready_s: f64,
}

impl Served {
    /// Starts this program again as `serve`, and waits until it listens.
    pub fn start(serve: &Serve) -> Result<Self> {
        let began = Instant::now();
        let mut child = Command::new(env::current_exe()?)
            .args(serve.to_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start the house")?;
        let stdout = child.stdout.take().context("the house has no stdout")?;
        let mut lines = BufReader::new(stdout);
        let line = line(&mut lines)?;
        let addr = line.strip_prefix("listening ").and_then(|addr| addr.parse().ok());
        let addr = addr.with_context(|| format!("the house said `{line}` instead of where it listens"))?;
        Ok(Self { child, lines, addr, ready_s: began.elapsed().as_secs_f64() })
    }

    /// The next thing it says.
    pub fn line(&mut self) -> Result<String> {
        line(&mut self.lines)
    }

    /// Its memory.
    pub fn memory(&self) -> Result<Memory> {
        Ok(cost::memory_of(self.child.id())?)
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(lines: &mut BufReader<ChildStdout>) -> Result<String> {
    let mut line = String::new();
    lines.read_line(&mut line)?;
    anyhow::ensure!(!line.is_empty(), "the house ended early");
    Ok(line.trim().to_owned())
}
