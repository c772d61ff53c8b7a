//! What a seed decides before anything runs: who wants what, how bad the world is, when the process dies.
//!
//! Every kind of fault is off in many seeds and frequent in a few: a world where everything fails a little
//! finds less than one where one thing fails a lot.

use fastrand::Rng;
use playhouse_core::{admission::Bounds, agent::AgentDef, id::SessionId};
use playhouse_ports::crash::{At, Point, Side};

pub(crate) use crate::agents::Caution;
use crate::{agents::agents, world::EPOCH_MS};

/// How often each fault happens, per thousand occasions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rates {
    pub(crate) model_error: u32,
    pub(crate) model_stall: u32,
    pub(crate) model_panic: u32,
    pub(crate) tool_error: u32,
    pub(crate) tool_hang: u32,
    pub(crate) tool_panic: u32,
    /// The journal refuses an append.
    pub(crate) refusal: u32,
    /// An append is durable, and its answer is lost.
    pub(crate) lost_ack: u32,
    /// The journal cannot be read for a moment.
    pub(crate) unreadable: u32,
    /// The journal panics under a planner.
    pub(crate) journal_panic: u32,
    /// A client's request, or its answer, is lost on the way.
    pub(crate) lost_message: u32,
    /// Per second: an actor is killed.
    pub(crate) killed_actor: u32,
    /// Per second: the clock jumps.
    pub(crate) clock_jump: u32,
    /// At each of the operator's looks: a task is paused.
    pub(crate) pause: u32,
    /// The disk fails an operation, or is full.
    pub(crate) disk_error: u32,
}

/// When the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// So many virtual milliseconds after its start.
    After(u64),
    /// At this passing of a crash point since its start.
    At(At),
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// As by `kill -9`: what was written stays, synced or not.
    Kill,
    /// As by a power cut: of what was not synced, nobody knows what stays.
    PowerLoss,
    /// Asked to stop, as by an operator.
    Drain,
}

/// One end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crash {
    pub(crate) when: When,
    pub(crate) how: How,
}

/// What one client wants.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// When it comes, in virtual milliseconds.
    pub(crate) at_ms: u64,
    pub(crate) input: String,
    pub(crate) session: Option<SessionId>,
    pub(crate) key: Option<String>,
    /// It changes its mind so long after it was accepted.
    pub(crate) cancel_after_ms: Option<u64>,
    /// The end of its patience, in milliseconds since 1970.
    pub(crate) until_ms: Option<u64>,
}

/// Everything decided beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rates: Rates,
    /// From then on nothing fails any more, in virtual milliseconds.
    pub(crate) faults_until_ms: u64,
    pub(crate) crashes: Vec<Crash>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) bounds: Bounds,
    /// How often, per thousand occasions, somebody tries something out.
    pub(crate) tinkering: u32,
    /// Calls of the model at once.
    pub(crate) permits: usize,
    /// Longest usual wait for anything outside, in virtual milliseconds.
    pub(crate) latency_ms: u64,
    pub(crate) agents: Vec<AgentDef>,
    /// When a person must be asked first.
    pub(crate) caution: Option<Caution>,
}

/// A rate: often nothing, sometimes a little, rarely a lot.
fn rate(rng: &mut Rng, most: u32) -> u32 {
    match rng.u32(..6) {
        0 => most,
        1 | 2 => most / 8,
        _ => 0,
    }
}

impl Plan {
    /// The plan of `seed`.
    pub(crate) fn of(seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let rates = Rates {
            model_error: rate(rng, 400),
            model_stall: rate(rng, 100),
            model_panic: rate(rng, 100),
            tool_error: rate(rng, 300),
            tool_hang: rate(rng, 100),
            tool_panic: rate(rng, 100),
            refusal: rate(rng, 80),
            lost_ack: rate(rng, 80),
            unreadable: rate(rng, 80),
            journal_panic: rate(rng, 40),
            lost_message: rate(rng, 200),
            killed_actor: rate(rng, 200),
            clock_jump: rate(rng, 80),
            disk_error: rate(rng, 16),
            pause: rate(rng, 300),
        };
        let faults_until_ms = rng.u64(20_000..60_000);
        let crashes = (0..rng.usize(..5)).map(|_| crash(rng)).collect();
        let wishes = (0..rng.usize(4..16)).map(|n| wish(rng, n)).collect();
        let bounds = Bounds {
            live_tasks: rng.usize(1..8),
            queued_tasks: rng.usize(1..8),
            input_bytes: 1024,
            watchers: rng.usize(4..16),
        };
        let (agents, caution) = agents(rng);
        let (permits, latency_ms) = (rng.usize(1..4), rng.u64(1..200));
        let tinkering = rate(rng, 400);
        Self {
            rates,
            faults_until_ms,
            crashes,
            wishes,
            bounds,
            tinkering,
            permits,
            latency_ms,
            agents,
            caution,
        }
    }

    /// The same without faults of its own.
    pub(crate) fn calm(&mut self) {
        (self.rates, self.crashes) = (Rates::default(), Vec::new());
    }
}

fn crash(rng: &mut Rng) -> Crash {
    let at_point = |rng: &mut Rng| {
        let point = *rng.choice(Point::ALL).expect("there are points");
        let side = if rng.bool() { Side::Before } else { Side::After };
        When::At(At { point, side, nth: rng.u64(1..40) })
    };
    let when = if rng.u32(..3) == 0 { When::After(rng.u64(1..15_000)) } else { at_point(rng) };
    let how = match rng.u32(..8) {
        0 => How::Drain,
        1..4 => How::Kill,
        _ => How::PowerLoss,
    };
    // A drain is somebody's wish, which comes at a time and not at a point.
    let when = if how == How::Drain { When::After(rng.u64(1..15_000)) } else { when };
    Crash { when, how }
}

fn wish(rng: &mut Rng, n: usize) -> Wish {
    let session = (rng.u32(..2) == 0).then(|| format!("session-{}", rng.u32(..3)));
    Wish {
        at_ms: rng.u64(..20_000),
        input: format!("wish {n}"),
        session: session.map(|name| SessionId::new(name).expect("letters, digits and a dash")),
        key: (rng.u32(..4) != 0).then(|| format!("key-{n}")),
        cancel_after_ms: (rng.u32(..5) == 0).then(|| rng.u64(..10_000)),
        until_ms: (rng.u32(..6) == 0).then(|| EPOCH_MS + rng.u64(10_000..90_000)),
    }
}
