//! How fast a crashed actor is back, beside a bare ractor supervisor that does nothing but respawn (F6).
//!
//! ```text
//! restarts [--crashes 10000]
//! ```
//!
//! A crash is a panic in the handler; the clock runs from the message that causes it until the next actor
//! is up and can be reached. Every way of being supervised is measured in turn, in the same process.
//! Ends with 1 when a promise is broken.

#![expect(clippy::print_stdout, reason = "the table is this program's output")]

mod bare;
mod ours;
mod probe;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

/// The promise: 99 of 100 restarts are no slower.
const P99_MAX: Duration = Duration::from_millis(10);

/// Measures restarts.
#[derive(Debug, Parser)]
struct Args {
    /// Crashes of each kind.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    crashes: u32,
}

/// Restarts of one kind, and how many siblings noticed.
struct Measured {
    name: &'static str,
    times: Vec<Duration>,
    disturbed: usize,
}

impl Measured {
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort();
        sorted[(sorted.len() - 1) * percent / 100]
    }

    fn print(&self) {
        let [p50, p99, max] = [50, 99, 100].map(|percent| self.percentile(percent).as_secs_f64() * 1e6);
        println!("{:<34} {p50:>9.1} {p99:>9.1} {max:>10.1} {:>10}", self.name, self.disturbed);
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Args { crashes } = Args::parse();
    // Printing 40,000 expected panics would be most of what is measured, on both sides.
    std::panic::set_hook(Box::new(|_| {}));
    let measured = [
        bare::respawned(crashes).await?,
        ours::one_for_one(crashes).await?,
        ours::panicking_in_pre_start(crashes).await?,
        ours::dynamic(crashes).await?,
    ];
    println!("{:<34} {:>9} {:>9} {:>10} {:>10}", "µs until back", "p50", "p99", "max", "disturbed");
    measured.iter().for_each(Measured::print);
    let kept = measured.iter().all(|one| one.percentile(99) <= P99_MAX && one.disturbed == 0);
    println!(
        "{crashes} crashes each; p99 at most {P99_MAX:?} and no sibling disturbed: {}",
        if kept { "kept" } else { "BROKEN" }
    );
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
