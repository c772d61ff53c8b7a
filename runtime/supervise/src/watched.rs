//! An actor around an actor: counts what it handles and remembers the kind, and does nothing else.

use std::{fmt::Debug, sync::Arc};

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::vitals::{Registered, Vitals};

/// `A`, with its vitals shown in the tree.
#[derive(Debug, Clone)]
pub(crate) struct Watched<A>(pub(crate) A);

/// The state of `A`, and where its vitals are.
#[derive(Debug)]
pub(crate) struct Watching<S> {
    inner: S,
    vitals: Arc<Vitals>,
    _registered: Registered,
}

impl<A: Actor> Actor for Watched<A>
where
    A::Msg: Debug,
{
    type Msg = A::Msg;
    type State = Watching<A::State>;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        arguments: A::Arguments,
    ) -> Result<Watching<A::State>, ActorProcessingErr> {
        let vitals = Arc::<Vitals>::default();
        // First, since an actor may send itself messages while it starts.
        let registered = Registered::new(myself.get_id(), vitals.clone());
        let inner = self.0.pre_start(myself, arguments).await?;
        Ok(Watching { inner, vitals, _registered: registered })
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut Watching<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        self.0.post_start(myself, &mut state.inner).await
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut Watching<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        state.vitals.begin(&message);
        self.0.handle(myself, message, &mut state.inner).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut Watching<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        self.0.handle_supervisor_evt(myself, event, &mut state.inner).await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut Watching<A::State>,
    ) -> Result<(), ActorProcessingErr> {
        self.0.post_stop(myself, &mut state.inner).await
    }
}
