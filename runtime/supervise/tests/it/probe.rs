//! An actor that does as it is told and says what happens to it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use playhouse_supervise::{
    ChildSpec, Intensity, Restart, Root, Shutdown, Slot, Strategy, Supervisor, Tree, note, spawn, tree,
};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

/// More than anything here takes; the clock is paused, so nobody waits for it.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// Never too often.
pub(crate) const PATIENT: Intensity = Intensity { max_restarts: 1000, period_ms: 1000 };

/// What a probe may be told.
#[derive(Debug)]
pub(crate) enum Order {
    Panic,
    Fail,
    Finish,
    Kill,
    /// Let the mailbox wait for ever.
    Hang,
    /// Show so many as running and so many as waiting.
    Note(usize, usize),
    /// Answer.
    Ask(RpcReplyPort<u32>),
}

/// What a probe does in its next start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Fail,
    Panic,
    Hang,
    /// Start well, then panic at once.
    PanicAfter,
}

#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) slot: Slot<Order>,
    log: UnboundedSender<String>,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

impl Actor for Probe {
    type Msg = Order;
    type State = bool; // Whether to panic as soon as it is up.
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<bool, ActorProcessingErr> {
        let fault = self.faults.lock().unwrap().pop_front();
        if matches!(fault, None | Some(Fault::PanicAfter)) {
            self.say("up");
            return Ok(fault.is_some());
        }
        self.say("does not start");
        match fault {
            Some(Fault::Fail) => Err("no luck".into()),
            Some(Fault::Panic) => panic!("bad luck"),
            _ => std::future::pending().await,
        }
    }

    async fn post_start(&self, _: ActorRef<Order>, panics: &mut bool) -> Result<(), ActorProcessingErr> {
        assert!(!*panics, "up, but not for long");
        Ok(())
    }

    async fn handle(
        &self,
        me: ActorRef<Order>,
        order: Order,
        _: &mut bool,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Panic => panic!("told to"),
            Order::Fail => return Err("told to".into()),
            Order::Finish => me.stop(None),
            Order::Kill => me.kill(),
            Order::Hang => std::future::pending().await,
            Order::Note(running, waiting) => note(&me, &[("running", running), ("waiting", waiting)]),
            Order::Ask(reply) => drop(reply.send(7)),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Order>, _: &mut bool) -> Result<(), ActorProcessingErr> {
        self.say("down");
        Ok(())
    }
}

impl Probe {
    fn say(&self, what: &str) {
        let _ = self.log.send(format!("{} {what}", self.slot.id()));
    }

    pub(crate) fn child(&self, restart: Restart) -> ChildSpec {
        self.slot.child(restart, Shutdown::secs(5), spawn(self.clone(), ()))
    }

    pub(crate) fn permanent(&self) -> ChildSpec {
        self.child(Restart::Permanent)
    }

    /// Plans the next start.
    pub(crate) fn plan(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    pub(crate) fn tell(&self, order: Order) {
        self.slot.get().unwrap().cast(order).unwrap();
    }

    /// Panics, and is seen to be gone. (An order to one that is about to die would be lost.)
    pub(crate) async fn crash(&self) {
        let actor = self.slot.wait(LONG).await.unwrap();
        actor.cast(Order::Panic).unwrap();
        actor.wait(Some(LONG)).await.unwrap();
    }
}

/// Where probes write.
pub(crate) struct Stage {
    say: UnboundedSender<String>,
    said: UnboundedReceiver<String>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (say, said) = unbounded_channel();
        Self { say, said }
    }

    pub(crate) fn probe(&self, id: &str) -> Probe {
        Probe { slot: Slot::new(id), log: self.say.clone(), faults: Arc::default() }
    }

    pub(crate) fn probes<const N: usize>(&self, ids: [&str; N]) -> [Probe; N] {
        ids.map(|id| self.probe(id))
    }

    /// Waits for as many lines as are given, which must be these in this order.
    pub(crate) async fn expect<const N: usize>(&mut self, lines: [&str; N]) {
        let mut said = Vec::new();
        while said.len() < N {
            match timeout(LONG, self.said.recv()).await {
                Ok(line) => said.extend(line),
                Err(_) => break,
            }
        }
        assert_eq!(said, lines);
    }

    /// Nothing has been said that was not expected.
    pub(crate) fn expect_silence(&mut self) {
        assert_eq!(self.said.try_recv().ok(), None);
    }
}

/// Starts a root of these children.
pub(crate) async fn root(strategy: Strategy, intensity: Intensity, children: Vec<ChildSpec>) -> Root {
    Supervisor::new("root", strategy, intensity, children).spawn_root().await.unwrap()
}

/// The tree once `done`: asked again and again, since a tree tells of changes to nobody.
pub(crate) async fn tree_when(root: &Root, done: impl Fn(&Tree) -> bool) -> Tree {
    let look = async {
        loop {
            let seen = tree(&root.supervisor, LONG).await.unwrap();
            if done(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, look).await.expect("the tree never got there")
}
