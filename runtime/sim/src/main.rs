//! Runs seeds, many at once, and says how to repeat the first that fails.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
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
    let (next, failed) = (AtomicU64::new(arguments.from), AtomicBool::new(false));
    let (virtual_ms, lives) = (AtomicU64::new(0), AtomicU64::new(0));
    let end = arguments.from + arguments.seeds;
    let began = Instant::now();
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
            let report: Report = run(seed, options);
            virtual_ms.fetch_add(report.virtual_ms, Ordering::Relaxed);
            lives.fetch_add(u64::from(report.lives), Ordering::Relaxed);
            if report.broken.is_some() {
                failed.store(true, Ordering::Relaxed);
                println!("{report}");
            }
        }
    };
    std::thread::scope(|scope| (0..arguments.jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
    let took = began.elapsed().as_secs_f64();
    let (seeds, hours) = (arguments.seeds, virtual_ms.into_inner() / 3_600_000);
    let failed = failed.into_inner();
    println!(
        "{seeds} seeds in {took:.1} s ({:.0} per second), {} lives, {hours} virtual hours: {}",
        seeds as f64 / took,
        lives.into_inner(),
        if failed { "some failed" } else { "all hold" },
    );
    failed
}
