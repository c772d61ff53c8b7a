//! Runs a target without a fuzzer: on its seeds, and on what a seeded generator makes of them. For the tests of the crates
//! that the targets are about.

use std::fs;
use std::path::Path;

/// Inputs besides the seeds; `PLAYHOUSE_FUZZ_CASES` sets another number.
const CASES: u64 = 3_000;
/// Bytes of the longest input.
const BYTES_MAX: usize = 16 << 10;
/// What tends to be read differently.
const WORDS: [&str; 28] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\0",
    "%2e",
    "..",
    "/",
    "//",
    "@",
    "#",
    "?",
    "*",
    "\\u0000",
    "\\ud800",
    "1e999",
    "-0",
    "18446744073709551616",
    "null",
    "$ref",
    "\u{202e}",
    "\u{ff0e}",
    "é",
];

/// Calls `one` for each input of `target`, whose seeds are in `fuzz/seeds`.
pub(crate) fn each(target: &str, one: impl Fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&seeds).expect("the target has seeds").flatten().map(|file| file.path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).expect("it is a file")).collect();
    assert!(!seeds.is_empty(), "no seeds for {target}");
    seeds.iter().for_each(|seed| one(seed));
    let cases =
        std::env::var("PLAYHOUSE_FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    for case in 0..cases {
        let mut dice = Dice(case);
        let mut data = dice.one_of(&seeds).clone();
        for _ in 0..=dice.below(4) {
            dice.change(&mut data, &seeds);
        }
        data.truncate(BYTES_MAX);
        one(&data);
    }
}

/// SplitMix64: the same numbers for the same case.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// One change: a byte, a piece that is gone or twice there, a word, or a piece of another seed.
    fn change(&mut self, data: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let (from, length) = (self.below(data.len() + 1), self.below(24));
        let to = (from + length).min(data.len());
        match self.below(6) {
            0 if from < data.len() => data[from] ^= 1 << self.below(8),
            1 => drop(data.drain(from..to)),
            2 => {
                let piece = data[from..to].repeat(1 + self.below(40));
                data.splice(from..from, piece);
            }
            3 => {
                let other = self.one_of(seeds);
                let start = self.below(other.len() + 1);
                let end = (start + self.below(200)).min(other.len());
                data.splice(from..to, other[start..end].iter().copied());
            }
            _ => {
                let word = *self.one_of(&WORDS);
                data.splice(from..to.min(from + self.below(8)), word.bytes());
            }
        }
    }
}
