//! Which upkeep is due: a function of sizes, and of nothing else.
//!
//! ```text
//!            what lives  index       log
//! promised      1        ────────── 4, and 256 MiB ──────────
//! begins                 ────── 3.5, and the allowance ──────     something is done about it
//! the log                            1.5, and half of it          as far as cleaning goes
//! the index              2.5, and the allowance                   made anew beyond that only
//! ```
//!
//! The index keeps within 1.8 to 2.3 times what lives by itself, so the log may have 1.5 times. Less would be cleaned
//! sooner, and cost more: of a log that has `n` times what lives, one byte in `n` is written again for each that goes.

/// The promise: disk at most so many times what lives …
const TIMES_LIVE: u64 = 4;
/// … and this much besides.
const BESIDES: u64 = 256 << 20;

/// What is taken for the index, in percent of what lives, when it is asked whether anything is to be done.
const INDEX_PERCENT: u64 = 200;

/// What is done about waste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// The oldest segment of the log goes; what still counts in it is written again at the end.
    Clean,
    /// All rows go to a new log and a new index, and files of large values that none names go: cleaning does not help.
    Generation,
}

/// How things are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sizes {
    /// Keys and values there are.
    pub(crate) live: u64,
    /// Segments of the log that can be cleaned.
    pub(crate) closed: u64,
    /// The rest of the log.
    pub(crate) open: u64,
    pub(crate) index: u64,
    /// Files that a row named until lately.
    pub(crate) freed: u64,
    /// Log and index right after this generation was made; 0 if that was before this start.
    pub(crate) fresh: u64,
    /// How large the log may be, in percent of what lives.
    pub(crate) log_percent: u64,
    /// The allowance: waste below which nothing is done …
    pub(crate) waste: u64,
    /// … and that of the index.
    pub(crate) index_waste: u64,
}

impl Sizes {
    fn total(&self) -> u64 {
        self.closed + self.open + self.index + self.freed
    }

    /// From where something is done.
    fn most(&self) -> u64 {
        self.live * (self.log_percent + INDEX_PERCENT) / 100 + self.waste
    }

    pub(crate) fn due(&self) -> Due {
        if self.total() <= self.most() {
            return Due::Nothing;
        }
        if 0 < self.closed && self.live * self.log_percent / 100 + self.waste / 2 < self.closed + self.open {
            return Due::Clean;
        }
        // Where even a fresh one takes more, it must have grown by an eighth.
        let is_worth_it = self.fresh / 8 * 9 < self.total();
        let kept = self.index + self.open + self.freed;
        if is_worth_it && self.live * 5 / 2 + self.index_waste < kept {
            Due::Generation
        } else {
            Due::Nothing
        }
    }

    /// Whether what is done must not wait: half of the way from where it begins to the promise is gone.
    pub(crate) fn is_urgent(&self) -> bool {
        let promised = TIMES_LIVE * self.live + BESIDES;
        let most = self.most();
        most + promised.saturating_sub(most) / 2 < self.total()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::ProptestConfig, prop_assert, proptest};

    use super::*;

    const MIB: u64 = 1 << 20;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn upkeep_is_due_before_the_promise_is_broken_and_leads_to_where_none_is(
            live in 0..4096u64, closed in 0..16384u64, open in 0..16u64, freed in 0..512u64, index_percent in 0..400u64,
        ) {
            let (live, index) = (live * MIB, live * MIB * index_percent / 100 + 8 * MIB);
            let (closed, open, freed) = (closed * MIB, open * MIB, freed * MIB);
            let mut sizes = Sizes { live, closed, open, index, freed, fresh: 0, log_percent: 150, waste: 16 * MIB, index_waste: 16 * MIB };
            let is_near = TIMES_LIVE * live + BESIDES < sizes.total();
            prop_assert!(!is_near || sizes.is_urgent());
            let mut steps = 0;
            while sizes.due() != Due::Nothing {
                // Nothing is due of what is within the bounds.
                prop_assert!(sizes.most() < sizes.total());
                match sizes.due() {
                    Due::Clean => sizes.closed = sizes.closed.saturating_sub(16 * MIB),
                    _ => {
                        (sizes.closed, sizes.open, sizes.index) = (live, 0, live * 9 / 5 + 12 * MIB);
                        sizes.freed = 0;
                        sizes.fresh = sizes.total();
                    }
                }
                steps += 1;
                prop_assert!(steps < 4096, "it never ends: {sizes:?}");
            }
            prop_assert!(sizes.total() <= sizes.most() || sizes.index + sizes.open + sizes.freed <= live * 5 / 2 + 16 * MIB);
            prop_assert!(sizes.total() <= TIMES_LIVE * live + BESIDES, "{sizes:?}");
        }
    }

    #[test]
    fn an_index_that_keeps_its_bound_is_never_made_anew() {
        for live in [0, 64, 300, 1024, 8192].map(|mib| mib * MIB) {
            let index = live * 23 / 10 + 12 * MIB;
            for log in 0..64 {
                let closed = live * log / 16;
                let sizes = Sizes {
                    live,
                    closed,
                    index,
                    log_percent: 150,
                    waste: 16 * MIB,
                    index_waste: 16 * MIB,
                    ..Sizes::default()
                };
                assert_ne!(sizes.due(), Due::Generation, "{sizes:?}");
            }
        }
    }

    #[test]
    fn what_was_live_and_is_gone_gives_the_index_back() {
        let sizes = Sizes {
            live: MIB,
            open: MIB,
            index: 500 * MIB,
            waste: 16 * MIB,
            index_waste: 16 * MIB,
            ..Sizes::default()
        };
        assert_eq!(sizes.due(), Due::Generation);
        assert_eq!(Sizes { closed: 900 * MIB, ..sizes }.due(), Due::Clean);
        assert_eq!(Sizes { index: 4 * MIB, freed: 100 * MIB, ..sizes }.due(), Due::Generation);
        // It takes what it takes.
        assert_eq!(Sizes { fresh: 490 * MIB, ..sizes }.due(), Due::Nothing);
    }
}
