//! When a restart does not help.

use std::time::Duration;

use playhouse_supervise::{Intensity, Restart, RootError, Strategy, Supervisor};
use tokio::time::advance;

use crate::probe::{Fault, Order, PATIENT, Stage, root, tree_when};

/// Two restarts in ten seconds, not three.
const IMPATIENT: Intensity = Intensity { max_restarts: 2, period_ms: 10_000 };

#[tokio::test(start_paused = true)]
async fn too_many_failures_stop_the_siblings_in_reverse_and_fail_the_supervisor() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.probes(["a", "b", "c"]);
    let children = vec![a.permanent(), b.permanent(), c.permanent()];
    let mut root = root(Strategy::OneForOne, IMPATIENT, children).await;
    stage.expect(["a up", "b up", "c up"]).await;
    for _ in 0..2 {
        b.crash().await;
        stage.expect(["b up"]).await;
    }
    b.crash().await;
    stage.expect(["c down", "a down"]).await;
    let Err(RootError::Escalated(escalation)) = root.ended().await else { panic!("it should have failed") };
    assert_eq!(
        escalation.to_string(),
        "`b` of `root` failed once more after 2 restarts within 10000 ms: told to"
    );
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_far_between_are_bearable() {
    let mut stage = Stage::new();
    let a = stage.probe("a");
    let _root = root(Strategy::OneForOne, IMPATIENT, vec![a.permanent()]).await;
    stage.expect(["a up"]).await;
    for _ in 0..10 {
        a.crash().await;
        stage.expect(["a up"]).await;
        advance(Duration::from_secs(6)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_start_again_escalates() {
    let mut stage = Stage::new();
    let a = stage.probe("a");
    let mut root = root(Strategy::OneForOne, IMPATIENT, vec![a.permanent()]).await;
    a.plan(Fault::Fail);
    a.plan(Fault::Fail);
    a.tell(Order::Panic);
    stage.expect(["a up", "a does not start", "a does not start"]).await;
    assert!(matches!(root.ended().await, Err(RootError::Escalated(why)) if why.reason == "no luck"));
}

#[tokio::test(start_paused = true)]
async fn the_supervisor_above_applies_its_own_strategy() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.probes(["a", "b", "c", "d"]);
    let inner = Supervisor::new("inner", Strategy::OneForOne, IMPATIENT, vec![b.permanent(), c.permanent()]);
    let children = vec![a.permanent(), inner.child(Restart::Permanent), d.permanent()];
    let root = root(Strategy::RestForOne, PATIENT, children).await;
    stage.expect(["a up", "b up", "c up", "d up"]).await;
    for _ in 0..2 {
        b.crash().await;
        stage.expect(["b up"]).await;
    }
    b.crash().await;
    stage.expect(["c down", "d down", "b up", "c up", "d up"]).await; // And `a` never noticed.

    let tree = tree_when(&root, |tree| tree.at(&["inner", "c"]).is_some()).await;
    let inner = tree.at(&["inner"]).unwrap();
    assert_eq!(inner.restarts, 1);
    assert!(inner.last_exit.as_deref().unwrap().starts_with("`b` of `inner` failed once more"));
    assert_eq!(tree.at(&["inner", "b"]).unwrap().restarts, 0, "a new supervisor counts afresh");
}

#[tokio::test(start_paused = true)]
async fn what_no_level_can_bear_ends_the_tree() {
    let mut stage = Stage::new();
    let [a, b] = stage.probes(["a", "b"]);
    let never = Intensity { max_restarts: 0, period_ms: 1000 };
    let inner = Supervisor::new("inner", Strategy::OneForOne, never, vec![b.permanent()]);
    let children = vec![a.permanent(), inner.child(Restart::Permanent)];
    let mut root = root(Strategy::OneForOne, never, children).await;
    stage.expect(["a up", "b up"]).await;
    b.tell(Order::Panic);
    stage.expect(["a down"]).await;
    let Err(RootError::Escalated(escalation)) = root.ended().await else { panic!("it should have failed") };
    assert_eq!((&*escalation.supervisor, &*escalation.child), ("root", "inner"));
    assert!(escalation.reason.contains("`b` of `inner`"), "{}", escalation.reason);
}
