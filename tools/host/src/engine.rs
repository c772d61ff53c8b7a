//! The engine, tuned for one thing: a fresh instance per call, thrown away afterwards.
//!
//! Instances come from a pool that is reserved once. Giving a slot back means restoring the few pages that were touched:
//! they stay resident and are found by a page-map scan, where the kernel offers one, so that most calls make no system
//! call at all. Compared with the engine's defaults this is about a quarter of the time per call, and unlike them it
//! scales over threads.
//!
//! A guest's code compares each address with the size of its memory, and no page of the pool is ever protected. With the
//! engine's defaults the page tables do the comparing: less code, and faster by up to a sixth where a guest does nothing
//! but compute. But then each growth, and each reset after one, changes the address space of the whole process, and every
//! other call waits for that: see `docs/decisions/0017-guests-check-addresses.md`.
//!
//! Two clocks end a call. *Fuel* counts what a guest computes: exact, the same on every machine, a receipt as well as a
//! limit. The *epoch* is wall time: a thread of its own advances it, and whenever it moves, running guests look at
//! their deadline and let others run. The thread sleeps while no guest runs, and is joined when the last owner of
//! the engine goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

use crate::limits::Limits;
use crate::trace::FRAMES_KEPT;

/// How often running guests look at the clock and let others run. With [`Limits::running`] guests that never end, on
/// two cores, it is each one's turn after 16 ms: the "little" by which a call may overrun its deadline.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Ticks without a new call after which the clock stops. Starting it again costs a call some microseconds.
const IDLE_TICKS: u32 = 100;
/// Memory that stays resident in a free slot, of what the call before wrote to: what is given back instead is faulted in again
/// by the next. A small tool writes to some ten KiB, a whole Python to a few MiB. Slots are few, so all of them together
/// keep a hundred MiB or so at worst.
const MEMORY_KEPT_BYTES: usize = 4 << 20;
const TABLE_KEPT_BYTES: usize = 128 << 10;
/// Core modules inside one component: the tool, and the adapters that the component encoder adds. `QuickJS` with its
/// stand-in for WASI is made of 13, `CPython` with its libraries of 38.
const CORE_INSTANCES_MAX: u32 = 64;
/// Memories and tables inside one component. A tool from Rust has one of each, one from an interpreter up to three; the
/// adapter for WASI puts up to three parts around it, each with a memory and two tables.
const MEMORIES_MAX: u32 = 6;
const TABLES_MAX: u32 = 14;
/// Tables of one core module. A module that was joined from several has the table of its functions and one of those that
/// are known only once there is an instance.
const MODULE_TABLES_MAX: u32 = 2;

/// An engine whose pool holds `limits.running` instances.
pub(crate) fn build(limits: &Limits) -> wasmtime::Result<Engine> {
    let slots = limits.running.max(1);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(MODULE_TABLES_MAX)
        .total_memories(slots.saturating_mul(MEMORIES_MAX))
        .total_tables(slots.saturating_mul(TABLES_MAX))
        .total_stacks(slots)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        .table_keep_resident(TABLE_KEPT_BYTES)
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        // These four are one decision: a memory is as large as the pool's slot and lies still, and the comparison alone
        // keeps it from the next one.
        .memory_reservation(u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX))
        .memory_guard_size(0)
        .memory_may_move(false)
        .signals_based_traps(false)
        .epoch_interruption(true)
        .consume_fuel(true)
        // The same arguments give the same bytes on every machine.
        .cranelift_nan_canonicalization(true)
        // Only a call that crashes pays for it.
        .wasm_backtrace_max_frames(Some(FRAMES_KEPT));
    switch_off_proposals(&mut config);
    Engine::new(&config)
}

/// What no tool needs is not there to be attacked. The cargo features `gc` and `threads` are on nevertheless, because
/// builds without them have bugs of their own in this release of the engine.
fn switch_off_proposals(config: &mut Config) {
    config
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        // What passes between the parts of one component is copied by code that the engine writes, and that sees the
        // memories of both. Without this proposal it writes it nevertheless, and panics over it when it compiles. The
        // pool bounds how many memories there are.
        .wasm_multi_memory(true)
        .concurrency_support(false);
}

/// Advances the epoch of an engine every [`TICK`] while guests run, until dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    /// Calls begun so far, and calls ended: guests run while they differ.
    begun: AtomicU64,
    ended: AtomicU64,
    sleeps: AtomicBool,
}

/// Keeps the clock going while a guest runs.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a State);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        let (engine, ticking) = (engine.clone(), Arc::clone(&state));
        let thread = std::thread::Builder::new().name("tool-epoch".into()).spawn(move || {
            let (mut seen, mut idle) = (0, 0);
            while !ticking.stop.load(Ordering::SeqCst) {
                std::thread::park_timeout(TICK);
                engine.increment_epoch();
                let begun = ticking.begun.load(Ordering::SeqCst);
                let is_idle = begun == seen && begun == ticking.ended.load(Ordering::SeqCst);
                (seen, idle) = (begun, if is_idle { idle + 1 } else { 0 });
                if idle > IDLE_TICKS {
                    idle = 0;
                    ticking.sleep(seen);
                }
            }
        })?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// A guest is about to run.
    pub(crate) fn begin(&self) -> Running<'_> {
        self.state.begun.fetch_add(1, Ordering::SeqCst);
        if self.state.sleeps.load(Ordering::SeqCst) {
            self.wake();
        }
        Running(&self.state)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl State {
    /// Until a call begins. Whoever begins one looks at `sleeps` after it has counted itself, and here it is the other
    /// way round, so that one of the two sees the other.
    fn sleep(&self, seen: u64) {
        self.sleeps.store(true, Ordering::SeqCst);
        while self.begun.load(Ordering::SeqCst) == seen && !self.stop.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.sleeps.store(false, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // The thread cannot panic, and there is nobody left to tell if it did.
            let _ = thread.join();
        }
    }
}
