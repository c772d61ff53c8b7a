//! Our supervisors: the same crash, with strategy, intensity, crash report and slot.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use playhouse_supervise::{
    DynamicSupervisor, Intensity, Restart, Shutdown, Slot, Strategy, Supervisor, shutdown, spawn, tell,
};
use ractor::{ActorId, ActorRef};

use crate::{
    Measured,
    probe::{Panic, Probe},
};

/// A restart that takes longer is lost.
const LOST: Duration = Duration::from_secs(10);
/// Others under the same supervisor.
const SIBLINGS: usize = 9;
/// As many as the program is told to cause, and more.
const PATIENT: Intensity = Intensity { max_restarts: u32::MAX, period_ms: 1 };

/// Waits for an actor other than `before`.
async fn next(slot: &Slot<Panic>, before: ActorId) -> anyhow::Result<ActorRef<Panic>> {
    loop {
        let actor = slot.wait(LOST).await?;
        if actor.get_id() != before {
            return Ok(actor);
        }
        // Its end is not known yet.
        tokio::task::yield_now().await;
    }
}

async fn crash(slot: &Slot<Panic>, crashes: u32, mut prepare: impl FnMut()) -> anyhow::Result<Vec<Duration>> {
    let mut actor = slot.wait(LOST).await?;
    let mut times = Vec::new();
    for _ in 0..crashes {
        prepare();
        let began = Instant::now();
        tell(&actor, Panic)?;
        actor = next(slot, actor.get_id()).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn ids(slots: &[Slot<Panic>]) -> anyhow::Result<Vec<ActorId>> {
    slots.iter().map(|slot| Ok(slot.get()?.get_id())).collect()
}

fn differing(before: &[ActorId], after: &[ActorId]) -> usize {
    before.iter().zip(after).filter(|(before, after)| before != after).count()
}

async fn fixed(name: &'static str, crashes: u32, bad_starts: u32) -> anyhow::Result<Measured> {
    let victim = Probe::default();
    let slots: Vec<Slot<Panic>> = (0..=SIBLINGS).map(|n| Slot::new(&format!("p{n}"))).collect();
    let child = |(at, slot): (usize, &Slot<Panic>)| {
        let probe = if at == SIBLINGS { victim.clone() } else { Probe::default() };
        slot.child(Restart::Permanent, Shutdown::secs(2), spawn(probe, ()))
    };
    let children = slots.iter().enumerate().map(child).collect();
    let root = Supervisor::new("root", Strategy::OneForOne, PATIENT, children).spawn_root().await?;
    let (others, hit) = (&slots[..SIBLINGS], &slots[SIBLINGS]);
    let before = ids(others)?;
    let times = crash(hit, crashes, || victim.bad_starts.store(bad_starts, Ordering::SeqCst)).await?;
    let disturbed = differing(&before, &ids(others)?);
    shutdown(&root.supervisor, LOST).await?;
    Ok(Measured { name, times, disturbed })
}

/// A child among siblings.
pub(crate) async fn one_for_one(crashes: u32) -> anyhow::Result<Measured> {
    fixed("ours, one_for_one", crashes, 0).await
}

/// The same, when its next start panics too: two crashes until it is back.
pub(crate) async fn panicking_in_pre_start(crashes: u32) -> anyhow::Result<Measured> {
    fixed("ours, and its pre_start panics once", crashes, 1).await
}

/// A child that was added later, as planners are.
pub(crate) async fn dynamic(crashes: u32) -> anyhow::Result<Measured> {
    let pool = Slot::new("pool");
    let dynamic = DynamicSupervisor::new(PATIENT, SIBLINGS + 1, |_| {});
    let child = dynamic.child(&pool, Restart::Permanent, Shutdown::secs(5));
    let root = Supervisor::new("root", Strategy::OneForOne, PATIENT, vec![child]).spawn_root().await?;
    let slots: Vec<Slot<Panic>> = (0..=SIBLINGS).map(|n| Slot::new(&format!("p{n}"))).collect();
    for slot in &slots {
        let spec = slot.child(Restart::Transient, Shutdown::secs(2), spawn(Probe::default(), ()));
        pool.start_child(spec, LOST).await?;
    }
    let (others, hit) = (&slots[..SIBLINGS], &slots[SIBLINGS]);
    let before = ids(others)?;
    let times = crash(hit, crashes, || {}).await?;
    let disturbed = differing(&before, &ids(others)?);
    shutdown(&root.supervisor, LOST).await?;
    Ok(Measured { name: "ours, dynamic", times, disturbed })
}
