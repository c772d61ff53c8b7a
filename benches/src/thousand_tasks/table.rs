//! What is printed: a row per phase, then what was asked of the figures.

use super::{args::Args, parts::Measured, phase::Phase};

/// Rows so far, and what they must meet.
#[derive(Debug)]
pub(crate) struct Table {
    tasks: usize,
    rounds: u32,
    rss_mb_max: u64,
    /// How many times the bare loop's processor time a task may take, and in which row.
    cpu_ratio_max: (usize, f64),
    /// Processor time of the last bare row, in ms per task, and of the one before it.
    floor_ms: Option<f64>,
    other_floor_ms: Option<f64>,
    /// What was found, in words, and whether it is as it must be.
    findings: Vec<(bool, String)>,
}

impl Table {
    /// Prints what is measured and the head of the table.
    pub(crate) fn begin(args: &Args) -> Self {
        let model = if args.in_process { "in process" } else { "over loopback HTTP, not streamed" };
        println!(
            "{} tasks, {} rounds of one call of `{}` and an answer; the model {model}, thinking {} ms",
            args.tasks,
            args.rounds,
            args.tool.name(),
            args.latency_ms
        );
        println!(
            "{:>8}  {:<15} {:>11} {:>8} {:>12} {:>7} {:>12} {:>13} {:>10}",
            "at once",
            "",
            "correct",
            "wall s",
            "CPU ms/task",
            "x bare",
            "peak RSS MB",
            "before it MB",
            "records/s"
        );
        Self {
            tasks: args.tasks,
            rounds: args.rounds,
            rss_mb_max: args.rss_mb_max,
            cpu_ratio_max: (args.concurrency.min(args.tasks), args.cpu_ratio_max),
            floor_ms: None,
            other_floor_ms: None,
            findings: Vec::new(),
        }
    }

    /// Adds a row of the bare loop, beside which what follows is seen.
    pub(crate) fn bare(&mut self, name: &str, at_once: usize, measured: Measured) {
        self.other_floor_ms = self.floor_ms.replace(self.ms_per_task(&measured.0));
        self.row(name, at_once, &measured);
    }

    /// Adds the row of the runtime.
    pub(crate) fn playhouse(&mut self, at_once: usize, measured: Measured) {
        self.row("playhouse", at_once, &measured);
        let (row, most) = self.cpu_ratio_max;
        if let (Some(floor_ms), Some(other_ms), true) = (self.floor_ms, self.other_floor_ms, at_once == row) {
            let cpu_ms = self.ms_per_task(&measured.0);
            let (ratio, other) = (cpu_ms / floor_ms, cpu_ms / other_ms);
            self.findings.push((
                ratio <= most,
                format!(
                    "{at_once} at once: {ratio:.2} times the bare loop's processor time, at most {most:.2} \
                     ({other:.2} times that of one with its allocator)"
                ),
            ));
        }
        let peak = mb(measured.0.peak_kb);
        let most = self.rss_mb_max as f64;
        self.findings
            .push((peak <= most, format!("{at_once} at once: peak RSS {peak:.0} MB, at most {most:.0}")));
    }

    /// Prints what was asked and what was found; whether all of it is well.
    pub(crate) fn verdict(&self) -> bool {
        for (good, finding) in &self.findings {
            println!("{} {finding}", if *good { "PASS" } else { "FAIL" });
        }
        self.findings.iter().all(|(good, _)| *good)
    }

    fn ms_per_task(&self, phase: &Phase) -> f64 {
        phase.cpu.as_secs_f64() * 1000.0 / self.tasks as f64
    }

    fn row(&mut self, name: &str, at_once: usize, (phase, seen): &Measured) {
        let cpu_ms = self.ms_per_task(phase);
        let ratio = self.floor_ms.map_or("-".to_owned(), |floor| format!("{:.1}", cpu_ms / floor));
        let rate = match phase.records {
            0 => "-".to_owned(),
            records => format!("{:.0}", records as f64 / phase.wall.as_secs_f64()),
        };
        println!(
            "{at_once:>8}  {name:<15} {:>11} {:>8.2} {cpu_ms:>12.3} {ratio:>7} {:>12.1} {:>13.1} {rate:>10}",
            format!("{}/{}", phase.correct, self.tasks),
            phase.wall.as_secs_f64(),
            mb(phase.peak_kb),
            mb(phase.before_kb),
        );
        let wrong = phase.wrong.as_ref().map(|wrong| format!(" ({wrong})")).unwrap_or_default();
        let all = phase.correct == self.tasks;
        let answers = format!(
            "{at_once} at once, {name}: {} of {} answers are right{wrong}",
            phase.correct, self.tasks
        );
        self.findings.push((all, answers));
        if let Some(seen) = seen {
            let wanted = self.rounds + 1;
            let even = seen.tasks == self.tasks && seen.uneven == 0;
            let requests = format!(
                "{at_once} at once, {name}: the mock saw {} requests of {} tasks; {} made other than {wanted}",
                seen.requests, seen.tasks, seen.uneven
            );
            self.findings.push((even, requests));
        }
    }
}

fn mb(kb: u64) -> f64 {
    kb as f64 * 1024.0 / 1e6
}
