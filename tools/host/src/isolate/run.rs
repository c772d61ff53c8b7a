//! One call in a worker, answered from here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use playhouse_core::tool::{ToolError, ToolErrorKind};
use playhouse_schema::clipped;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pool::Pool;
use super::process::{Code, Process};
use super::wire::{self, Fate, FromWorker, ToWorker};
use crate::guest::{Ended, Guest, Terms};
use crate::offers::shown;
use crate::ready::{Job, Said};
use crate::sandbox::{became, crashed};

/// How long a worker has to end a call that is over. It looks every millisecond; what the engine cannot interrupt takes
/// some ten. Then it is killed.
const GRACE: Duration = Duration::from_millis(250);
/// Of a call whose worker died nobody knows what it computed: at least so much.
const AT_LEAST: u64 = 1;

/// A call that a worker is at.
struct Exchange<'a> {
    process: &'a mut Process,
    guest: &'a mut Guest,
    code: &'a Code,
    /// What a host function failed with, if that ended the guest.
    failure: Option<ToolError>,
    /// When the worker is killed, once it was told to end the call.
    kill_at: Option<Instant>,
}

/// The worker does not answer any more, and why.
enum Lost {
    /// It did not end the call in time.
    Overran,
    Broke(io::Error),
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Broke(error)
    }
}

impl Pool {
    /// Does `job` in a worker: what the tool said, and the fuel it took, 0 if it was never started.
    pub(crate) async fn run(
        self: &Arc<Self>,
        code: &Code,
        guest: &mut Guest,
        job: Job<'_>,
    ) -> (Result<Said, ToolError>, u64) {
        let fuel = guest.terms.fuel;
        let run = match wire::frame(&ToWorker::Run { id: code.id, fuel, job }) {
            Ok(run) => run,
            Err(error) => return (Err(ToolError::new(ToolErrorKind::InvalidInput, error.to_string())), 0),
        };
        let mut process = match guest.within(self.begin(code, &run)).await {
            Ok(Ok(process)) => process,
            Ok(Err(unavailable)) => return (Err(unavailable), 0),
            Err(over) => return (Err(became(guest, &over)), 0),
        };
        let mut exchange = Exchange { process: &mut process, guest, code, failure: None, kill_at: None };
        let ended = exchange.follow().await;
        let failure = exchange.failure.take();
        match ended {
            Ok((said, left)) => {
                self.give_back(process);
                let ended = guest.ended.take().map(|why| why.told(&guest.limits, fuel));
                let said = ended.or(failure).map_or_else(|| said.map_err(|fate| told(guest, fate)), Err);
                // Whoever called the host has computed, whatever the worker says: there is a receipt.
                let least = if guest.used.host_calls > 0 { AT_LEAST } else { 0 };
                (said, fuel.saturating_sub(left).max(least))
            }
            Err(lost) => {
                let status = process.end();
                self.refill();
                (Err(failure.unwrap_or_else(|| mourned(guest, &lost, &status))), AT_LEAST)
            }
        }
    }
}

impl Exchange<'_> {
    async fn follow(&mut self) -> Result<(Result<Said, Fate>, u64), Lost> {
        loop {
            let (kill_at, is_over) = (self.kill_at, self.kill_at.is_some());
            let frame = tokio::select! {
                biased;
                () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if is_over => return Err(Lost::Overran),
                why = over(&self.guest.terms), if !is_over => {
                    self.guest.end(why);
                    self.stop().await?;
                    continue;
                }
                frame = self.process.receive() => frame?,
            };
            match wire::whole(&frame)? {
                FromWorker::Done { said, fuel } => return Ok((said, fuel)),
                // It was asked before the worker heard that the call is over.
                FromWorker::Ask(_) if is_over => {}
                FromWorker::Ask(ask) if self.code.imports(ask.import()) => match ask.answer(self.guest).await
                {
                    Ok(answer) => self.answer(&answer).await?,
                    Err(error) => {
                        self.failure = Some(became(self.guest, &error));
                        self.stop().await?;
                    }
                },
                FromWorker::Ask(_) => return Err(nonsense("it asks for what its tool does not import")),
                FromWorker::Ready { .. } => return Err(nonsense("it says again that it is ready")),
            }
        }
    }

    async fn answer(&mut self, frame: &[u8]) -> Result<(), Lost> {
        if self.guest.ended.is_some() {
            self.kill_at = Some(Instant::now() + GRACE);
        }
        self.say(frame).await
    }

    async fn stop(&mut self) -> Result<(), Lost> {
        self.kill_at = Some(Instant::now() + GRACE);
        self.say(&wire::frame(&ToWorker::Stop)?).await
    }

    /// Sends a frame. A worker that does not listen holds up nobody longer than the call lasts.
    async fn say(&mut self, frame: &[u8]) -> Result<(), Lost> {
        let until = self.kill_at.unwrap_or_else(|| Instant::from_std(self.guest.terms.until) + GRACE);
        timeout_at(until, self.process.send(frame)).await.map_err(|_| Lost::Overran)?.map_err(Lost::Broke)
    }
}

/// Why the call is over, once it is.
async fn over(terms: &Terms) -> Ended {
    tokio::select! {
        biased;
        () = terms.given_up.cancelled() => Ended::GivenUp,
        () = sleep_until(terms.until.into()) => Ended::Deadline,
    }
}

fn nonsense(what: &str) -> Lost {
    Lost::Broke(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// What a call came to that the engine ended.
fn told(guest: &mut Guest, fate: Fate) -> ToolError {
    let ended = |why: Ended| why.told(&guest.limits, guest.terms.fuel);
    match fate {
        Fate::Fuel => ended(Ended::Fuel),
        Fate::Memory => ended(Ended::Memory),
        Fate::Crashed { words, trace } => {
            // As the worker says, whom nobody believes.
            guest.trace = trace.map(|trace| clipped(&shown(&trace)));
            crashed(&guest.quoted(&words))
        }
        Fate::Stopped => crashed("it was ended, and nobody had asked for that"),
    }
}

/// What a call came to whose worker is gone.
fn mourned(guest: &mut Guest, lost: &Lost, status: &str) -> ToolError {
    let tool = guest.terms.given.as_ref().map_or("", |given| given.request.tool.as_str());
    match lost {
        Lost::Overran => tracing::warn!(tool, "a worker did not end a call in time and was killed"),
        Lost::Broke(error) => tracing::warn!(tool, %error, status, "a worker is gone, and its call with it"),
    }
    if matches!(lost, Lost::Overran) {
        let over = guest.terms.over().unwrap_or(Ended::Deadline);
        return guest.ended.take().unwrap_or(over).told(&guest.limits, guest.terms.fuel);
    }
    let reached = match guest.used.reached.calls {
        0 => "the call had reached nothing outside of it",
        _ => "what the call had done by then may have taken effect",
    };
    let message = format!("the worker process of this call died or was ended; {reached}");
    ToolError::new(ToolErrorKind::Crashed, message)
}
