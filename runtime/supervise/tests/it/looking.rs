//! What a look at the tree shows, and a slot.

use playhouse_supervise::{DynamicSupervisor, Restart, Shutdown, Slot, Status, Strategy, Supervisor, tree};

use crate::probe::{Fault, LONG, Order, PATIENT, Stage, root, tree_when};

#[tokio::test(start_paused = true)]
async fn the_tree_shows_who_is_there_and_what_befell_them() {
    let mut stage = Stage::new();
    let [journal, local, task] = stage.probes(["journal", "local", "t1"]);
    let models = Supervisor::new("models", Strategy::OneForOne, PATIENT, vec![local.permanent()]);
    let tasks = Slot::new("tasks");
    let dynamic = DynamicSupervisor::new(PATIENT, 10, |_| {});
    let children = vec![
        journal.permanent(),
        models.child(Restart::Permanent),
        dynamic.child(&tasks, Restart::Permanent, Shutdown::secs(9)),
    ];
    let root = root(Strategy::RestForOne, PATIENT, children).await;
    tasks.start_child(task.child(Restart::Transient), LONG).await.unwrap();
    stage.expect(["journal up", "local up", "t1 up"]).await;
    task.tell(Order::Panic);
    let tree = tree_when(&root, |tree| {
        tree.at(&["tasks", "t1"]).is_some_and(|task| task.restarts == 1 && task.status == Status::Running)
    });
    let expected = serde_json::json!({
        "id": "root", "kind": "rest_for_one", "status": "running", "restarts": 0, "children": [
            { "id": "journal", "kind": "actor", "status": "running", "restarts": 0 },
            { "id": "models", "kind": "one_for_one", "status": "running", "restarts": 0, "children": [
                { "id": "local", "kind": "actor", "status": "running", "restarts": 0 },
            ]},
            { "id": "tasks", "kind": "dynamic", "status": "running", "restarts": 0, "children": [
                { "id": "t1", "kind": "actor", "status": "running", "restarts": 1, "last_exit": "told to" },
            ]},
        ],
    });
    assert_eq!(serde_json::to_value(tree.await).unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_mailbox_stays_open_while_a_child_starts_again() {
    let mut stage = Stage::new();
    let a = stage.probe("a");
    let root = root(Strategy::OneForOne, PATIENT, vec![a.permanent()]).await;
    a.plan(Fault::Hang);
    a.tell(Order::Panic);
    stage.expect(["a up", "a does not start"]).await;

    let before = tokio::time::Instant::now();
    let seen = tree(&root.supervisor, LONG).await.unwrap();
    assert_eq!(seen.at(&["a"]).unwrap().status, Status::Starting);
    assert_eq!(before.elapsed().as_millis(), 0);
    assert!(a.slot.get().is_err());
    stage.expect(["a up"]).await;
    assert!(a.slot.wait(LONG).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_longer_than_the_timeout() {
    let root = root(Strategy::OneForOne, PATIENT, vec![]).await;
    root.supervisor.kill();
    root.supervisor.wait(Some(LONG)).await.unwrap();
    assert!(tree(&root.supervisor, LONG).await.is_err());

    let never = Slot::<Order>::new("never");
    assert_eq!(never.wait(LONG).await.unwrap_err().to_string(), "`never` is not available");
}
