//! Who starts and stops when.

use std::time::Duration;

use playhouse_supervise::{Restart, Shutdown, Strategy, Supervisor, shutdown, spawn};
use tokio::time::Instant;

use crate::probe::{Fault, LONG, Order, PATIENT, Stage, root};

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.probes(["a", "b", "c"]);
    let children = vec![a.permanent(), b.permanent(), c.permanent()];
    let mut root = root(Strategy::OneForOne, PATIENT, children).await;
    stage.expect(["a up", "b up", "c up"]).await;

    shutdown(&root.supervisor, LONG).await.unwrap();
    stage.expect(["c down", "b down", "a down"]).await;
    assert_eq!(root.ended().await, Ok(()));
    assert_eq!(root.ended().await, Ok(()), "it may be asked twice");
    assert!(b.slot.get().is_err());
}

#[tokio::test(start_paused = true)]
async fn nested_supervisors_start_and_stop_in_their_place() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.probes(["a", "b", "c", "d"]);
    let inner = Supervisor::new("inner", Strategy::OneForAll, PATIENT, vec![b.permanent(), c.permanent()]);
    let children = vec![a.permanent(), inner.child(Restart::Permanent), d.permanent()];
    let root = root(Strategy::RestForOne, PATIENT, children).await;
    stage.expect(["a up", "b up", "c up", "d up"]).await;
    shutdown(&root.supervisor, LONG).await.unwrap();
    stage.expect(["d down", "c down", "b down", "a down"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_in_time_is_killed() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.probes(["a", "b", "c"]);
    let root = root(Strategy::OneForOne, PATIENT, vec![a.permanent(), b.permanent(), c.permanent()]).await;
    stage.expect(["a up", "b up", "c up"]).await;
    b.tell(Order::Hang);
    tokio::task::yield_now().await;

    let before = Instant::now();
    shutdown(&root.supervisor, LONG).await.unwrap();
    stage.expect(["c down", "a down"]).await;
    assert_eq!(before.elapsed().as_secs(), 5, "its five seconds, and not one more");
}

#[tokio::test(start_paused = true)]
async fn a_child_may_ask_to_be_killed_at_once() {
    let mut stage = Stage::new();
    let [a, b] = stage.probes(["a", "b"]);
    let brutal = b.slot.child(Restart::Permanent, Shutdown::Kill, spawn(b.clone(), ()));
    let root = root(Strategy::OneForOne, PATIENT, vec![a.permanent(), brutal]).await;
    stage.expect(["a up", "b up"]).await;
    let before = Instant::now();
    shutdown(&root.supervisor, LONG).await.unwrap();
    stage.expect(["a down"]).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_the_middle_of_a_restart_leaves_nobody_behind() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.probes(["a", "b", "c"]);
    let children = vec![a.permanent(), b.permanent(), c.permanent()];
    let mut root = root(Strategy::RestForOne, PATIENT, children).await;
    stage.expect(["a up", "b up", "c up"]).await;
    b.plan(Fault::Hang);
    b.tell(Order::Panic);
    stage.expect(["c down", "b does not start"]).await;

    let before = Instant::now();
    shutdown(&root.supervisor, LONG).await.unwrap();
    stage.expect(["a down"]).await;
    assert_eq!((root.ended().await, before.elapsed().as_secs()), (Ok(()), 0));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_runs_out_of_time_says_so() {
    let mut stage = Stage::new();
    let [a, b] = stage.probes(["a", "b"]);
    let mut root = root(Strategy::OneForOne, PATIENT, vec![a.permanent(), b.permanent()]).await;
    stage.expect(["a up", "b up"]).await;
    b.tell(Order::Hang);
    tokio::task::yield_now().await;

    assert!(shutdown(&root.supervisor, Duration::from_secs(1)).await.is_err());
    stage.expect_silence(); // Both were killed.
    assert!(root.ended().await.is_err());
}
