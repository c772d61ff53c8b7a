//! A pool of calls that do nothing but wait for the test.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::promise::Promise;

/// Each call waits for one permit of the gate; the call `0` panics then.
#[derive(Debug, Clone)]
struct Waits(Arc<Semaphore>);

type Told = Promise<&'static str>;

impl Calls for Waits {
    type Id = u32;
    type Call = (u32, Told);
    type Hold = ();
    const WAITING_MAX: usize = 2;

    fn permits(&self) -> usize {
        1
    }

    fn id(call: &Self::Call) -> u32 {
        call.0
    }

    fn span(&self, _: &Self::Call) -> tracing::Span {
        tracing::Span::none()
    }

    fn refuse(call: Self::Call) {
        call.1.keep("refused");
    }

    fn begin(&self, _: &Self::Call) -> Option<()> {
        Some(())
    }

    async fn run(self, (id, told): Self::Call) -> Answer {
        self.0.acquire().await.unwrap().forget();
        assert_ne!(id, 0, "a bug in what is called");
        Box::new(move || told.keep("done"))
    }
}

type Heard = mpsc::UnboundedReceiver<(u32, &'static str)>;

/// A pool that was asked for these calls, how they ended, and the gate that lets them through.
#[expect(clippy::disallowed_methods, reason = "no supervisor is part of this")]
async fn asked(calls: &[u32]) -> (ActorRef<MsgOf<Waits>>, Heard, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let (pool, _) = Actor::spawn(None, Pool(Waits(gate.clone())), ()).await.unwrap();
    let (told, heard) = mpsc::unbounded_channel();
    for id in calls.iter().copied() {
        let told = told.clone();
        let promise = Promise::new(|| "given up", move |how| told.send((id, how)).unwrap());
        pool.cast(PoolMsg::Do((id, promise))).unwrap();
    }
    (pool, heard, gate)
}

#[tokio::test]
async fn calls_run_in_order_within_the_permits_and_beyond_the_queue_they_are_refused() {
    let (_pool, mut heard, gate) = asked(&[1, 2, 3, 4]).await;
    assert_eq!(heard.recv().await, Some((4, "refused")));
    for id in 1..=3 {
        assert!(heard.try_recv().is_err(), "one at a time");
        gate.add_permits(1);
        assert_eq!(heard.recv().await, Some((id, "done")));
    }
}

#[tokio::test]
async fn a_call_nobody_waits_for_is_given_up_wherever_it_is_and_frees_its_place() {
    let (pool, mut heard, gate) = asked(&[1, 2, 3]).await;
    for id in [2, 1] {
        pool.cast(PoolMsg::Abort(id)).unwrap();
        assert_eq!(heard.recv().await, Some((id, "given up")));
    }
    gate.add_permits(1);
    assert_eq!(heard.recv().await, Some((3, "done")));
}

#[tokio::test]
async fn a_call_that_panics_is_answered_and_frees_its_place() {
    let (_pool, mut heard, gate) = asked(&[0, 1]).await;
    gate.add_permits(2);
    assert_eq!(heard.recv().await, Some((0, "given up")));
    assert_eq!(heard.recv().await, Some((1, "done")));
}

#[tokio::test]
async fn the_late_end_of_an_aborted_call_is_not_that_of_the_next_of_its_name() {
    let (pool, mut heard, gate) = asked(&[1]).await;
    pool.cast(PoolMsg::Abort(1)).unwrap();
    assert_eq!(heard.recv().await, Some((1, "given up")));
    let (told, mut again) = mpsc::unbounded_channel();
    pool.cast(PoolMsg::Do((1, Promise::new(|| "given up", move |how| told.send(how).unwrap())))).unwrap();
    gate.add_permits(1);
    assert_eq!(again.recv().await, Some("done"));
}
