//! What a look at the tree shows, and a slot.

use std::time::Duration;

use playhouse_supervise::{
    DynamicSupervisor, Restart, Shutdown, Slot, Status, Strategy, Supervisor, Tree, call, tell, tree,
};
use serde_json::Value;

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
    let idle = |id: &str, restarts: u32, last_exit: Option<&str>| {
        let mut node = serde_json::json!({
            "id": id, "kind": "actor", "status": "running", "restarts": restarts, "up_ms": 0, "queue_depth": 0,
        });
        if let Some(why) = last_exit {
            node["last_exit"] = why.into();
        }
        node
    };
    let supervisor = |id: &str, kind: &str, children: Vec<Value>| {
        serde_json::json!({
            "id": id, "kind": kind, "status": "running", "restarts": 0, "up_ms": 0, "children": children,
        })
    };
    let expected = supervisor(
        "root",
        "rest_for_one",
        vec![
            idle("journal", 0, None),
            supervisor("models", "one_for_one", vec![idle("local", 0, None)]),
            supervisor("tasks", "dynamic", vec![idle("t1", 1, Some("told to"))]),
        ],
    );
    assert_eq!(without_uptimes(tree.await), expected);
}

/// The clock is paused, but waiting for the tree to change moves it by a little.
fn without_uptimes(mut tree: Tree) -> Value {
    fn reset(tree: &mut Tree) {
        tree.up_ms = tree.up_ms.map(|_| 0);
        tree.children.iter_mut().for_each(reset);
    }
    reset(&mut tree);
    serde_json::to_value(tree).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_tree_shows_what_waits_and_what_an_actor_says_of_itself() {
    let mut stage = Stage::new();
    let a = stage.probe("a");
    let root = root(Strategy::OneForOne, PATIENT, vec![a.permanent()]).await;
    stage.expect(["a up"]).await;
    let actor = a.slot.get().unwrap();
    tell(&actor, Order::Note(3, 5)).unwrap();
    let seen = tree_when(&root, |tree| tree.at(&["a"]).unwrap().state.is_some()).await;
    assert_eq!(seen.at(&["a"]).unwrap().state.as_deref(), Some("3 running, 5 waiting"));

    for order in [Order::Hang, Order::Finish, Order::Finish] {
        tell(&actor, order).unwrap();
    }
    let seen =
        tree_when(&root, |tree| tree.at(&["a"]).unwrap().last_message.as_deref() == Some("Hang")).await;
    assert_eq!(seen.at(&["a"]).unwrap().queue_depth, Some(2), "one is being handled, two wait");

    tokio::time::advance(Duration::from_secs(7)).await;
    let seen = tree(&root.supervisor, LONG).await.unwrap();
    assert!(seen.at(&["a"]).unwrap().up_ms.unwrap() >= 7000 && seen.up_ms.unwrap() >= 7000);
    actor.kill();
    stage.expect(["a up"]).await;
    a.slot.wait(LONG).await.unwrap();
    let seen = tree_when(&root, |tree| tree.at(&["a"]).unwrap().status == Status::Running).await;
    let a = seen.at(&["a"]).unwrap();
    assert_eq!((a.queue_depth, a.restarts, &a.state), (Some(0), 1, &None), "a new actor, a new mailbox");
    assert!(a.up_ms.unwrap() < 7000);
    assert!(tell(&actor, Order::Finish).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_question_waits_no_longer_than_its_timeout_and_is_counted_meanwhile() {
    let mut stage = Stage::new();
    let a = stage.probe("a");
    let root = root(Strategy::OneForOne, PATIENT, vec![a.permanent()]).await;
    stage.expect(["a up"]).await;
    let actor = a.slot.get().unwrap();
    assert_eq!(call(&actor, Order::Ask, LONG).await, Some(7));
    tell(&actor, Order::Hang).unwrap();
    assert_eq!(call(&actor, Order::Ask, Duration::from_secs(1)).await, None);
    let seen = tree(&root.supervisor, LONG).await.unwrap();
    assert_eq!(seen.at(&["a"]).unwrap().queue_depth, Some(1), "nobody waits for it, but it still lies there");
    actor.kill();
    actor.wait(Some(LONG)).await.unwrap();
    assert_eq!(call(&actor, Order::Ask, LONG).await, None);
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
