//! One life of the process: the production tree over simulated parts, until it is done, dies or is stopped.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use playhouse_actors::{Backend, Catalog, Parts, Problems, Tree};
use playhouse_core::session::Retention;
use playhouse_supervise::{Root, shutdown};
use tokio::task::JoinSet;

use crate::{
    audit::audit,
    client::Connection,
    door::Door,
    faults,
    journal::SimJournal,
    model::model,
    operator::operate,
    oracle::{Broken, Invariant, ensure},
    person::Person,
    plan::{How, When},
    quiet::Quiet,
    sender::Sender,
    tinkerer::Tinkerer,
    tools::SimTools,
    world::{Lie, Process},
};

/// How long a drain may take: what the daemon is promised by its init system.
const DRAIN: Duration = Duration::from_secs(20);
/// How long everything may take once nothing fails any more. Clocks jump by up to an hour, and deadlines
/// jump with them.
const PATIENCE_MS: u64 = 4 * 3_600_000;
/// How often the world looks whether all is done.
const LOOK_MS: u64 = 250;

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Every task is over and every client answered.
    Done,
    /// It ended as planned.
    Crashed(How),
    /// It gave up: the init system starts it again.
    Exited,
    /// An invariant does not hold.
    Broken,
}

/// Lives one life.
pub(crate) async fn live(process: &Process, crash: Option<(When, How)>) -> End {
    let world = &process.world;
    let died = async {
        while process.is_alive() && world.verdict().is_none() {
            world.died.notified().await;
        }
    };
    let ends = async {
        match crash {
            Some((When::After(ms), How::Kill | How::PowerLoss)) => process.wait(ms).await,
            _ => std::future::pending().await,
        }
    };
    let how = crash.map_or(How::Kill, |(_, how)| how);
    let end = tokio::select! {
        biased;
        () = died => End::Crashed(how),
        () = ends => End::Crashed(how),
        end = run(process, crash) => end,
    };
    if world.verdict().is_some() { End::Broken } else { end }
}

async fn run(process: &Process, crash: Option<(When, How)>) -> End {
    let world = &process.world;
    let door = match open(process).await {
        Ok(door) => door,
        Err(error) => {
            process.note(format_args!("the journal does not open: {error}"));
            return End::Exited;
        }
    };
    let tree = tree(process, door);
    let runtime = tree.runtime.clone();
    let mut root = match tree.start().await {
        Ok(root) => root,
        Err(error) => {
            process.note(format_args!("the tree does not start: {error}"));
            return End::Exited;
        }
    };
    let mut outside = JoinSet::new();
    for client in 0..world.clients().len() {
        let connection = Connection { process: process.clone(), runtime: runtime.clone(), client };
        outside.spawn(connection.pursue());
    }
    for name in ["ann", "bob"] {
        let person = Person { name, process: process.clone(), runtime: runtime.clone() };
        outside.spawn(person.work());
    }
    outside.spawn(Tinkerer { process: process.clone(), runtime: runtime.clone() }.work());
    outside.spawn(Sender { process: process.clone(), runtime: runtime.clone() }.work());
    outside.spawn(operate(process.clone(), runtime));
    outside.spawn(faults::inject(process.clone(), root.supervisor.get_cell()));
    tokio::select! {
        biased;
        _ = root.ended() => {
            process.note(format_args!("the root gives up"));
            End::Exited
        }
        () = everything_ends(process) => End::Done,
        () = time_to_drain(process, crash) => drain(process, &root).await,
    }
}

/// Opens the journal, and looks whether all is there that was promised.
async fn open(process: &Process) -> Result<Arc<Door>, String> {
    let door = Door::open(process)?;
    let journal = door.journal().map_err(|error| error.to_string())?;
    audit(process, &journal).await.map_err(|error| error.to_string())?;
    Ok(door)
}

fn tree(process: &Process, door: Arc<Door>) -> Tree {
    let plan = &process.world.plan;
    let journal = Arc::new(SimJournal::new(process, door.clone()));
    let models = BTreeMap::from([("scripted".to_owned(), model(process))]);
    let mut agents = plan.agents.clone();
    if process.world.lie == Some(Lie::ForgetsApprovals) {
        agents.iter_mut().for_each(|agent| agent.policy.approvals.clear());
    }
    let catalog = Catalog::new(agents, Arc::new(SimTools::new(process)), models)
        .expect("the simulated agents are sound");
    let permits = match process.world.lie {
        Some(Lie::IgnoresPermits) => plan.permits + 8,
        _ => plan.permits,
    };
    let random = process.world.clone();
    Tree::new(Parts {
        journal: journal.clone(),
        committer: Some(door.runner()),
        context: journal,
        clock: Arc::new(process.clone()),
        catalog,
        backends: BTreeMap::from([(
            "scripted".to_owned(),
            Backend { model: model(process), permits, worker: None },
        )]),
        connections: BTreeMap::new(),
        bounds: plan.bounds,
        retention: Retention::default(),
        problems: Problems(Arc::new(Vec::new)),
    })
    .with_random(Arc::new(move || random.chance(|rng| rng.u128(..))))
}

/// Waits until every task is over and every client has its answer.
async fn everything_ends(process: &Process) {
    let world = &process.world;
    let mut quiet = Quiet::default();
    loop {
        quiet.look(process);
        let open = world.oracle().open();
        let most = world.plan.bounds.live_tasks + world.plan.bounds.queued_tasks;
        let admitted = world.oracle().admitted();
        world.check(ensure(admitted <= most, Invariant::J7, || {
            format!("{admitted} tasks are open; at most {most} are let in")
        }));
        let waiting: Vec<_> =
            world.clients().iter().filter(|client| !client.is_answered()).cloned().collect();
        if open == 0 && waiting.is_empty() {
            return;
        }
        let is_late = world.now_ms() > world.plan.faults_until_ms + PATIENCE_MS;
        if is_late {
            let stuck = world.oracle().stuck();
            let what = format!("never end: {stuck:#?}; without an answer are {waiting:?}");
            world.broken(Broken { invariant: Invariant::Liveness, what });
        }
        process.wait(LOOK_MS).await;
    }
}

async fn time_to_drain(process: &Process, crash: Option<(When, How)>) {
    match crash {
        Some((When::After(ms), How::Drain)) => process.wait(ms).await,
        _ => std::future::pending().await,
    }
}

async fn drain(process: &Process, root: &Root) -> End {
    process.note(format_args!("drains"));
    let began_ms = process.world.now_ms();
    let stopped = shutdown(&root.supervisor, DRAIN).await;
    let took_ms = process.world.now_ms() - began_ms;
    process.world.check(ensure(stopped.is_ok(), Invariant::Liveness, || {
        format!("the tree had not stopped after {took_ms} ms")
    }));
    process.note(format_args!("has stopped"));
    End::Crashed(How::Drain)
}
