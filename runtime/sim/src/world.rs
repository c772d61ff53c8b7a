//! The world outside the process: it goes on when the process dies.
//!
//! ```text
//!   World ─┬─ chance, time, trace          one seed decides all of it
//!          ├─ clients, receiver, disk      outlive every process
//!          ├─ oracle                       knows what was promised
//!          └─ Process 1 ✝  Process 2 ✝  Process 3 …   one tokio runtime each
//! ```
//!
//! Whatever the process reaches of the world it reaches through a [`Process`], which carries the number of
//! its life. Once that life is over, every such call waits for ever: the dead have no effect.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Arguments, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use playhouse_ports::{
    Clock,
    crash::{At, Point, Side},
};
use tokio::{sync::Notify, time::Instant};

use crate::{
    client::Client,
    disk::SimDisk,
    oracle::{Broken, Oracle},
    plan::{Crash, Plan, When},
    tools::Receiver,
};

/// The date at which every world begins, in milliseconds since 1970: any will do.
pub(crate) const EPOCH_MS: u64 = 1_800_000_000_000;

/// A lie that some part of the world tells, to show that the oracles notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// The disk says that it synced, and did not.
    SyncDoesNothing,
    /// The journal vouches for records before it has written them.
    AcknowledgesEarly,
    /// The journal answers, and never writes.
    DispatchesEarly,
    /// The tools' host makes every call twice.
    CallsTwice,
    /// After a restart the journal lists no open task.
    ForgetsOpenTasks,
    /// After a restart the journal does not know which session a task belongs to.
    ForgetsSessions,
    /// More calls are let through to the model than its permits.
    IgnoresPermits,
    /// The journal gives one task's last record another content.
    ChangesHistory,
    /// The journal takes the idempotency key out of every submission.
    ForgetsKeys,
    /// The agents' rules about who must agree first are not there.
    ForgetsApprovals,
    /// On the way a signal gets another id each time it is sent.
    ForgetsSignalIds,
    /// The process is told of a time that has not come.
    ClockRunsAhead,
    /// The journal finds nothing that is due.
    NeverRings,
    /// The journal says that it forgot a task, and did not.
    ForgetsNothing,
    /// A fork is made at another step than was asked for.
    ForksElsewhere,
    /// The journal keeps no note for who made a task that ends.
    ForgetsWakes,
}

/// Everything that outlives a process.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) lie: Option<Lie>,
    pub(crate) disk: SimDisk,
    pub(crate) died: Notify,
    chance: Mutex<Rng>,
    trace: Mutex<String>,
    life: Mutex<Life>,
    oracle: Mutex<Oracle>,
    receiver: Mutex<Receiver>,
    clients: Mutex<Vec<Client>>,
    broken: Mutex<Option<Broken>>,
    numbers: AtomicU64,
}

/// The process that is alive, if one is.
#[derive(Debug, Default)]
struct Life {
    number: u32,
    alive: bool,
    /// Virtual milliseconds before this life.
    before_ms: u64,
    since: Option<Instant>,
    skew_ms: i64,
    /// The farthest that the clock was ever ahead.
    most_skew_ms: i64,
    crash: Option<Crash>,
    /// How often each side of each point was passed in this life.
    passed: BTreeMap<(Point, Side), u64>,
    /// Every side that was passed in any life.
    seen: BTreeSet<(Point, Side)>,
    /// The planned crash that ended this life.
    met: bool,
    model_calls: usize,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // An injected panic never happens while one of these is held.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// The world of `plan`.
    pub(crate) fn new(seed: u64, plan: Plan, lie: Option<Lie>) -> Arc<Self> {
        let clients = plan.wishes.iter().cloned().map(Client::new).collect();
        Arc::new(Self {
            disk: SimDisk::new(seed, lie),
            lie,
            died: Notify::new(),
            chance: Mutex::new(Rng::with_seed(seed ^ 0x5eed)),
            trace: Mutex::default(),
            life: Mutex::default(),
            oracle: Mutex::new(Oracle::new(&plan)),
            receiver: Mutex::default(),
            clients: Mutex::new(clients),
            broken: Mutex::default(),
            numbers: AtomicU64::new(0),
            plan,
        })
    }

    /// Begins the next life, which will end as `crash` says, inside its runtime.
    pub(crate) fn begin(self: &Arc<Self>, crash: Option<Crash>) -> Process {
        let mut life = lock(&self.life);
        life.number += 1;
        life.alive = true;
        life.since = Some(Instant::now());
        life.crash = crash;
        life.met = false;
        life.model_calls = 0;
        life.passed.clear();
        let process = Process { world: self.clone(), number: life.number };
        drop(life);
        process.note(format_args!("begins"));
        process
    }

    /// Ends the life at once: from here on nothing that the process does has an effect.
    pub(crate) fn die(&self) {
        let now_ms = self.now_ms();
        let mut life = lock(&self.life);
        (life.alive, life.before_ms, life.since) = (false, now_ms, None);
        self.died.notify_one();
    }

    /// The time between two lives.
    pub(crate) fn rest(&self, ms: u64) {
        lock(&self.life).before_ms += ms;
    }

    /// Virtual milliseconds since the world began.
    pub(crate) fn now_ms(&self) -> u64 {
        let life = lock(&self.life);
        let lived = life.since.map_or(Duration::ZERO, |since| since.elapsed());
        life.before_ms + u64::try_from(lived.as_millis()).expect("a simulated life is short")
    }

