//! The floor: ractor's own links, and a supervisor that respawns whatever fails, without limit or order.

use std::time::Instant;

use anyhow::Context;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    Measured,
    probe::{Panic, Probe},
};

/// Respawns, and says who is new.
struct Respawner;

impl Actor for Respawner {
    type Msg = ();
    type State = UnboundedSender<ActorRef<Panic>>;
    type Arguments = UnboundedSender<ActorRef<Panic>>;

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        born: UnboundedSender<ActorRef<Panic>>,
    ) -> Result<UnboundedSender<ActorRef<Panic>>, ActorProcessingErr> {
        let (child, _) = Actor::spawn_linked(None, Probe::default(), (), myself.get_cell()).await?;
        born.send(child)?;
        Ok(born)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        born: &mut UnboundedSender<ActorRef<Panic>>,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(event, SupervisionEvent::ActorFailed(..)) {
            let (child, _) = Actor::spawn_linked(None, Probe::default(), (), myself.get_cell()).await?;
            born.send(child)?;
        }
        Ok(())
    }
}

/// Panics and respawns, one after the other.
#[expect(clippy::disallowed_methods, reason = "the root has no supervisor")]
pub(crate) async fn respawned(crashes: u32) -> anyhow::Result<Measured> {
    let (born, mut children) = unbounded_channel();
    let (root, _) = Actor::spawn(None, Respawner, born).await?;
    let mut child = children.recv().await.context("the first child")?;
    let mut times = Vec::new();
    for _ in 0..crashes {
        let began = Instant::now();
        child.cast(Panic)?;
        child = children.recv().await.context("the next child")?;
        times.push(began.elapsed());
    }
    root.stop(None);
    Ok(Measured { name: "bare ractor, respawn on failure", times, disturbed: 0 })
}
