//! Plays cases in a house: the shipped agent, the sandboxed tools, the local model.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use playhouse_api::{RuntimeApi, Submission};
use playhouse_assembly::{Config, Extras, House, ModelConfig, Running, Runtime};
use playhouse_benches::{crowd, follow};
use playhouse_core::{
    id::SessionId,
    model::Usage,
    task::{Event, Record},
};

use crate::{
    cases::{Case, Turn},
    groups::{self, Group},
    judge,
};

const AGENT: &str = "assistant";
/// The table that the agent's `lookup` reads.
const TABLE: &str = "parts";

/// What came of all cases of a file.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) episodes: Vec<Episode>,
    /// From the first input to the last answer; starting and stopping the house is not in it.
    pub(crate) wall: Duration,
}

/// What came of one case.
#[derive(Debug)]
pub(crate) struct Episode {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// What went wrong first: the input, and what was wrong with the turn.
    pub(crate) verdict: Result<(), String>,
    /// Tokens of all its turns.
    pub(crate) usage: Usage,
}

/// Plays all cases, `at_once` at a time, one house after the other if their tables disagree.
pub(crate) async fn all(cases: Vec<Case>, at_once: usize, model: Option<&Path>) -> Result<Played> {
    let mut all = Played::default();
    for group in groups::group(cases) {
        let played = play(group, at_once, model).await?;
        all.wall += played.wall;
        all.episodes.extend(played.episodes);
    }
    Ok(all)
}

/// A model is loaded in well under this on any machine that can run it.
const LOADING: Duration = Duration::from_secs(60);

async fn wait_until_ready(house: &Running) -> Result<()> {
    let deadline = Instant::now() + LOADING;
    loop {
        let health = house.runtime.health().await;
        if health.ready {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the house is not ready: {}", health.problems.join("; "));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn play(group: Group, at_once: usize, model: Option<&Path>) -> Result<Played> {
    let data = tempfile::tempdir()?;
    let mut config = Config::shipped();
    config.data = Some(data.path().to_owned());
    config.tables.insert(TABLE.into(), group.table);
    let nano = config.models.get_mut("nano").map(|nano| &mut nano.kind);
    if let (Some(path), Some(ModelConfig::Llama(llama))) = (model, nano) {
        llama.path = path.to_owned();
    }
    let house = House::build(&config, Extras::default()).await?.start().await?;
    wait_until_ready(&house).await?;
    let (runtime, cases) = (house.runtime.clone(), Arc::new(group.cases));
    let began = Instant::now();
    let episodes = crowd::run(cases.len(), at_once, move |n| {
        let (runtime, cases) = (runtime.clone(), cases.clone());
        async move { episode(&runtime, &cases[n]).await }
    });
    let episodes = episodes.await;
    let wall = began.elapsed();
    house.stop().await;
    Ok(Played { episodes, wall })
}

/// One case, up to its first wrong turn: what follows that is about another conversation.
async fn episode(runtime: &Runtime, case: &Case) -> Episode {
    let mut usage = Usage::default();
    let mut verdict = Ok(());
    for turn in &case.turns {
        verdict = match said(runtime, case, turn).await {
            Ok(records) => {
                usage += tokens(&records);
                judge::judge(turn, &records)
            }
            Err(error) => Err(format!("{error:#}")),
        };
        if let Err(wrong) = verdict {
            verdict = Err(format!("`{}`: {wrong}", turn.user));
            break;
        }
    }
    Episode { id: case.id.clone(), kind: case.kind.clone(), verdict, usage }
}

/// Says one turn's input; a conversation of several turns is a session.
async fn said(runtime: &Runtime, case: &Case, turn: &Turn) -> Result<Vec<Record>> {
    let session = (case.turns.len() > 1).then(|| SessionId::new(&case.id)).transpose()?;
    let submission =
        Submission { agent: AGENT.into(), input: turn.user.clone(), session, ..Submission::default() };
    follow::to_the_end(runtime, submission).await
}

fn tokens(records: &[Record]) -> Usage {
    let mut usage = Usage::default();
    for record in records {
        if let Event::ModelReplied { reply, .. } = &record.event {
            usage += reply.usage;
        }
    }
    usage
}
