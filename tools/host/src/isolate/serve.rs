//! The worker process: an engine, compiled code, and a line on stdin.
//!
//! It lives as long as the line. What it needs of the file system it has when it says that it is ready, and from then on
//! the kernel gives it nothing more: the confinement it was started in let it load its program, this one nothing at all.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::WORKER_ENV;
use super::seat::{Line, Seat};
use super::wire::{self, Fate, FromWorker, ToWorker};
use crate::engine::{self, Ticker};
use crate::imports::Import;
use crate::limits::Limits;
use crate::offers;
use crate::ready::{self, Job, Ready};

/// Whether this program can be started again as a worker.
static CAN_SERVE: AtomicBool = AtomicBool::new(false);

/// Call this first thing in `main`: in a process that was started to run tools it does so and never returns; in any
/// other it notes that this program can.
pub fn worker_entry() {
    if std::env::var_os(WORKER_ENV).is_none() {
        CAN_SERVE.store(true, Ordering::Relaxed);
        return;
    }
    // The status is for people; the daemon sees the line close.
    let code = match serve() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("tool worker: {error}");
            1
        }
    };
    std::process::exit(code);
}

/// Whether `main` has called [`worker_entry`].
pub(crate) fn can_serve() -> bool {
    CAN_SERVE.load(Ordering::Relaxed)
}

/// What a worker holds.
struct Worker {
    engine: Engine,
    ticker: Ticker,
    limits: Limits,
    loaded: HashMap<u64, Result<Ready<Seat>, String>>,
}

fn serve() -> io::Result<()> {
    let mut line = Line::of_stdin()?;
    let Some(start) = line.receive()? else { return Ok(()) };
    let ToWorker::Start { memory_bytes, table_elements } = wire::whole(&start)? else {
        return Err(io::Error::other("the first frame does not say how to start"));
    };
    let limits = Limits { memory_bytes, table_elements, running: 1, ..Limits::default() };
    let engine = engine::build(&limits).map_err(|error| io::Error::other(format!("{error:#}")))?;
    // Before there is another thread: each has a confinement of its own.
    let is_confined = shut_in()?;
    let ticker = Ticker::start(&engine)?;
    line.send(&FromWorker::Ready { is_confined })?;
    let mut worker = Worker { engine, ticker, limits, loaded: HashMap::new() };
    while let Some(body) = line.receive()? {
        match wire::open(&body)? {
            (ToWorker::Load { id }, code) => {
                let ready = worker.load(code).map_err(|error| format!("{error:#}"));
                worker.loaded.insert(id, ready);
            }
            (ToWorker::Forget { id }, _) => drop(worker.loaded.remove(&id)),
            (ToWorker::Run { id, fuel, job }, _) => line = worker.run(line, id, fuel, job)?,
            // The call that it was meant for had ended.
            (ToWorker::Stop, _) => {}
            (ToWorker::Start { .. } | ToWorker::Answer, _) => {
                return Err(io::Error::other("a frame that nobody waits for"));
            }
        }
    }
    Ok(())
}

/// Nothing of the file system, no socket and no other process from here on. Whether the kernel keeps to that: two of its
/// parts are asked, and each would do.
#[cfg(target_os = "linux")]
fn shut_in() -> io::Result<bool> {
    use playhouse_tools_confine::{Kept, View, restrict};
    let kept = restrict(&View { no_tcp: true, ..View::default() })?;
    let filtered = super::filter::apply();
    if let Err(why) = &filtered {
        eprintln!("tool worker: this kernel filters no system calls: {why}");
    }
    Ok(filtered.is_ok() || kept == Kept::Fully)
}

/// Elsewhere there is nothing to restrict with.
#[cfg(not(target_os = "linux"))]
fn shut_in() -> io::Result<bool> {
    Ok(false)
}

impl Worker {
    fn load(&self, code: &[u8]) -> wasmtime::Result<Ready<Seat>> {
        #[expect(unsafe_code, reason = "machine code is believed blindly; the daemon's word is all there is")]
        // SAFETY: the bytes are what `Component::serialize` returned in the daemon that started this process, which is
        // the same build; nobody else has the other end of the line.
        let component = unsafe { Component::deserialize(&self.engine, code) }?;
        let names = component.component_type();
        let imports: Vec<_> =
            names.imports(&self.engine).filter_map(|(name, _)| Import::named(name)).collect();
        Ready::new(offers::linker(&self.engine, &imports)?.instantiate_pre(&component)?)
    }

    /// Does a job, and says what became of it.
    fn run(&self, line: Line, id: u64, fuel: u64, job: Job<'_>) -> io::Result<Line> {
        let ready = self.loaded.get(&id).ok_or_else(|| io::Error::other("a job for what is not loaded"))?;
        let mut line = line;
        let ready = match ready {
            Ok(ready) => ready,
            Err(why) => {
                let said = Err(Fate::Crashed { words: why.clone(), trace: None });
                line.send(&FromWorker::Done { said, fuel })?;
                return Ok(line);
            }
        };
        let ticking = self.ticker.begin();
        let mut store = ready::store(&self.engine, Seat::new(line, self.limits), fuel);
        let said = ready::at_once(ready.run(&mut store, job));
        drop(ticking);
        let said = said.map_err(|error| store.data().fate(&error));
        let fuel = store.get_fuel().expect("the engine counts fuel");
        let mut line = store.into_data().line;
        if let Err(error) = line.send(&FromWorker::Done { said, fuel }) {
            line.send(&FromWorker::Done {
                said: Err(Fate::Crashed { words: error.to_string(), trace: None }),
                fuel,
            })?;
        }
        Ok(line)
    }
}
