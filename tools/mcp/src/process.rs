//! The child process of a stdio server: its start, its last words, its end.
//!
//! It leads a process group of its own. However its life ends, the whole group is killed, and before its leader is
//! reaped: until then the group's number cannot belong to anybody else.

use std::{
    collections::VecDeque,
    fs, io,
    path::Path,
    process::Stdio,
    sync::{Mutex, PoisonError},
};

use playhouse_tools_confine::{self as confine, GATE, Kept, Limits, View};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    ProcessLimits, ServerConfig,
    bounds::{END_GRACE, LAST_WORDS_LINES, STDERR_LINE_BYTES_MAX},
};

/// For a daemon that was started without one.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A running server. Dropping it kills it and everything in its group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Pid,
    /// Becomes readable when the leader has ended; does not reap it.
    #[cfg(target_os = "linux")]
    ended: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

/// Its three pipes.
pub(crate) struct Pipes {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Process {
    /// Starts `command` of `config` in `folder`, which is made and is its home. The error is for an operator.
    pub(crate) async fn start(
        server: &str,
        config: &ServerConfig,
        folder: &Path,
    ) -> Result<(Self, Pipes), String> {
        let at = |error: io::Error| format!("`{}`: {error}", config.command.as_deref().unwrap_or_default());
        fs::create_dir_all(folder).map_err(|error| format!("its folder `{}`: {error}", folder.display()))?;
        let folder = folder.canonicalize().map_err(at)?;
        let path = std::env::var("PATH").unwrap_or_else(|_| PATH.into());
        let program = confine::find(config.command.as_deref().unwrap_or_default(), &path).map_err(at)?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(GATE).arg(server).arg(&program).args(&config.args);
        command
            .env_clear()
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .env("HOME", &folder)
            .env("TMPDIR", &folder);
        for (name, value) in &config.env {
            let value = value.resolve().map_err(|unset| {
                format!("its variable `{name}` is to be our `{unset}`, which is not set: set it and restart")
            })?;
            command.env(name, value);
        }
        command.current_dir(&folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut write = config.write.clone();
        write.push(folder);
        let child = spawn(server, command, config, &View::of(&program, &config.read, &write)).map_err(at)?;
        Self::take_over(child, config).await.map_err(at)
    }

    /// Limits the process and lets it through the gate.
    async fn take_over(mut child: Child, config: &ServerConfig) -> io::Result<(Self, Pipes)> {
        let gone = || io::Error::other("it ended at once");
        let id = child.id().and_then(|id| i32::try_from(id).ok()).ok_or_else(gone)?;
        let group = Pid::from_raw(id).ok_or_else(gone)?;
        let ProcessLimits { memory_bytes, file_bytes, open_files, cpu_s } = config.limits;
        let limits = Limits { memory_bytes, file_bytes, open_files, cpu_s, ..Limits::default() };
        confine::limit(group, limits)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(gone());
        };
        #[cfg(target_os = "linux")]
        let ended = death_of(group)?;
        stdin.write_all(b"\n").await?;
        let process = Self {
            child,
            group,
            #[cfg(target_os = "linux")]
            ended,
        };
        Ok((process, Pipes { stdin, stdout, stderr }))
    }

    /// Resolves when the leader has ended. Its children may live on.
    #[cfg(target_os = "linux")]
    pub(crate) async fn ended(&mut self) {
        // An error would mean that the descriptor is closed, and it is ours.
        self.ended.readable().await.ok();
    }

    /// The same where there are no descriptors of processes; it reaps.
    #[cfg(not(target_os = "linux"))]
    pub(crate) async fn ended(&mut self) {
        self.child.wait().await.ok();
    }

    /// Ends it, once its stdin is closed: waits, asks, kills. Says how it ended.
    pub(crate) async fn end(mut self) -> String {
        if timeout(END_GRACE, self.ended()).await.is_err() {
            self.signal(Signal::TERM);
            // Whoever ignores this is killed below.
            timeout(END_GRACE, self.ended()).await.ok();
        }
        self.finish().await
    }

    /// Kills the group and reaps its leader. Says how it ended.
    pub(crate) async fn finish(mut self) -> String {
        self.signal(Signal::KILL);
        self.child.wait().await.map_or_else(|e| format!("its status is unknown: {e}"), |s| s.to_string())
    }

    fn signal(&self, signal: Signal) {
        // A reaped leader has no id any more, and then its group's number is not ours to use.
        if self.child.id().is_some() {
            // Fails only when the whole group has ended.
            kill_process_group(self.group, signal).ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Becomes readable when the process ends.
#[cfg(target_os = "linux")]
fn death_of(pid: Pid) -> io::Result<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    use rustix::process::{PidfdFlags, pidfd_open};
    #[expect(
        deprecated,
        reason = "an `OwnedFd` is what the constructor that replaces this one asks for, unsafely"
    )]
    tokio::io::unix::AsyncFd::new(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Starts the shell at the gate. A thread does it, since what confines it confines a thread.
fn spawn(server: &str, mut command: Command, config: &ServerConfig, view: &View) -> io::Result<Child> {
    if !config.confine {
        return command.spawn();
    }
    let runtime = tokio::runtime::Handle::current();
    let (child, kept) = confine::within(view, || {
        let _inside = runtime.enter();
        command.spawn()
    })?;
    match kept {
        Kept::Fully => {}
        Kept::Partly => {
            tracing::warn!(target: "playhouse::mcp", server, "this kernel confines it only partly")
        }
        Kept::Not => tracing::warn!(
            target: "playhouse::mcp",
            server,
            "this kernel has no Landlock: the server may read and write what the daemon's user may"
        ),
    }
    Ok(child)
}

/// Logs what a server writes to stderr and remembers the last lines.
pub(crate) async fn listen(server: &str, stderr: ChildStderr, last: &Mutex<VecDeque<String>>) {
    let mut source = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut source).take(STDERR_LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line: String =
            String::from_utf8_lossy(&line).trim_end().chars().filter(|c| !c.is_control()).collect();
        if line.is_empty() {
            continue;
        }
        tracing::debug!(target: "playhouse::mcp", server, "{line}");
        // The trace of Node.js comes after the reason, and would push it out.
        if !line.trim_start().starts_with("at ") {
            remember(last, line);
        }
    }
}

/// Keeps `line` among the last that a server said.
pub(crate) fn remember(last: &Mutex<VecDeque<String>>, line: String) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.len() == LAST_WORDS_LINES {
        last.pop_front();
    }
    last.push_back(line);
}
