//! The calls under way on one connection, so that what a server says or asks meanwhile finds the call it is about.
//!
//! ```text
//!   call ─▶ open ─▶ Case ◀─ number, hidden in the request's `_meta` ─▶ Guard: takes it out, notes id and token
//!                     ▲
//!   progress ── token ┤   question over HTTP ── the stream it came on ┤   in the answer to a call ── that call
//!                     └── question over stdio ── the only call under way, if there is only one
//! ```
//!
//! A question that comes by itself over stdio does not say which call it is about. So it counts only while exactly one
//! call is under way, and a server that may ask the model, or a person, has its calls one at a time.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use playhouse_core::tool::ToolProgress;
use playhouse_ports::ToolCaller;
use rmcp::{
    RoleClient,
    model::{
        ClientJsonRpcMessage, ClientRequest, GetMeta, JsonRpcMessage, ProgressNotificationParam,
        ProgressToken, RequestId, RequestMetaObject,
    },
    service::{InboundStreamOrigin, RequestContext},
};
use serde_json::json;
use tokio::{sync::watch, time::Instant};

use crate::{
    bounds::{PROGRESS_CHARS_MAX, PROGRESS_MAX, PROGRESS_PERIOD},
    client::Policy,
    words::line,
};

/// Where a request has its case's number on the way to the guard. Never on the wire.
const CASE_META: &str = "playhouse/case";

tokio::task_local! {
    /// The case in which a call is waited for. The SDK asks what is in the answer to a call from there.
    static HERE: Arc<Case>;
}

/// The calls under way. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Cases>>);

#[derive(Default)]
struct Cases {
    last: u64,
    open: BTreeMap<u64, Arc<Case>>,
    requests: HashMap<RequestId, u64>,
    tokens: HashMap<ProgressToken, u64>,
}

/// One call under way, and what the server has had of it.
pub(crate) struct Case {
    /// Who made the call, if somebody did who can be asked and told.
    pub(crate) caller: Option<Arc<dyn ToolCaller>>,
    /// When the call's time is over.
    pub(crate) deadline: Instant,
    /// Questions to the model.
    pub(crate) sampled: AtomicU32,
    /// Forms that were looked at.
    pub(crate) forms: AtomicU32,
    pace: Mutex<Pace>,
    over: watch::Sender<bool>,
}

/// What was told lately.
struct Pace {
    since: Instant,
    told: u32,
    done: u64,
    total: u64,
}

/// A case for as long as its call is under way.
pub(crate) struct Opened {
    desk: Desk,
    number: u64,
    pub(crate) case: Arc<Case>,
}

impl Desk {
    /// A call begins.
    pub(crate) fn open(&self, caller: Option<Arc<dyn ToolCaller>>, deadline: Instant) -> Opened {
        let pace = Pace { since: Instant::now(), told: 0, done: 0, total: 0 };
        let case = Arc::new(Case {
            caller,
            deadline,
            sampled: AtomicU32::new(0),
            forms: AtomicU32::new(0),
            pace: Mutex::new(pace),
            over: watch::Sender::new(false),
        });
        let mut cases = self.lock();
        cases.last += 1;
        let number = cases.last;
        cases.open.insert(number, case.clone());
        Opened { desk: self.clone(), number, case }
    }

    /// Notes which case a request belongs to, and takes the number out of it.
    pub(crate) fn note(&self, message: &mut ClientJsonRpcMessage) {
        let JsonRpcMessage::Request(request) = message else { return };
        let token = request.request.get_meta().get_progress_token();
        let meta = match &mut request.request {
            ClientRequest::CallToolRequest(call) => &mut call.params.meta,
            ClientRequest::ReadResourceRequest(read) => &mut read.params.meta,
            ClientRequest::GetPromptRequest(get) => &mut get.params.meta,
            _ => return,
        };
        let number = meta.as_mut().and_then(|meta| meta.0.0.remove(CASE_META)?.as_u64());
        let mut cases = self.lock();
        let Some(number) = number.filter(|number| cases.open.contains_key(number)) else { return };
        cases.requests.insert(request.id.clone(), number);
        cases.tokens.extend(token.map(|token| (token, number)));
    }

