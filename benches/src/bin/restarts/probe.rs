//! An actor that panics when told to, and as often as it is to while it starts.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ractor::{Actor, ActorProcessingErr, ActorRef};

/// The one message: panic.
#[derive(Debug)]
pub(crate) struct Panic;

/// Panics in its handler, and in so many of its next starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe {
    pub(crate) bad_starts: Arc<AtomicU32>,
}

impl Actor for Probe {
    type Msg = Panic;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Panic>, (): ()) -> Result<(), ActorProcessingErr> {
        let bad =
            self.bad_starts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(bad.is_err(), "told to, while it starts");
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Panic>, _: Panic, (): &mut ()) -> Result<(), ActorProcessingErr> {
        panic!("told to")
    }
}
