//! What each limit costs: the same component on the bare engine with the host's settings, and with one of them missing.
//!
//! Two calls, each in a fresh instance: a short one, which shows what a limit costs to set up, and one that computes,
//! which shows what its checks cost in the guest's code. Variants take turns, so that what else the machine does hits all of
//! them alike.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use playhouse_benches::figures::{Figures, Spread};
use serde_json::{Value, json};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store,
    UpdateDeadline,
    component::{Component, InstancePre, Lift, Linker},
};

/// Rounds, and calls of each variant in each of them.
const ROUNDS: usize = 20;
const CALLS: usize = 250;

/// Of one instance.
const MEMORY_BYTES: usize = 64 << 20;

/// What is there beside the sandbox itself.
#[derive(Debug, Clone, Copy)]
struct Limits {
    what: &'static str,
    fuel: bool,
    epoch: bool,
    memory: bool,
    /// Whether the guest's code checks each address, or the page tables do.
    checks: bool,
    pool: bool,
    keep_bytes: usize,
}

/// As in the host.
const ALL: Limits = Limits {
    what: "all",
    fuel: true,
    epoch: true,
    memory: true,
    checks: true,
    pool: true,
    keep_bytes: 4 << 20,
};

const VARIANTS: [Limits; 8] = [
    ALL,
    Limits { what: "no fuel", fuel: false, ..ALL },
    Limits { what: "no epoch", epoch: false, ..ALL },
    Limits { what: "no limit of memory and tables", memory: false, ..ALL },
    Limits { what: "addresses checked by page tables", checks: false, ..ALL },
    Limits { what: "no fuel, epoch, limit of memory", fuel: false, epoch: false, memory: false, ..ALL },
    Limits { what: "all, nothing kept resident", keep_bytes: 0, ..ALL },
    Limits { what: "all, no pool", pool: false, ..ALL },
];

/// Prints a line for each variant.
pub(crate) async fn measure(figures: &Figures, component: &Path) -> Result<()> {
    let wasm = std::fs::read(component)?;
    let variants: Vec<_> =
        VARIANTS.iter().map(|limits| Variant::new(*limits, &wasm)).collect::<Result<_>>()?;
    let short = json!({ "expression": "37 * 12" });
    // As long as an expression may be, and with fractions that grow.
    let long =
        json!({ "expression": (2..170).map(|n| format!("1/{}", n % 13 + 1)).collect::<Vec<_>>().join("+") });
    let mut times = vec![(Vec::new(), Vec::new()); variants.len()];
    for _ in 0..ROUNDS {
        for (variant, (of_short, of_long)) in variants.iter().zip(&mut times) {
            for _ in 0..CALLS {
                of_short.push(variant.call(&short).await?);
                of_long.push(variant.call(&long).await?);
            }
        }
    }
    for (variant, (of_short, of_long)) in variants.iter().zip(times) {
        let [short, long] = [of_short, of_long].map(Spread::of);
        let [s50, s99, l50, l99] =
            [short.ms(50.0), short.ms(99.0), long.ms(50.0), long.ms(99.0)].map(|ms| ms * 1e3);
        let line = format!("short p50 {s50:.1} p99 {s99:.1} us, computing p50 {l50:.1} p99 {l99:.1} us");
        figures.note(&format!("on the bare engine, {}", variant.limits.what), line);
    }
    Ok(())
}

struct Variant {
    limits: Limits,
    engine: Engine,
    ready: InstancePre<Bounds>,
}

impl Variant {
    fn new(limits: Limits, wasm: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config
            .epoch_interruption(limits.epoch)
            .consume_fuel(limits.fuel)
            .cranelift_nan_canonicalization(true)
            .wasm_backtrace_max_frames(None)
            .concurrency_support(false);
        if limits.checks {
            config
                .memory_reservation(MEMORY_BYTES as u64)
                .memory_guard_size(0)
                .memory_may_move(false)
                .signals_based_traps(false);
        }
        if limits.pool {
            let mut pool = PoolingAllocationConfig::default();
            pool.total_component_instances(4)
                .total_stacks(4)
                .max_memory_size(MEMORY_BYTES)
                .linear_memory_keep_resident(limits.keep_bytes)
                .table_keep_resident(limits.keep_bytes)
                .pagemap_scan(Enabled::Auto);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let engine = Engine::new(&config).map_err(told)?;
        let component = Component::from_binary(&engine, wasm).map_err(told)?;
        let ready = Linker::new(&engine).instantiate_pre(&component).map_err(told)?;
        Ok(Self { limits, engine, ready })
    }

    /// How long a call takes, instance and all.
    async fn call(&self, arguments: &Value) -> Result<Duration> {
        let (arguments, began) = (arguments.to_string(), Instant::now());
        let mut store = Store::new(&self.engine, Bounds { memory_bytes: 0, table_elements: 0 });
        if self.limits.memory {
            store.limiter(|bounds| bounds);
        }
        if self.limits.fuel {
            store.set_fuel(5_000_000_000).map_err(told)?;
            store.fuel_async_yield_interval(Some(1_000_000)).map_err(told)?;
        }
        if self.limits.epoch {
            store.set_epoch_deadline(2);
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        }
        let instance = self.ready.instantiate_async(&mut store).await.map_err(told)?;
        let tool = instance
            .get_export_index(&mut store, None, "playhouse:tool/tool@1.0.0")
            .and_then(|tool| instance.get_export_index(&mut store, Some(&tool), "call"))
            .ok_or_else(|| anyhow!("it is no tool"))?;
        let call = instance
            .get_typed_func::<(&str,), (Result<String, ToolError>,)>(&mut store, tool)
            .map_err(told)?;
        let (answer,) = call.call_async(&mut store, (&arguments,)).await.map_err(told)?;
        drop(store);
        let took = began.elapsed();
        let answer = answer.map_err(|error| anyhow!("{error:?}"))?;
        ensure!(answer.starts_with("{\"result\":"), "{answer} is no result");
        Ok(took)
    }
}

/// The engine's error is of a kind of its own.
fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// Counts what a guest has of memories and tables, as the host does.
struct Bounds {
    memory_bytes: usize,
    table_elements: usize,
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, now: usize, then: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.memory_bytes += then - now;
        Ok(self.memory_bytes <= MEMORY_BYTES)
    }

    fn table_growing(&mut self, now: usize, then: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.table_elements += then - now;
        Ok(self.table_elements <= 10_000)
    }
}

/// As in `tools/wit/v1`.
#[derive(Debug, wasmtime::component::ComponentType, Lift)]
#[component(record)]
#[expect(dead_code, reason = "read in the message of a failure only")]
struct ToolError {
    kind: ErrorKind,
    message: String,
    #[component(name = "retry-after-ms")]
    retry_after_ms: Option<u32>,
}

#[derive(Debug, Clone, Copy, wasmtime::component::ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "made by the guest")]
enum ErrorKind {
    #[component(name = "invalid-input")]
    InvalidInput,
    #[component(name = "denied")]
    Denied,
    #[component(name = "not-found")]
    NotFound,
    #[component(name = "conflict")]
    Conflict,
    #[component(name = "unavailable")]
    Unavailable,
    #[component(name = "failed")]
    Failed,
}
