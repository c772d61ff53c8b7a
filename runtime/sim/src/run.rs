//! One seed: life after life, until everything is done.

use std::{collections::BTreeSet, fmt};

use playhouse_core::digest;
use playhouse_ports::crash::{At, Point, Side};
use tokio::runtime::Builder;

use crate::{
    daemon::{End, live},
    hook::Here,
    oracle::{Broken, Invariant, Seen},
    panic::Injected,
    plan::{Crash, How, Plan, When},
    world::{Lie, World},
};

/// Lives that one run may take: planned crashes are at most five, and whoever gives up rests for a second.
const LIVES_MAX: u32 = 300;
/// Shortest and longest rest between two lives, in virtual milliseconds.
const REST_MS: std::ops::Range<u64> = 1_000..5_000;

/// How a run differs from what its seed alone decides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The first life loses its power here.
    pub first: Option<At>,
    /// The first life that comes by here loses its power, whatever the seed says.
    pub crash: Option<At>,
    /// A part of the world lies.
    pub lie: Option<Lie>,
    /// Nothing fails of itself; only what the options say.
    pub calm: bool,
}

/// What came of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// SHA-256 of the trace, in hex: equal for equal runs.
    pub digest: String,
    /// Everything that crossed a boundary, a line each.
    pub trace: String,
    /// What did not hold.
    pub broken: Option<Broken>,
    /// How often the process was started.
    pub lives: u32,
    /// Tasks that were accepted.
    pub tasks: usize,
    /// Effects that happened at the receiver.
    pub effects: usize,
    /// What the oracles for waiting had to look at.
    pub seen: Seen,
    /// Virtual milliseconds.
    pub virtual_ms: u64,
    /// Sides of crash points that were passed.
    pub passed: BTreeSet<(Point, Side)>,
    /// Points at which a life ended.
    pub died_at: BTreeSet<(Point, Side)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, digest, lives, tasks, effects, virtual_ms, .. } = self;
        let virtual_s = virtual_ms / 1000;
        write!(
            f,
            "seed {seed}: {tasks} tasks, {effects} effects, {lives} lives, {virtual_s} s, {}",
            &digest[..16]
        )?;
        match &self.broken {
            Some(broken) => write!(f, "\n  {broken}\n  again: make sim SEED={seed}"),
            None => Ok(()),
        }
    }
}

/// Runs one seed.
pub fn run(seed: u64, options: Options) -> Report {
    Injected::hush();
    let mut plan = Plan::of(seed);
    if options.calm {
        plan.calm();
    }
    let power_loss = |at| Crash { when: When::At(at), how: How::PowerLoss };
    plan.crashes.splice(0..0, options.first.map(power_loss));
    let world = World::new(seed, plan, options.lie);
    let _here = Here::enter(&world);
    let mut crashes = world.plan.crashes.clone().into_iter();
    let mut wanted = options.crash.map(power_loss);
    let mut died_at = BTreeSet::new();
    let mut lives = 0;
    loop {
        // Some points are passed only after another end, so that the seed's own ends come first and in turn.
        let crash = match lives % 2 {
            0 => crashes.next().or(wanted),
            _ => wanted.or_else(|| crashes.next()),
        };
        lives += 1;
        let end = one_life(&world, crash);
        if let (true, Some(Crash { when: When::At(at), .. })) = (world.met(), crash) {
            died_at.insert((at.point, at.side));
            wanted = wanted.filter(|wanted| Some(*wanted) != crash);
        }
        match end {
            End::Crashed(How::PowerLoss) => world.disk.lose_power(),
            End::Crashed(How::Kill | How::Drain) | End::Exited => {}
            End::Done | End::Broken => break,
        }
        if lives == LIVES_MAX {
            let what = format!("the process was started {lives} times");
            world.broken(Broken { invariant: Invariant::Liveness, what });
            break;
        }
        world.rest(world.chance(|rng| rng.u64(REST_MS)));
    }
    let trace = world.trace();
    let seen = world.oracle().seen();
    Report {
        seed,
        digest: digest::of_bytes(trace.as_bytes()),
        broken: world.verdict(),
        lives,
        tasks: world.oracle().tasks.len(),
        effects: world.receiver().count(),
        seen,
        virtual_ms: world.now_ms(),
        passed: world.seen(),
        died_at,
        trace,
    }
}

/// Starts the process, and drops all of it when its life is over.
fn one_life(world: &std::sync::Arc<World>, crash: Option<Crash>) -> End {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing of the machine");
    let end = runtime.block_on(async {
        let process = world.begin(crash);
        let end = live(&process, crash.map(|crash| (crash.when, crash.how))).await;
        process.note(format_args!("ends: {end:?}"));
        // Before the runtime is dropped, and with it every actor: the dying write nothing any more.
        world.die();
        end
    });
    drop(runtime);
    end
}
