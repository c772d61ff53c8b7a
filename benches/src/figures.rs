//! Figures, and what was asked of them.

use std::{fs, process::ExitCode, time::Duration};

/// Prints figures as they come and remembers whether each is as it must be.
#[derive(Debug, Default)]
pub struct Figures {
    missed: usize,
}

impl Figures {
    /// Begins a run: says what is measured, and how busy the machine is with other things.
    #[expect(clippy::print_stdout, reason = "figures are what a bench is for")]
    pub fn begin(what: &str) -> Self {
        println!("{what}");
        println!("     load average at the start: {}", load_average());
        Self::default()
    }

    /// A figure that nothing is asked of.
    #[expect(clippy::print_stdout, reason = "figures are what a bench is for")]
    pub fn note(&self, what: &str, value: impl std::fmt::Display) {
        println!("     {what}: {value}");
    }

    /// A figure that must be `floor` or more.
    pub fn at_least(&mut self, what: &str, value: f64, floor: f64, unit: &str) {
        self.check(value >= floor, &format!("{what}: {value:.1} {unit} (at least {floor:.1})"));
    }

    /// A figure that must be `ceiling` or less.
    pub fn at_most(&mut self, what: &str, value: f64, ceiling: f64, unit: &str) {
        self.check(value <= ceiling, &format!("{what}: {value:.2} {unit} (at most {ceiling:.2})"));
    }

    /// Something that must hold.
    #[expect(clippy::print_stdout, reason = "figures are what a bench is for")]
    pub fn check(&mut self, holds: bool, what: &str) {
        println!("{} {what}", if holds { "PASS" } else { "FAIL" });
        self.missed += usize::from(!holds);
    }

    /// Ends the run: 1 when a figure was not as it must be.
    pub fn verdict(self) -> ExitCode {
        self.note("load average at the end", load_average());
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// How busy the machine was in the last 1, 5 and 15 minutes.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// How a duration was spread over many measurements.
#[derive(Debug, Clone)]
pub struct Spread(Vec<Duration>);

impl Spread {
    /// Of these measurements.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of the measurements did not exceed, in milliseconds; 0 when nothing was
    /// measured.
    pub fn ms(&self, percent: f64) -> f64 {
        let last = self.0.len().saturating_sub(1) as f64;
        let at = (last * percent / 100.0).round() as usize;
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (count, [p50, p99, max]) = (self.count(), [50.0, 99.0, 100.0].map(|percent| self.ms(percent)));
        write!(f, "p50 {p50:.2} ms, p99 {p99:.2} ms, at most {max:.2} ms ({count} measured)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_knows_its_middle_and_its_end() {
        let spread = Spread::of((1..=101).rev().map(Duration::from_millis).collect());
        assert_eq!([0.0, 50.0, 99.0, 100.0].map(|percent| spread.ms(percent)), [1.0, 51.0, 100.0, 101.0]);
        assert_eq!(Spread::of(Vec::new()).ms(50.0), 0.0);
    }
}