    /// The server says how far a call is. Those who are told see of it what `policy` lets them.
    pub(crate) fn progress(&self, said: &ProgressNotificationParam, policy: &Policy) {
        let cases = self.lock();
        let number = cases.tokens.get(&said.progress_token);
        let case = number.and_then(|number| cases.open.get(number)).cloned();
        drop(cases);
        if let Some(case) = case {
            let (done, total) = steps(said.progress, said.total);
            let words = said.message.as_deref().unwrap_or_default();
            case.report(Some((done, total)), || policy.shown(line(words, PROGRESS_CHARS_MAX)));
        }
    }

    /// The call that a question of the server is about; `None` if that cannot be known.
    pub(crate) fn case_of(&self, context: &RequestContext<RoleClient>) -> Option<Arc<Case>> {
        if let Ok(here) = HERE.try_with(Arc::clone) {
            return Some(here);
        }
        let cases = self.lock();
        let number = match context.extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => cases.requests.get(id),
            _ if cases.open.len() == 1 => cases.open.keys().next(),
            _ => None,
        };
        cases.open.get(number?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Cases> {
        // Nothing that can panic happens while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("open", &self.lock().open.len()).finish()
    }
}

impl Opened {
    /// What the call's requests carry in `_meta`, besides what `meta` has.
    pub(crate) fn marked(&self, mut meta: RequestMetaObject) -> RequestMetaObject {
        meta.0.0.insert(CASE_META.into(), json!(self.number));
        meta
    }

    /// Waits for the answer to the call.
    pub(crate) async fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        HERE.scope(self.case.clone(), answer).await
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut cases = self.desk.lock();
        cases.open.remove(&self.number);
        cases.requests.retain(|_, number| *number != self.number);
        cases.tokens.retain(|_, number| *number != self.number);
        drop(cases);
        self.case.over.send_replace(true);
    }
}

impl Case {
    /// Tells whoever made the call, in one line, at a bounded rate.
    pub(crate) fn tell(&self, what: &str) {
        self.report(None, || line(what, PROGRESS_CHARS_MAX));
    }

    /// Resolves when the call has ended.
    pub(crate) async fn over(&self) {
        // The sender lives in `self`, so this cannot fail.
        self.over.subscribe().wait_for(|over| *over).await.ok();
    }

    /// Counts one more of at most `most`; says whether it is allowed.
    pub(crate) fn one_more(counter: &AtomicU32, most: u32) -> bool {
        let more = |count: u32| (count < most).then(|| count + 1);
        counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// `message` is made only if it is told.
    fn report(&self, far: Option<(u64, u64)>, message: impl FnOnce() -> String) {
        let Some(caller) = &self.caller else { return };
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.since.elapsed() > PROGRESS_PERIOD {
            (pace.since, pace.told) = (Instant::now(), 0);
        }
        pace.told = pace.told.saturating_add(1);
        if pace.told > PROGRESS_MAX {
            return;
        }
        (pace.done, pace.total) = far.unwrap_or((pace.done, pace.total));
        let (done, total) = (pace.done, pace.total);
        drop(pace);
        caller.progress(ToolProgress::Report { done, total, message: message() });
    }
}

/// What a server says in any numbers, in whole ones: parts of a step count as thousandths of the whole.
fn steps(done: f64, total: Option<f64>) -> (u64, u64) {
    // What is negative, or no number at all, becomes 0, and what is too large the largest.
    let whole = |number: f64| number as u64;
    match total.filter(|total| *total > 0.0) {
        Some(total) if done.fract() != 0.0 || total.fract() != 0.0 => (whole(done / total * 1_000.0), 1_000),
        Some(total) => (whole(done), whole(total)),
        None => (whole(done), 0),
    }
}

#[cfg(test)]
mod tests;
