//! Lists over many tasks: what one request reads is bounded, and a search goes on where it stopped.

use playhouse_api::{Caller, RuntimeApi, TaskList, TaskQuery};
use playhouse_core::{
    id::{TaskId, Tenant},
    task::{Head, Status},
};
use playhouse_ports::{Batch, Journal};
use playhouse_testkit::{MemoryJournal, ScriptedModel, answer};

use crate::house::{House, Plan};

/// More than two requests read.
const TASKS: u64 = 15_000;
/// Tasks submitted in one millisecond.
const AT_ONCE: u64 = 7;

fn me() -> Tenant {
    Tenant::local()
}

/// The head of the `n`-th task: all are over and done, each of them somebody's.
fn head(n: u64, tenant: Tenant, status: Status) -> Head {
    let id = ulid::Ulid::from_parts(1_000_000 + n / AT_ONCE, u128::from(n));
    Head {
        task: TaskId::new(id.to_string()).unwrap(),
        tenant,
        session: None,
        agent: "assistant".into(),
        status,
        next_seq: 0,
        epoch: 0,
        submitted_ms: 0,
        updated_ms: 0,
        parent: None,
        waiting: None,
        due_ms: None,
        unbegun: false,
    }
}

async fn house(heads: impl IntoIterator<Item = Head>) -> House {
    let journal = MemoryJournal::new();
    for head in heads {
        journal.append(Batch::of(head, Vec::new())).await.unwrap();
    }
    Plan::new(&ScriptedModel::new(|_| answer("ok"))).on(journal).build().await
}

async fn page(house: &House, before: Option<TaskId>) -> TaskList {
    let query = TaskQuery { before, limit: 10, status: Some(Status::Failed), ..TaskQuery::default() };
    house.runtime.tasks(&Caller::local(), query).await.unwrap()
}

#[tokio::test]
async fn a_search_that_finds_little_goes_on_with_the_next_request_and_misses_nothing() {
    let wanted = [3, 4, 2_000, 8_600, 8_601, 8_602, 8_603, 8_604, 8_605, 8_606, 8_607, TASKS - 1];
    let other = Tenant::new("other").unwrap();
    let all = (0..TASKS).map(|n| match wanted.contains(&n) {
        true => head(n, me(), Status::Failed),
        false if n % 2 == 0 => head(n, me(), Status::Done),
        false => head(n, other.clone(), Status::Failed),
    });
    let house = house(all).await;
    let (mut found, mut requests, mut before) = (Vec::new(), 0, None);
    loop {
        let page = page(&house, before).await;
        requests += 1;
        found.extend(page.tasks.into_iter().map(|head| head.task));
        before = page.next;
        let Some(next) = &before else { break };
        let named = house.journal.head(next).await.unwrap();
        assert!(named.is_none_or(|head| head.tenant == me()), "{next} is somebody else's");
    }
    let expected = wanted.iter().rev().map(|n| head(*n, me(), Status::Failed).task);
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(requests, 3, "each looks at some 6,400 tasks");
}

#[tokio::test]
async fn a_search_gets_on_even_through_one_crowded_millisecond() {
    let crowd = (0..TASKS).map(|n| {
        let id = ulid::Ulid::from_parts(1_000_000, u128::from(n) + 1);
        Head { task: TaskId::new(id.to_string()).unwrap(), ..head(0, me(), Status::Done) }
    });
    let house = house(crowd.chain([head(0, me(), Status::Failed)])).await;
    let (mut found, mut before) = (0, None);
    for _ in 0..5 {
        let page = page(&house, before).await;
        found += page.tasks.len();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((found, before), (1, None));
}