    /// Whether things may still go wrong.
    pub(crate) fn is_faulty(&self) -> bool {
        self.now_ms() < self.plan.faults_until_ms
    }

    /// A number that was not there before.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A decision that the seed makes.
    pub(crate) fn chance<T>(&self, decide: impl FnOnce(&mut Rng) -> T) -> T {
        decide(&mut lock(&self.chance))
    }

    pub(crate) fn oracle(&self) -> MutexGuard<'_, Oracle> {
        lock(&self.oracle)
    }

    pub(crate) fn receiver(&self) -> MutexGuard<'_, Receiver> {
        lock(&self.receiver)
    }

    pub(crate) fn clients(&self) -> MutexGuard<'_, Vec<Client>> {
        lock(&self.clients)
    }

    /// Notes that an invariant does not hold, and ends the run. The first one counts.
    pub(crate) fn broken(&self, broken: Broken) {
        let mut first = lock(&self.broken);
        if first.is_none() {
            self.write(0, format_args!("BROKEN {broken}"));
            *first = Some(broken);
        }
        self.died.notify_one();
    }

    /// The same, unless it holds.
    pub(crate) fn check(&self, holds: Result<(), Broken>) {
        if let Err(broken) = holds {
            self.broken(broken);
        }
    }

    /// What did not hold, if anything.
    pub(crate) fn verdict(&self) -> Option<Broken> {
        lock(&self.broken).clone()
    }

    /// Everything that crossed a boundary, a line each.
    pub(crate) fn trace(&self) -> String {
        lock(&self.trace).clone()
    }

    /// Every side of every point that was passed.
    pub(crate) fn seen(&self) -> BTreeSet<(Point, Side)> {
        lock(&self.life).seen.clone()
    }

    /// Whether the planned crash came about in this life.
    pub(crate) fn met(&self) -> bool {
        lock(&self.life).met
    }

    fn write(&self, number: u32, what: Arguments<'_>) {
        let now_ms = self.now_ms();
        writeln!(lock(&self.trace), "{now_ms:>8} {number} {what}").expect("a string takes everything");
    }

    /// A crash point is passed; the process may end here.
    pub(crate) fn pass(&self, point: Point, side: Side) {
        let ends = {
            let mut life = lock(&self.life);
            if !life.alive {
                return;
            }
            life.seen.insert((point, side));
            let nth = life.passed.entry((point, side)).or_default();
            *nth += 1;
            let here = When::At(At { point, side, nth: *nth });
            life.met |= life.crash.is_some_and(|crash| crash.when == here);
            life.met.then_some(life.number)
        };
        if let Some(number) = ends {
            self.write(number, format_args!("dies {} {side:?}", point.name()));
            self.die();
        }
    }
}

/// One life of the process, as its parts reach the world.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) world: Arc<World>,
    number: u32,
}

impl Process {
    /// Whether this life is not over.
    pub(crate) fn is_alive(&self) -> bool {
        let life = lock(&self.world.life);
        life.alive && life.number == self.number
    }

    /// Which life, from 1.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Goes on only in this life.
    pub(crate) async fn gate(&self) {
        if !self.is_alive() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits, and goes on only in this life.
    pub(crate) async fn wait(&self, ms: u64) {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.gate().await;
    }

    /// Waits as long as things outside usually take.
    pub(crate) async fn latency(&self) {
        let most = self.world.plan.latency_ms;
        let ms = self.world.chance(|rng| match rng.u32(..16) {
            0 => rng.u64(..most * 10),
            1..8 => rng.u64(..most),
            _ => 0,
        });
        self.wait(ms).await;
    }

    /// Whether a fault of this rate happens now.
    pub(crate) fn fails(&self, per_mille: u32) -> bool {
        per_mille > 0 && self.world.is_faulty() && self.world.chance(|rng| rng.u32(..1000)) < per_mille
    }

    /// Notes what crossed a boundary.
    pub(crate) fn note(&self, what: Arguments<'_>) {
        if self.is_alive() {
            self.world.write(self.number, what);
        }
    }

    /// Sets the process's clock forwards or back.
    pub(crate) fn jump(&self, ms: i64) {
        let mut life = lock(&self.world.life);
        life.skew_ms += ms;
        life.most_skew_ms = life.most_skew_ms.max(life.skew_ms);
        drop(life);
        self.note(format_args!("clock jumps by {ms} ms"));
    }

    /// Sets the process's clock to where it never has to be set back again.
    pub(crate) fn set_right(&self) {
        let life = lock(&self.world.life);
        let behind_ms = life.most_skew_ms - life.skew_ms;
        drop(life);
        if behind_ms > 0 {
            self.jump(behind_ms);
        }
    }

    /// Counts the model calls that are running now.
    pub(crate) fn model_calls(&self, change: isize) -> usize {
        let mut life = lock(&self.world.life);
        if life.number == self.number {
            life.model_calls = life.model_calls.saturating_add_signed(change);
        }
        life.model_calls
    }

    /// The time on the machine's clock, in milliseconds since 1970.
    pub(crate) fn clock_ms(&self) -> u64 {
        let skew = lock(&self.world.life).skew_ms;
        (EPOCH_MS + self.world.now_ms()).saturating_add_signed(skew)
    }
}

impl Clock for Process {
    fn now_ms(&self) -> u64 {
        let ahead = u64::from(self.world.lie == Some(Lie::ClockRunsAhead));
        self.clock_ms() + ahead * self.world.now_ms() / 4
    }
}
