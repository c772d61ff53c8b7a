//! One call, from the daemon's side: a keeper, its leash, and what the command writes, up to a bound.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
    path::Path,
    process::Stdio,
    time::Duration,
};

use playhouse_core::tool::{ToolError, ToolErrorKind};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, Command},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    SIDE_ENV,
    bounds::{KEEPER_WAIT, KILL_WAIT, MESSAGE_BYTES_MAX, PIPE_BYTES_MAX, STDERR_BYTES_MAX, STDOUT_BYTES_MAX},
    wire::{self, Job, Report},
};

#[cfg(target_os = "linux")]
use crate::side::{KEEPER, KEEPER_ENV};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Text,
    pub(crate) stderr: Text,
}

/// What a command wrote.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Whether there was more.
    pub(crate) cut: bool,
}

/// How commands are confined on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confinement {
    pub(crate) namespaces: bool,
    /// For an operator: what holds, and why not more.
    pub(crate) told: String,
}

/// Runs `job`, for `allowed` at most, and not on when `exceeded` says what it used up. Dropping the future ends it as well.
pub(crate) async fn run(
    keeper: &Path,
    name: &str,
    job: &Job,
    allowed: Duration,
    exceeded: impl Future<Output = String>,
) -> Result<Ended, ToolError> {
    let failed = |why: String| ToolError::new(ToolErrorKind::Failed, format!("`{name}`: {why}"));
    let deadline = Instant::now() + allowed;
    let late = || {
        let (ms, what) =
            (allowed.as_millis(), "it was ended with everything it had started; ask for less at once");
        ToolError::new(ToolErrorKind::Timeout, format!("`{name}` took more than {ms} ms: {what}"))
    };
    let kept = timeout_at(deadline, Kept::start(keeper, job)).await.map_err(|_| late())?;
    let mut kept = kept.map_err(|error| failed(format!("it cannot be kept: {error}")))?;
    let (Some(stdout), Some(stderr)) = (kept.keeper.stdout.take(), kept.keeper.stderr.take()) else {
        return Err(failed("it has no output".into()));
    };
    let leash = &mut kept.leash;
    let all = async {
        tokio::join!(beginning(stdout, STDOUT_BYTES_MAX), beginning(stderr, STDERR_BYTES_MAX), report(leash))
    };
    let all = tokio::select! {
        all = timeout_at(deadline, all) => all.map_err(|_| late()),
        why = exceeded => Err(failed(format!("it was ended with everything it had started: {why}"))),
    };
    kept.end().await;
    let (stdout, stderr, report) = all?;
    match report.map_err(|error| failed(format!("nothing is known of its end: {error}")))? {
        Some(Report::Ended { status, signal }) => Ok(Ended { status, signal, stdout, stderr }),
        Some(Report::Failed(why)) => Err(failed(why)),
        Some(Report::Ready { .. }) | None => Err(failed("it was ended from outside".into())),
    }
}

/// A keeper that runs.
struct Kept {
    keeper: Child,
    /// Letting go of it ends everything.
    leash: UnixStream,
    namespaces: bool,
}

impl Kept {
    async fn start(keeper: &Path, job: &Job) -> io::Result<Self> {
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::from(about_to_keep(keeper, theirs));
        // Not killed when dropped: without namespaces, only a keeper that lives can end what it keeps.
        let keeper = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut leash = UnixStream::from_std(ours)?;
        leash.write_all(wire::line(job).as_bytes()).await?;
        Ok(Self { keeper, leash, namespaces: job.namespaces })
    }

    /// Lets go, and waits until everything is gone.
    async fn end(mut self) {
        drop(self.leash);
        if timeout(KILL_WAIT, self.keeper.wait()).await.is_err() && self.namespaces {
            // What it keeps dies with it. Without namespaces only the keeper itself can go on ending what is left.
            self.keeper.kill().await.ok();
        }
    }
}

/// The program that becomes a keeper.
fn about_to_keep(keeper: &Path, theirs: StdStream) -> std::process::Command {
    let mut command = std::process::Command::new(keeper);
    command.env_clear().stdin(Stdio::from(OwnedFd::from(theirs)));
    #[cfg(target_os = "linux")]
    command.env(SIDE_ENV, KEEPER).envs(KEEPER_ENV);
    command.current_dir("/");
    command
}

async fn report(leash: &mut UnixStream) -> io::Result<Option<Report>> {
    let mut line = Vec::new();
    leash.take(MESSAGE_BYTES_MAX).read_to_end(&mut line).await?;
    wire::read(line.as_slice())
}

/// The first `bytes` of what is written, with what is no text made visible. Reads on, for a while, so that a program that
/// writes a little too much still comes to its end.
async fn beginning(mut from: impl AsyncRead + Unpin, bytes: usize) -> Text {
    let (mut kept, mut part, mut seen) = (Vec::new(), vec![0; 16 * 1024], 0);
    while seen < PIPE_BYTES_MAX {
        // An error is an end, too.
        let count = from.read(&mut part).await.unwrap_or(0);
        if count == 0 {
            break;
        }
        seen += count;
        let room = bytes.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&part[..room]);
    }
    Text { text: String::from_utf8_lossy(&kept).into_owned(), cut: seen > bytes }
}

/// Finds out how commands can be confined here, by setting all of it up for nothing.
pub(crate) fn probe(keeper: &Path, job: &Job) -> Result<Confinement, String> {
    let whole = |whole| if whole { "" } else { ", as far as this older kernel has it" };
    let alone = match attempt(keeper, job) {
        Ok((_, all)) if !job.namespaces => {
            return Ok(Confinement { namespaces: false, told: without(whole(all), "not asked for") });
        }
        Ok((landlock, all)) => {
            let files = if landlock { "Landlock" } else { "no Landlock (this kernel has none)" };
            let told = format!("in namespaces of its own, with {files}{}, seccomp and limits", whole(all));
            return Ok(Confinement { namespaces: true, told });
        }
        Err(why) => why,
    };
    let (_, all) = attempt(keeper, &Job { namespaces: false, ..job.clone() }).map_err(|why| {
        format!("commands cannot be confined here: with namespaces: {alone}; without them: {why}")
    })?;
    Ok(Confinement { namespaces: false, told: without(whole(all), &alone) })
}

fn without(whole: &str, why: &str) -> String {
    format!("by Landlock{whole}, seccomp and limits, without namespaces of its own ({why})")
}

/// Whether Landlock holds, and whether all of it. Blocks for some milliseconds.
fn attempt(keeper: &Path, job: &Job) -> Result<(bool, bool), String> {
    let said = |error: io::Error| error.to_string();
    let (ours, theirs) = StdStream::pair().map_err(said)?;
    ours.set_read_timeout(Some(KEEPER_WAIT)).map_err(said)?;
    let mut keeper =
        about_to_keep(keeper, theirs).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(said)?;
    let report = wire::write(&ours, job).and_then(|()| wire::read(&ours));
    drop(ours);
    keeper.wait().map_err(said)?;
    match report.map_err(said)? {
        Some(Report::Ready { landlock, whole }) => Ok((landlock, whole)),
        Some(Report::Failed(why)) => Err(why),
        Some(Report::Ended { .. }) | None => Err("the keeper ended at once".to_owned()),
    }
}
