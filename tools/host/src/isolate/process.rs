//! One worker, seen from here: started, confined, spoken to, killed.

use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use playhouse_tools_confine::{self as confine, View};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use wasmtime::component::Component;

use super::wire::{self, FROM_WORKER_MAX, FromWorker, HEAD_BYTES, ToWorker};
use super::{COMPONENTS_MAX, WORKER_ENV};
use crate::config::WorkerCommand;
use crate::imports::Import;
use crate::limits::Limits;

/// How long a worker may take until it is ready. Some ten milliseconds on an idle machine.
const START_MAX: Duration = Duration::from_secs(10);
/// What a worker may have besides the memory of its guest: the engine, and the code of all that it keeps loaded.
const OWN_BYTES: u64 = 2 << 30;
/// How often it may have what a guest may: a guest has up to six memories, and they are set aside for all of them.
const GUEST_TIMES: u64 = 8;
/// The initial memories of components are files to the kernel, in no file system.
const FILE_BYTES: u64 = 256 << 20;
/// One for each of those, and a few.
const OPEN_FILES: u64 = 4_096;
/// Of what a worker wrote to stderr, as much is logged when it dies.
const LAST_WORDS_BYTES: usize = 2_048;
/// Where a program's libraries are.
const LIBRARIES: [&str; 7] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache"];

/// Compiled code, and what it may ask for.
#[derive(Clone)]
pub(crate) struct Code {
    pub(super) id: u64,
    component: Component,
    imports: Arc<[Import]>,
}

impl Code {
    pub(crate) fn new(component: &Component, imports: &[Import]) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { id, component: component.clone(), imports: imports.into() }
    }

    /// Whether the component imports that.
    pub(super) fn imports(&self, import: Import) -> bool {
        self.imports.contains(&import)
    }
}

/// A worker. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    line: UnixStream,
    /// What has come, up to the beginning of a frame whose end has not.
    incoming: Vec<u8>,
    /// Components it has, the one called last at the end.
    loaded: Vec<u64>,
    is_confined: bool,
    /// Counts those that live.
    _alive: Arc<()>,
}

impl Process {
    /// Starts a worker and waits until it is ready.
    pub(crate) async fn start(command: WorkerCommand, limits: Limits, alive: Arc<()>) -> io::Result<Self> {
        let (ours, theirs) = Socket::pair()?;
        let spawned = tokio::task::spawn_blocking(move || spawn(&command, theirs));
        let child = spawned.await.map_err(io::Error::other)??;
        ours.set_nonblocking(true)?;
        let line = UnixStream::from_std(ours)?;
        let (incoming, loaded) = (Vec::new(), Vec::new());
        let mut this = Self { child, line, incoming, loaded, is_confined: false, _alive: alive };
        this.limit(limits)?;
        let late = |_| io::Error::new(ErrorKind::TimedOut, "it is not ready after ten seconds");
        match tokio::time::timeout(START_MAX, this.greet(limits)).await.map_err(late).flatten() {
            Ok(is_confined) => this.is_confined = is_confined,
            Err(error) => {
                let told = this.end();
                return Err(io::Error::other(format!(
                    "{error} ({told}); does it call `worker_entry` first?"
                )));
            }
        }
        Ok(this)
    }

    async fn greet(&mut self, limits: Limits) -> io::Result<bool> {
        let Limits { memory_bytes, table_elements, .. } = limits;
        self.send(&wire::frame(&ToWorker::Start { memory_bytes, table_elements })?).await?;
        match wire::whole(&self.receive().await?)? {
            FromWorker::Ready { is_confined } => Ok(is_confined),
            _ => Err(io::Error::other("it does not say that it is ready")),
        }
    }

    fn limit(&self, limits: Limits) -> io::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        let guest = u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX);
        let limits = confine::Limits {
            memory_bytes: guest.saturating_mul(GUEST_TIMES).saturating_add(OWN_BYTES),
            file_bytes: FILE_BYTES,
            open_files: OPEN_FILES,
            ..confine::Limits::default()
        };
        confine::limit(pid, limits)
    }

    /// Whether the kernel keeps it from every file.
    pub(super) fn is_confined(&self) -> bool {
        self.is_confined
    }

    /// Whether it has that component.
    pub(super) fn has(&self, code: &Code) -> bool {
        self.loaded.contains(&code.id)
    }

    /// Sends `run`, a frame, and before it the component if that is not there.
    pub(super) async fn begin(&mut self, code: &Code, run: &[u8]) -> io::Result<()> {
        // It has no word to say until it is asked.
        match self.line.try_read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.incoming.is_empty() => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(io::Error::other("it is gone, or speaks before it is asked")),
        }
        if self.has(code) {
            self.loaded.retain(|id| *id != code.id);
        } else {
            if self.loaded.len() >= COMPONENTS_MAX {
                let id = self.loaded.remove(0);
                self.send(&wire::frame(&ToWorker::Forget { id })?).await?;
            }
            let compiled = code.component.serialize().map_err(io::Error::other)?;
            self.send(&wire::frame_with(&ToWorker::Load { id: code.id }, &compiled)?).await?;
        }
        self.loaded.push(code.id);
        self.send(run).await
    }

    pub(super) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.line.write_all(frame).await
    }

    /// The body of the next frame. When this is dropped, nothing is lost.
    pub(super) async fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some((head, rest)) = self.incoming.split_first_chunk::<HEAD_BYTES>() {
                let length = wire::length(*head, FROM_WORKER_MAX)?;
                if let Some(body) = rest.get(..length) {
                    let body = body.to_vec();
                    self.incoming.drain(..HEAD_BYTES + length);
                    return Ok(body);
                }
                self.incoming.reserve(length - rest.len());
            }
            if self.line.read_buf(&mut self.incoming).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Kills it, if it lives; how it ended, and what it said before.
    pub(super) fn end(mut self) -> String {
        let status = self.kill();
        match self.last_words() {
            words if words.is_empty() => status,
            words => format!("{status}: {words}"),
        }
    }

    fn kill(&mut self) -> String {
        // Both fail only for a process that is not there any more.
        let _ = self.child.kill();
        self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// All who could write to it have ended, so this waits for nothing.
    fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(LAST_WORDS_BYTES as u64).read_to_end(&mut words);
        }
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        String::from_utf8_lossy(&words).trim().chars().map(plain).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the program with `line` on its stdin, seeing itself and its libraries, and nothing of our environment.
fn spawn(command: &WorkerCommand, line: Socket) -> io::Result<Child> {
    let WorkerCommand { program, args } = command;
    let (child, _) = confine::within(&view(program)?, || {
        Command::new(program)
            .args(args)
            .env_clear()
            .env(WORKER_ENV, "1")
            .current_dir("/")
            .stdin(OwnedFd::from(line))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    })?;
    // How far the kernel keeps to that, the worker says of what it does itself.
    Ok(child)
}

/// What the program needs until it is ready; then it gives that up, too. `/proc` tells the engine which pages of its own
/// memory were touched.
fn view(program: &Path) -> io::Result<View> {
    let mut read = vec![program.canonicalize()?];
    read.extend(
        LIBRARIES.iter().chain(&["/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu"]).map(PathBuf::from),
    );
    Ok(View { read, write: vec![PathBuf::from("/dev/null")], no_tcp: true })
}
