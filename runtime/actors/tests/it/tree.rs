//! What a caller sees of the supervision tree.

use std::sync::Arc;

use playhouse_api::{Caller, NodeKind, NodeStatus, RuntimeApi, TreeNode};
use playhouse_core::{id::Tenant, task::Event};
use playhouse_testkit::{ScriptedModel, answer};
use tokio::sync::Semaphore;

use crate::house::Plan;

fn at<'a>(top: &'a TreeNode, path: &[&str]) -> &'a TreeNode {
    path.iter().fold(top, |node, id| node.children.iter().find(|child| child.id == *id).unwrap())
}

#[tokio::test]
async fn every_actor_is_shown_with_its_queue_and_what_it_does() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|_| answer("ok")).gated(gate.clone());
    let mut plan = Plan::new(&model);
    plan.permits = 1;
    let house = plan.build().await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let task = house.submit("go").await.unwrap();
        house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
        tasks.push(task);
    }
    let caller = Caller::local();
    let tree = loop {
        let tree = house.runtime.tree(&caller).await.unwrap();
        // The last question may still be on its way to the backend.
        if at(&tree, &["models", "model:scripted"]).state.as_deref() == Some("1 running, 2 waiting") {
            break tree;
        }
        tokio::task::yield_now().await;
    };
    let names: Vec<_> = tree.children.iter().map(|child| (child.id.as_str(), child.kind)).collect();
    let expected = [
        ("memory", NodeKind::Actor),
        ("models", NodeKind::OneForOne),
        ("tools", NodeKind::Actor),
        ("tasks", NodeKind::OneForAll),
        ("timers", NodeKind::Actor),
    ];
    assert_eq!(names, expected);
    assert_eq!(at(&tree, &["tasks", "dispatcher"]).state.as_deref(), Some("3 live, 0 waiting"));
    assert_eq!(at(&tree, &["tools"]).queue_depth, Some(0));
    let planners = at(&tree, &["tasks", "planners"]);
    assert_eq!((planners.kind, planners.children.len(), planners.hidden), (NodeKind::Dynamic, 3, 0));
    let planner = at(planners, &[tasks[0].as_str()]);
    assert_eq!((planner.status, planner.restarts, planner.queue_depth), (NodeStatus::Running, 0, Some(0)));
    assert_eq!(planner.state.as_deref(), Some("3 records"));
    assert_eq!(planner.last_message.as_deref(), Some("Happened(Begin"));
    assert!(planner.up_ms.is_some());
}

#[tokio::test]
async fn planners_of_other_tenants_are_counted_and_not_named() {
    let model = ScriptedModel::new(|_| answer("ok")).gated(Arc::new(Semaphore::new(0)));
    let house = Plan::new(&model).build().await;
    let task = house.submit("go").await.unwrap();
    house.until(&task, |event| matches!(event, Event::ModelAsked { .. })).await;
    let stranger = Caller { tenant: Tenant::new("acme").unwrap() };
    let tree = house.runtime.tree(&stranger).await.unwrap();
    let planners = at(&tree, &["tasks", "planners"]);
    assert_eq!((planners.children.len(), planners.hidden), (0, 1));
    assert!(!format!("{tree:?}").contains(task.as_str()));
}
