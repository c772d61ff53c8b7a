//! What the machine does to work that asks nothing of anybody: arithmetic that takes as long as a call. What is between its
//! median and its 99th percentile is the machine's own, and so is what two threads are short of twice one.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use playhouse_benches::figures::{Figures, Spread};

/// As long as a small call.
const SLICE: Duration = Duration::from_micros(10);
/// Slices that find out how much arithmetic that is.
const TRIALS: usize = 2_000;
/// Rounds of the first trials.
const ROUNDS: u64 = 10_000;

/// Times `slices` of them on one thread, then counts what one thread does in a second, and two.
pub(crate) fn measure(figures: &Figures, slices: usize) {
    let trial = Spread::of((0..TRIALS).map(|_| slice(ROUNDS)).collect());
    let rounds = (ROUNDS as f64 * SLICE.as_secs_f64() * 1e3 / trial.ms(50.0)).max(1.0) as u64;
    let one = Spread::of((0..slices).map(|_| slice(rounds)).collect());
    let (p50, p99) = (one.ms(50.0) * 1e3, one.ms(99.0) * 1e3);
    figures.note("as much arithmetic, for comparison", format!("p50 {p50:.1} p99 {p99:.1} us"));
    let scales = rate(rounds, 2) / rate(rounds, 1);
    figures.note("two threads of it, as a multiple of one", format!("{scales:.1}"));
}

/// How long so much arithmetic takes: each round waits for the one before.
fn slice(rounds: u64) -> Duration {
    let began = Instant::now();
    black_box(
        (0..black_box(rounds)).fold(1_u64, |sum, round| sum.wrapping_mul(6_364_136_223_846_793_005) ^ round),
    );
    began.elapsed()
}

/// Slices per second of so many threads.
fn rate(rounds: u64, threads: usize) -> f64 {
    let time = Duration::from_secs(1);
    let began = Instant::now();
    let lane = || {
        let mut slices = 0;
        while began.elapsed() < time {
            slice(rounds);
            slices += 1;
        }
        slices
    };
    let slices: u32 = thread::scope(|scope| {
        let lanes: Vec<_> = (0..threads).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().map(|lane| lane.join().expect("arithmetic does not panic")).sum()
    });
    f64::from(slices) / began.elapsed().as_secs_f64()
}
