//! Runs seeds, many at once, and says how to repeat the first that fails.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use playhouse_ports::crash::At;
use playhouse_sim::{Options, Report, run};

/// The production actors in a simulated world that one seed decides.
#[derive(Debug, Parser)]
struct Arguments {
    /// Run this seed alone, and print what happened.
    #[arg(long)]
    seed: Option<u64>,
    /// Run so many seeds.
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Seeds at once; a world needs one core.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    jobs: usize,
    /// Let the first process die here, such as `append:before:3`.
    #[arg(long)]
    crash: Option<At>,
    /// Print everything that crossed a boundary.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options { crash: arguments.crash, ..Options::default() };
    let failed = match arguments.seed {
        Some(seed) => one(seed, options, arguments.trace),
        None => many(&arguments, options),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[expect(clippy::print_stdout, reason = "this is a command line")]
fn one(seed: u64, options: Options, trace: bool) -> bool {
    let report = run(seed, options);
    if trace {
        print!("{}", report.trace);
    }
    println!("{report}");
    report.broken.is_some()
}

#[expect(clippy::print_stdout, reason = "this is a command line")]
fn many(arguments: &Arguments, options: Options) -> bool {
    let (next, end) = (AtomicU64::new(arguments.from), arguments.from + arguments.seeds);
    let reports = Mutex::new(BTreeMap::new());
    let began = Instant::now();
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
            let report = run(seed, options);
            if report.broken.is_some() {
                println!("{report}");
            }
            // Traces of twenty thousand seeds would fill the memory.
            let report = Report { trace: String::new(), ..report };
            reports.lock().unwrap_or_else(PoisonError::into_inner).insert(seed, report);
        }
    };
    std::thread::scope(|scope| (0..arguments.jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
    let took = began.elapsed().as_secs_f64();
    let reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    let sum = |of: fn(&Report) -> u64| reports.values().map(of).sum::<u64>();
    let failed = reports.values().filter(|report| report.broken.is_some()).count();
    // One number for all of them, to compare two machines or two runs.
    let digests: String = reports.values().map(|report| report.digest.as_str()).collect();
    println!(
        "{} seeds in {took:.1} s ({:.0} per second): {} lives, {} tasks, {} virtual hours, {failed} failed, {}",
        arguments.seeds,
        arguments.seeds as f64 / took,
        sum(|report| u64::from(report.lives)),
        sum(|report| report.tasks as u64),
        sum(|report| report.virtual_ms) / 3_600_000,
        &playhouse_core::digest::of_bytes(digests.as_bytes())[..16],
    );
    failed > 0
}
