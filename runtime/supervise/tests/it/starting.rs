//! What happens when a tree cannot start.

use std::{error::Error, future::Ready, time::Duration};

use playhouse_supervise::{Restart, Shutdown, Spawned, StartError, Strategy, Supervisor, child};

use crate::probe::{Fault, PATIENT, Stage};

/// An error and its causes.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

/// Starts a root of `a`, and a nested supervisor of `b`, which has a fault.
async fn start_with(stage: &Stage, fault: Fault) -> StartError {
    let [a, b] = stage.probes(["a", "b"]);
    b.plan(fault);
    let inner = Supervisor::new("inner", Strategy::OneForOne, PATIENT, vec![b.permanent()]);
    let children = vec![a.permanent(), inner.child(Restart::Permanent)];
    let root = Supervisor::new("root", Strategy::OneForOne, PATIENT, children);
    root.spawn_root().await.expect_err("it cannot start")
}

#[tokio::test(start_paused = true)]
async fn the_spawner_learns_which_child_did_not_start_and_why() {
    for (fault, why) in
        [(Fault::Fail, "no luck"), (Fault::Panic, "bad luck"), (Fault::Hang, "it was not up within 60s")]
    {
        let mut stage = Stage::new();
        let error = start_with(&stage, fault).await;
        assert_eq!(error.child, "inner");
        assert_eq!(chain(&error), format!("failed to start `inner`: failed to start `b`: {why}"));
        stage.expect(["a up", "b does not start", "a down"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_start_function_is_an_error_like_any_other() {
    let broken = child("broken", Restart::Permanent, Shutdown::Kill, |_| -> Ready<Spawned<()>> {
        panic!("before there is a future")
    });
    let root = Supervisor::new("root", Strategy::OneForOne, PATIENT, vec![broken]);
    let error = root.spawn_root().await.expect_err("it cannot start");
    assert_eq!(chain(&error), "failed to start `broken`: its start function panicked");
}

#[tokio::test(start_paused = true)]
async fn a_child_may_be_given_less_time_to_start() {
    let stage = Stage::new();
    let slow = stage.probe("slow");
    slow.plan(Fault::Hang);
    let children = vec![slow.permanent().startup(Duration::from_secs(3))];
    let root = Supervisor::new("root", Strategy::OneForOne, PATIENT, children);
    let error = root.spawn_root().await.expect_err("it cannot start");
    assert_eq!(chain(&error), "failed to start `slow`: it was not up within 3s");
}

#[test]
#[should_panic(expected = "`a` is twice among the children of `root`")]
fn ids_are_unique_among_siblings() {
    let a = Stage::new().probe("a");
    Supervisor::new("root", Strategy::OneForOne, PATIENT, vec![a.permanent(), a.permanent()]);
}
