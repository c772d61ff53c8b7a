//! Children that come and go.

use std::time::Duration;

use playhouse_supervise::{
    DynamicMsg, DynamicSupervisor, GaveUp, Intensity, Restart, Root, Shutdown, Slot, StartChildError, Status,
    Strategy, shutdown, spawn,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::probe::{Fault, LONG, Order, PATIENT, Probe, Stage, root, tree_when};

/// What a task may do to itself before it is set aside.
const THREE_A_MINUTE: Intensity = Intensity { max_restarts: 2, period_ms: 60_000 };

/// A root with a dynamic supervisor of at most 200, and what it has given up.
async fn troupe(intensity: Intensity) -> (Root, Slot<DynamicMsg>, UnboundedReceiver<GaveUp>) {
    let (given_up, rest) = unbounded_channel();
    let troupe = Slot::new("troupe");
    let supervisor = DynamicSupervisor::new(intensity, 200, move |gave_up| given_up.send(gave_up).unwrap());
    let spec = supervisor.child(&troupe, Restart::Permanent, Shutdown::secs(20));
    (root(Strategy::OneForOne, PATIENT, vec![spec]).await, troupe, rest)
}

async fn add(troupe: &Slot<DynamicMsg>, probe: &Probe) {
    troupe.start_child(probe.child(Restart::Transient), LONG).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_keeps_failing_is_given_up_and_the_others_live() {
    let (_root, troupe, mut given_up) = troupe(THREE_A_MINUTE).await;
    let mut stage = Stage::new();
    let [bad, good] = stage.probes(["bad", "good"]);
    add(&troupe, &bad).await;
    add(&troupe, &good).await;
    let before = good.slot.get().unwrap();
    for _ in 0..3 {
        bad.crash().await;
    }
    let expected = GaveUp { child: "bad".into(), reason: "told to".into(), restarts: 2 };
    assert_eq!(given_up.recv().await, Some(expected));
    stage.expect(["bad up", "good up", "bad up", "bad up"]).await;
    assert_eq!(good.slot.get().unwrap(), before);

    add(&troupe, &bad).await; // Its id is free again, and its history forgotten.
    bad.tell(Order::Panic);
    stage.expect(["bad up", "bad up"]).await;
    assert!(given_up.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_finishes_or_is_stopped_is_forgotten() {
    let (root, troupe, mut given_up) = troupe(THREE_A_MINUTE).await;
    let mut stage = Stage::new();
    let [a, b] = stage.probes(["a", "b"]);
    add(&troupe, &a).await;
    add(&troupe, &b).await;
    a.tell(Order::Finish);
    troupe.stop_child("b", LONG).await.unwrap();
    troupe.stop_child("nobody", LONG).await.unwrap();
    stage.expect(["a up", "b up", "a down", "b down"]).await;
    tree_when(&root, |tree| tree.at(&["troupe"]).unwrap().children.is_empty()).await;
    assert!(given_up.try_recv().is_err(), "nobody failed");
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_fails_is_given_up_at_once() {
    let (_root, troupe, mut given_up) = troupe(THREE_A_MINUTE).await;
    let a = Stage::new().probe("a");
    troupe.start_child(a.child(Restart::Temporary), LONG).await.unwrap();
    a.tell(Order::Fail);
    assert_eq!(given_up.recv().await.map(|gave_up| gave_up.restarts), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_start_is_an_answer_not_a_failure() {
    let (_root, troupe, mut given_up) = troupe(THREE_A_MINUTE).await;
    let a = Stage::new().probe("a");
    for fault in [Fault::Fail, Fault::Panic] {
        a.plan(fault);
        let refused = troupe.start_child(a.permanent(), LONG).await;
        assert!(matches!(refused, Err(StartChildError::Failed(error)) if error.child == "a"));
    }
    add(&troupe, &a).await;
    let refused = troupe.start_child(a.permanent(), LONG).await;
    assert!(matches!(refused, Err(StartChildError::Exists(_))));
    assert!(given_up.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_children_is_bounded() {
    let (_root, troupe, _given_up) = troupe(THREE_A_MINUTE).await;
    let stage = Stage::new();
    for number in 0..200 {
        add(&troupe, &stage.probe(&number.to_string())).await;
    }
    let refused = troupe.start_child(stage.probe("more").permanent(), LONG).await;
    assert!(matches!(refused, Err(StartChildError::Full { max: 200, .. })));
    troupe.stop_child("7", LONG).await.unwrap();
    add(&troupe, &stage.probe("more")).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_start_keeps_nobody_waiting() {
    let (root, troupe, _given_up) = troupe(THREE_A_MINUTE).await;
    let stage = Stage::new();
    let [slow, quick] = stage.probes(["slow", "quick"]);
    slow.plan(Fault::Hang);
    let both = async {
        add(&troupe, &quick).await;
        tree_when(&root, |tree| tree.at(&["troupe", "slow"]).unwrap().status == Status::Starting).await;
    };
    tokio::select! {
        biased;
        _ = troupe.start_child(slow.permanent(), LONG) => panic!("it hangs for a minute"),
        () = both => {}
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_child_learns_that_it_was_stopped_meanwhile() {
    let (_root, troupe, _given_up) = troupe(THREE_A_MINUTE).await;
    let mut stage = Stage::new();
    let a = stage.probe("a");
    let (its_start, hasty) = (spawn(a.clone(), ()), troupe.clone());
    let unwanted = a.slot.child(Restart::Transient, Shutdown::secs(5), move |supervisor| {
        let (starting, hasty) = (its_start(supervisor), hasty.clone());
        async move {
            let _ = hasty.stop_child("a", Duration::ZERO).await; // Sent, and not waited for.
            starting.await
        }
    });
    let outcome = troupe.start_child(unwanted, LONG).await;
    assert!(matches!(outcome, Err(StartChildError::Stopped(_))), "{outcome:?}");
    stage.expect(["a up", "a down"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_child_stopped_while_it_starts_is_stopped_once_it_is_up() {
    let (_root, troupe, _given_up) = troupe(PATIENT).await;
    let mut stage = Stage::new();
    let a = stage.probe("a");
    add(&troupe, &a).await;
    a.plan(Fault::Hang); // Up at the second try, a minute later.
    a.tell(Order::Panic);
    stage.expect(["a up", "a does not start"]).await;
    troupe.stop_child("a", LONG).await.unwrap();
    stage.expect_silence();
    assert!(a.slot.get().is_err());
}

#[tokio::test(flavor = "multi_thread")] // Real threads, for real races.
async fn a_hundred_rapid_panics_of_many_children_leave_their_siblings_alone() {
    let (root, troupe, mut given_up) = troupe(PATIENT).await;
    let stage = Stage::new();
    let bad: Vec<Probe> = (0..20).map(|number| stage.probe(&format!("bad-{number:02}"))).collect();
    let good: Vec<Probe> = (0..20).map(|number| stage.probe(&format!("good-{number:02}"))).collect();
    for probe in bad.iter().chain(&good) {
        add(&troupe, probe).await;
    }
    let before: Vec<_> = good.iter().map(|probe| probe.slot.get().unwrap()).collect();
    for _ in 0..100 {
        for probe in &bad {
            probe.crash().await;
        }
    }
    let tree = tree_when(&root, |tree| {
        let troupe = tree.at(&["troupe"]).unwrap();
        troupe.children.iter().all(|child| child.status == Status::Running)
            && troupe.children[..20].iter().all(|child| child.restarts == 100)
    });
    assert_eq!(tree.await.at(&["troupe"]).unwrap().children.len(), 40);
    assert_eq!(good.iter().map(|probe| probe.slot.get().unwrap()).collect::<Vec<_>>(), before);
    assert!(given_up.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn children_stop_together_each_within_its_own_time() {
    let (root, troupe, _given_up) = troupe(THREE_A_MINUTE).await;
    let stage = Stage::new();
    for number in 0..50 {
        let probe = stage.probe(&number.to_string());
        add(&troupe, &probe).await;
        probe.tell(Order::Hang);
    }
    let before = tokio::time::Instant::now();
    shutdown(&root.supervisor, LONG).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_supervisor_that_is_restarted_is_found_in_its_slot_and_empty() {
    let (root, troupe, _given_up) = troupe(THREE_A_MINUTE).await;
    let stage = Stage::new();
    add(&troupe, &stage.probe("a")).await;
    let before = troupe.get().unwrap();
    before.kill();
    before.wait(Some(LONG)).await.unwrap();
    assert_ne!(troupe.wait(LONG).await.unwrap(), before);
    let tree = tree_when(&root, |tree| tree.at(&["troupe"]).unwrap().status == Status::Running).await;
    assert_eq!(tree.at(&["troupe"]).unwrap().children, []);
    add(&troupe, &stage.probe("a")).await;
}
