//! What is printed: shares per file and kind, the first failures, the floors, the rates.

use std::time::Duration;

use playhouse_core::model::Usage;

use crate::play::{Episode, Played};

/// Figures so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    episodes: usize,
    wall: Duration,
    usage: Usage,
    /// Each file's verdict, and whether it is above its floor.
    verdicts: Vec<(bool, String)>,
}

impl Report {
    /// Prints the head of the table.
    pub(crate) fn begin() -> Self {
        println!("{:<10} {:<12} {:>5} {:>7} {:>7}", "file", "kind", "n", "passed", "%");
        Self::default()
    }

    /// Prints the rows of a file and the first failures.
    pub(crate) fn file(&mut self, name: &str, floor: f64, played: &Played, failures: usize) {
        let mut kinds: Vec<&str> = Vec::new();
        for episode in &played.episodes {
            if !kinds.contains(&episode.kind.as_str()) {
                kinds.push(&episode.kind);
            }
        }
        for kind in kinds {
            row(name, kind, played.episodes.iter().filter(|episode| episode.kind == kind));
        }
        let share = row(name, "all", played.episodes.iter());
        let failed =
            played.episodes.iter().filter_map(|episode| Some((episode, episode.verdict.as_ref().err()?)));
        for (episode, wrong) in failed.take(failures) {
            println!("    {} {wrong}", episode.id);
        }
        self.verdicts
            .push((share >= floor, format!("{name}: {share:.1} %, at least {floor:.0} % must pass")));
        self.episodes += played.episodes.len();
        self.wall += played.wall;
        for episode in &played.episodes {
            self.usage += episode.usage;
        }
    }

    /// Prints rates and verdicts; whether every floor is met.
    pub(crate) fn end(&self) -> bool {
        let seconds = self.wall.as_secs_f64();
        let evaluated = self.usage.input_tokens.saturating_sub(self.usage.cached_tokens);
        println!("{:.1} episodes/s ({} in {seconds:.1} s)", self.episodes as f64 / seconds, self.episodes);
        println!(
            "prompt tokens: {evaluated} evaluated, {} taken from the cache; {} generated ({:.0}/s)",
            self.usage.cached_tokens,
            self.usage.output_tokens,
            self.usage.output_tokens as f64 / seconds
        );
        for (good, verdict) in &self.verdicts {
            println!("{} {verdict}", if *good { "PASS" } else { "FAIL" });
        }
        self.verdicts.iter().all(|(good, _)| *good)
    }
}

/// Prints one row; the share that passed, in percent.
fn row<'a>(file: &str, kind: &str, episodes: impl Iterator<Item = &'a Episode>) -> f64 {
    let (mut all, mut passed) = (0u32, 0u32);
    for episode in episodes {
        all += 1;
        passed += u32::from(episode.verdict.is_ok());
    }
    let share = 100.0 * f64::from(passed) / f64::from(all.max(1));
    println!("{file:<10} {kind:<12} {all:>5} {passed:>7} {share:>7.1}");
    share
}
