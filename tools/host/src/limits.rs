//! What one call may use, and how many calls there are at once.

use std::ops::RangeInclusive;
use std::time::Duration;

use playhouse_core::egress::HttpLimits;
use serde::{Deserialize, Deserializer};

/// Bytes of a request's body that may be granted: a tool hands the whole of it over at once. 4 MiB: times all calls that
/// run at once it is still far from the memory of a small machine.
pub const REQUEST_BYTES_MAX: u64 = 4 << 20;

/// What one call may use. Reaching any of these is a typed error, not a crash.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest a call may take, waiting for a free slot included; a request may ask for less. Read from
    /// `wall_ms`.
    #[serde(rename = "wall_ms", deserialize_with = "milliseconds")]
    pub wall: Duration,
    /// Bytes of linear memory of one instance.
    pub memory_bytes: usize,
    /// Elements of all tables of one instance.
    pub table_elements: usize,
    /// Bytes of the arguments as JSON.
    pub input_bytes: usize,
    /// Bytes of the output as JSON.
    pub output_bytes: usize,
    /// What it may compute, in fuel: about one unit per instruction of the guest, the same for the same work on every
    /// machine. A second of a processor is some ten thousand million.
    pub fuel: u64,
    /// Calls from the guest to the host.
    pub host_calls: u32,
    /// Random bytes.
    pub random_bytes: u64,
    /// Bytes of lines for the log; those beyond are dropped.
    pub log_bytes: usize,
    /// Tools that wait for each other: a tool that a model calls, the one that it calls, and so on.
    pub depth: u32,
    /// Calls that run at the same time. More than there are cores, so that one slow call does not hold up quick ones;
    /// few enough that all of them together, at `memory_bytes` each, fit the machine.
    pub running: u32,
    /// Calls that wait for a slot. One more is turned away at once: a longer queue would only time out later.
    pub waiting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(10),
            memory_bytes: 64 << 20,
            table_elements: 10_000,
            input_bytes: 64 << 10,
            output_bytes: 256 << 10,
            // Several times what a large text or table takes, and below half a second of a processor.
            fuel: 5_000_000_000,
            host_calls: 256,
            random_bytes: 64 << 10,
            log_bytes: 16 << 10,
            depth: 4,
            running: 32,
            waiting: 1_024,
        }
    }
}

/// A key, what it is set to, and what it can be.
type Row = (&'static str, fn(&Limits) -> u64, RangeInclusive<u64>);

/// What can be set, in the units of the keys. A wait of an hour is a mistake; a memory is at most a quarter of what an
/// address of a guest reaches, and so many of them as `running` says still fit into the addresses of a process.
const RANGES: [Row; 8] = [
    ("wall_ms", |it| it.wall.as_millis() as u64, 1..=3_600_000),
    ("memory_bytes", |it| it.memory_bytes as u64, 64 << 10..=1 << 30),
    ("table_elements", |it| it.table_elements as u64, 0..=100_000),
    ("input_bytes", |it| it.input_bytes as u64, 2..=REQUEST_BYTES_MAX),
    ("output_bytes", |it| it.output_bytes as u64, 2..=REQUEST_BYTES_MAX),
    ("depth", |it| it.depth.into(), 0..=16),
    ("running", |it| it.running.into(), 1..=1_024),
    ("waiting", |it| it.waiting.into(), 0..=65_536),
];

impl Limits {
    /// Whether these can be kept.
    ///
    /// # Errors
    /// The first that cannot, and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let mut values = RANGES.iter().map(|(key, value, range)| (key, value(self), range));
        match values.find(|(_, value, range)| !range.contains(value)) {
            None => Ok(()),
            Some((key, value, range)) => {
                Err(format!("`{key}` is {value}; it can be {} to {}", range.start(), range.end()))
            }
        }
    }

    /// Whether a call can hold the bodies that `granted` lets it send and receive; what to change if not.
    pub(crate) fn hold(&self, granted: &HttpLimits) -> Result<(), String> {
        let HttpLimits { request_bytes, response_bytes, .. } = *granted;
        if request_bytes > REQUEST_BYTES_MAX {
            return Err(format!(
                "`request_bytes` is {request_bytes}, and a tool hands over at most {REQUEST_BYTES_MAX} bytes of a \
                 body: grant less"
            ));
        }
        if response_bytes > self.memory_bytes as u64 {
            return Err(format!(
                "`response_bytes` is {response_bytes}, and the memory of a call has {} bytes: grant less",
                self.memory_bytes
            ));
        }
        Ok(())
    }
}

fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}
