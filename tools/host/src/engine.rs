//! The engine, tuned for one thing: a fresh instance per call, thrown away afterwards.
//!
//! Instances come from a pool that is reserved once. Giving a slot back means restoring the few pages that were touched:
//! they stay resident and are found by a page-map scan, where the kernel offers one, so that most calls make no system
//! call at all. Compared with the engine's defaults this is about a quarter of the time per call, and unlike them it
//! scales over threads.
//!
//! A thread of its own advances the epoch; running guests look at their deadline whenever it moves. It is joined when
//! the last owner of the engine goes.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

use crate::config::Limits;

/// How often running guests look at the clock: the "little" by which a call may overrun its deadline.
pub(crate) const TICK: Duration = Duration::from_millis(5);
/// Memory that stays resident in a free slot. Most calls of a small tool touch less.
const KEEP_RESIDENT_BYTES: usize = 128 << 10;
/// Core modules inside one component: the tool, and the adapters that the component encoder adds.
const CORE_INSTANCES_MAX: u32 = 8;
/// Memories and tables inside one component. A tool from Rust has one of each, one from an interpreter up to three.
const MEMORIES_MAX: u32 = 3;
const TABLES_MAX: u32 = 8;

/// An engine whose pool holds `limits.running` instances.
pub(crate) fn build(limits: &Limits) -> wasmtime::Result<Engine> {
    let slots = limits.running.max(1);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .total_memories(slots.saturating_mul(MEMORIES_MAX))
        .total_tables(slots.saturating_mul(TABLES_MAX))
        .total_stacks(1)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        .epoch_interruption(true)
        // The same arguments give the same bytes on every machine.
        .cranelift_nan_canonicalization(true)
        // A trap is classified, not debugged: backtraces cost more than the call.
        .wasm_backtrace_max_frames(None);
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
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .concurrency_support(false);
}

/// Advances the epoch of an engine every [`TICK`], until dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (engine, stopped) = (engine.clone(), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("tool-epoch".into()).spawn(move || {
            let (stop, changed) = &*stopped;
            let mut stop = stop.lock().expect("nothing panics while holding this lock");
            while !*stop {
                (stop, _) = changed.wait_timeout(stop, TICK).expect("as above");
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let (stop, changed) = &*self.stop;
        if let Ok(mut stop) = stop.lock() {
            *stop = true;
            changed.notify_all();
        }
        if let Some(thread) = self.thread.take() {
            // The thread cannot panic, and there is nobody left to tell if it did.
            let _ = thread.join();
        }
    }
}
