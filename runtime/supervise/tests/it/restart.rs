//! Who is started again.

use playhouse_supervise::{Restart, Root, Status, Strategy};

use crate::probe::{Fault, LONG, Order, PATIENT, Probe, Stage, root, tree_when};

/// `a`, `b` and `c`, up.
async fn three(strategy: Strategy) -> (Root, Stage, [Probe; 3]) {
    let mut stage = Stage::new();
    let probes = stage.probes(["a", "b", "c"]);
    let root = root(strategy, PATIENT, probes.iter().map(Probe::permanent).collect()).await;
    stage.expect(["a up", "b up", "c up"]).await;
    (root, stage, probes)
}

#[tokio::test(start_paused = true)]
async fn one_for_one_leaves_siblings_undisturbed() {
    let (_root, mut stage, [a, b, c]) = three(Strategy::OneForOne).await;
    let before = [&a, &c].map(|probe| probe.slot.get().unwrap());
    for order in [Order::Panic, Order::Fail, Order::Kill] {
        b.tell(order);
        stage.expect(["b up"]).await;
        b.slot.wait(LONG).await.unwrap();
    }
    stage.expect_silence();
    assert_eq!([&a, &c].map(|probe| probe.slot.get().unwrap()), before);
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_exactly_those_after_it() {
    let (_root, mut stage, [a, b, c]) = three(Strategy::RestForOne).await;
    b.crash().await;
    stage.expect(["c down", "b up", "c up"]).await;
    c.crash().await;
    stage.expect(["c up"]).await;
    a.crash().await;
    stage.expect(["c down", "b down", "a up", "b up", "c up"]).await;
}

#[tokio::test(start_paused = true)]
async fn one_for_all_restarts_everybody_in_order() {
    let (_root, mut stage, [_, b, _]) = three(Strategy::OneForAll).await;
    b.tell(Order::Panic);
    stage.expect(["c down", "a down", "a up", "b up", "c up"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_of_a_restart_widens_it() {
    let (root, mut stage, [a, b, c]) = three(Strategy::RestForOne).await;
    c.tell(Order::Hang); // So that stopping it takes a while.
    tokio::task::yield_now().await;
    b.tell(Order::Panic);
    tree_when(&root, |tree| tree.at(&["c"]).unwrap().status == Status::Stopping).await;
    a.tell(Order::Panic);
    stage.expect(["a up", "b up", "c up"]).await;
    let tree =
        tree_when(&root, |tree| tree.children.iter().all(|child| child.status == Status::Running)).await;
    assert_eq!(tree.children.iter().map(|child| child.restarts).collect::<Vec<_>>(), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_has_no_reason_to_end() {
    let (_root, mut stage, [_, b, _]) = three(Strategy::OneForOne).await;
    b.tell(Order::Finish);
    stage.expect(["b down", "b up"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_transient_child_may_finish_and_a_temporary_one_may_fail() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.probes(["a", "b", "c"]);
    let children = vec![a.child(Restart::Transient), b.child(Restart::Temporary), c.permanent()];
    let root = root(Strategy::OneForAll, PATIENT, children).await;
    stage.expect(["a up", "b up", "c up"]).await;

    a.tell(Order::Panic);
    stage.expect(["c down", "b down", "a up", "c up"]).await; // Not `b`: temporary is for good.
    a.slot.wait(LONG).await.unwrap();
    a.tell(Order::Finish);
    stage.expect(["a down"]).await;
    let tree = tree_when(&root, |tree| tree.at(&["a"]).unwrap().status == Status::Down).await;
    assert_eq!(tree.at(&["b"]).unwrap().status, Status::Down);
    assert_eq!(tree.at(&["c"]).unwrap().status, Status::Running);
    stage.expect_silence();
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_fails_disturbs_nobody() {
    let mut stage = Stage::new();
    let [a, b] = stage.probes(["a", "b"]);
    let root = root(Strategy::OneForAll, PATIENT, vec![a.child(Restart::Temporary), b.permanent()]).await;
    stage.expect(["a up", "b up"]).await;
    a.tell(Order::Panic);
    let tree = tree_when(&root, |tree| tree.at(&["a"]).unwrap().status == Status::Down).await;
    assert_eq!(tree.at(&["a"]).unwrap().last_exit.as_deref(), Some("told to"));
    assert_eq!(tree.at(&["b"]).unwrap().status, Status::Running);
    stage.expect_silence();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_start_again_is_tried_again() {
    let (root, mut stage, [_, b, _]) = three(Strategy::RestForOne).await;
    for fault in [Fault::Fail, Fault::Panic, Fault::Hang] {
        b.plan(fault);
    }
    b.tell(Order::Panic);
    stage
        .expect(["c down", "b does not start", "b does not start", "b does not start", "b up", "c up"])
        .await;
    let tree = tree_when(&root, |tree| tree.at(&["c"]).unwrap().status == Status::Running).await;
    assert_eq!(tree.at(&["b"]).unwrap().restarts, 4);
    assert_eq!(tree.at(&["b"]).unwrap().last_exit.as_deref(), Some("it was not up within 60s"));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_dies_as_soon_as_it_is_up_is_not_lost() {
    let (root, mut stage, [_, b, _]) = three(Strategy::OneForOne).await;
    for _ in 0..3 {
        b.plan(Fault::PanicAfter);
    }
    b.tell(Order::Panic);
    stage.expect(["b up", "b up", "b up", "b up"]).await;
    let tree = tree_when(&root, |tree| tree.at(&["b"]).unwrap().restarts == 4).await;
    assert_eq!(tree.at(&["b"]).unwrap().last_exit.as_deref(), Some("up, but not for long"));
}
