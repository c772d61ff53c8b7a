//! `wasi:clocks` on `clock`, and `wasi:random` on `random`.
//!
//! There is no sleep in the contract. A component that waits for an instant finds itself there at once: the monotonic clock
//! jumps, and the wall clock, which others read too, does not.

use std::cell::Cell;

use crate::Adapter;
use crate::bindings::exports::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::exports::wasi::io::poll;
use crate::bindings::exports::wasi::random::{insecure, insecure_seed, random};
use crate::bindings::playhouse::tool::{clock, random as host};
use crate::io::Pollable;

const NANOS_PER_MS: u64 = 1_000_000;
/// Bytes of one request to the host.
const RANDOM_MAX: u64 = 64 << 10;

thread_local! {
    /// What was told last, which is never told again as something earlier.
    static LATEST: Cell<u64> = const { Cell::new(0) };
    /// How far waiting has moved the monotonic clock.
    static AHEAD: Cell<u64> = const { Cell::new(0) };
}

/// Nanoseconds of the monotonic clock.
pub(crate) fn now() -> u64 {
    let now = clock::now_ms().saturating_mul(NANOS_PER_MS).saturating_add(AHEAD.get());
    LATEST.set(LATEST.get().max(now));
    LATEST.get()
}

/// Lets time pass until `instant`.
pub(crate) fn jump(instant: u64) {
    let missing = instant.saturating_sub(now());
    AHEAD.set(AHEAD.get().saturating_add(missing));
    LATEST.set(LATEST.get().max(instant));
}

impl monotonic_clock::Guest for Adapter {
    fn now() -> u64 {
        now()
    }

    fn resolution() -> u64 {
        NANOS_PER_MS
    }

    fn subscribe_instant(when: u64) -> poll::Pollable {
        Pollable::At(when).export()
    }

    fn subscribe_duration(when: u64) -> poll::Pollable {
        Pollable::At(now().saturating_add(when)).export()
    }
}

impl wall_clock::Guest for Adapter {
    fn now() -> wall_clock::Datetime {
        let now = clock::now_ms();
        let nanoseconds = u32::try_from((now % 1_000) * NANOS_PER_MS).unwrap_or_default();
        wall_clock::Datetime { seconds: now / 1_000, nanoseconds }
    }

    fn resolution() -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 0, nanoseconds: NANOS_PER_MS as u32 }
    }
}

fn bytes(len: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < len {
        let missing = (len - bytes.len() as u64).min(RANDOM_MAX);
        let more = host::bytes(missing as u32);
        assert!(!more.is_empty(), "the host gives at least one byte");
        bytes.extend(more);
    }
    bytes
}

fn number() -> u64 {
    bytes(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl random::Guest for Adapter {
    fn get_random_bytes(len: u64) -> Vec<u8> {
        bytes(len)
    }

    fn get_random_u64() -> u64 {
        number()
    }
}

impl insecure::Guest for Adapter {
    fn get_insecure_random_bytes(len: u64) -> Vec<u8> {
        bytes(len)
    }

    fn get_insecure_random_u64() -> u64 {
        number()
    }
}

impl insecure_seed::Guest for Adapter {
    fn insecure_seed() -> (u64, u64) {
        (number(), number())
    }
}
