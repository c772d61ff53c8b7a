//! What an actor shows of itself while it works: messages that wait, the kind it handled last, its own figures.
//!
//! ```text
//!   tell / call ──+1──▶ Vitals ◀──-1, kind── Watched (around every actor that `spawn` starts)
//!                         ▲  ◀──figures── note, called by the actor
//!        tree() ──reads───┘
//! ```
//!
//! ractor does not say how long a mailbox is, so it is counted: one more for each message that goes through
//! [`tell`] or [`call`], one less for each that is handled. A message sent by ractor's own `cast` is not
//! counted, so a depth may be too small, never too large, and it is 0 again once the mailbox is empty.
//!
//! An actor is found by its id in one table of the process, as in ractor's own registry; an id is never used
//! again. So whoever holds an `ActorRef` can count, and nobody passes gauges around.

use std::{
    collections::HashMap,
    fmt::{self, Debug, Write},
    sync::{
        Arc, LazyLock, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use ractor::{ActorId, ActorRef, Message, MessagingErr, RpcReplyPort, rpc::CallResult};

/// Parts of the table, each under a lock of its own: more than there are cores on most machines.
const SHARDS: usize = 32;
/// Figures an actor may show; a line that people can read at a glance has no more.
const FIGURES_MAX: usize = 4;
/// Longest name of a message's kind, in bytes. Two long variant names fit.
const KIND_BYTES_MAX: usize = 47;

type Shard = RwLock<HashMap<ActorId, Arc<Vitals>>>;

/// Every watched actor that is alive.
static LIVE: LazyLock<[Shard; SHARDS]> = LazyLock::new(|| std::array::from_fn(|_| Shard::default()));

fn shard(id: ActorId) -> &'static Shard {
    let spread = usize::try_from(id.pid() % SHARDS as u64).expect("less than the number of shards");
    &LIVE[spread]
}

/// A figure an actor shows: a name from the source, such as `running`, and a number.
pub type Figure = (&'static str, usize);

/// Sends a message and counts it, so that the tree shows how many wait.
pub fn tell<M: Message>(actor: &ActorRef<M>, message: M) -> Result<(), MessagingErr<M>> {
    let counted = count(actor.get_id());
    let sent = actor.cast(message);
    if let (Err(_), Some(vitals)) = (&sent, counted) {
        vitals.uncount();
    }
    sent
}

/// Asks, counts the question, and waits at most `timeout` for the answer. `None`: the actor is gone, did not
/// answer in time, or dropped the question.
pub async fn call<M: Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    question: impl FnOnce(RpcReplyPort<T>) -> M,
    timeout: Duration,
) -> Option<T> {
    let counted = count(actor.get_id());
    match actor.call(question, Some(timeout)).await {
        Ok(CallResult::Success(answer)) => Some(answer),
        Ok(CallResult::Timeout | CallResult::SenderError) => None,
        Err(_) => {
            // It never was in the mailbox.
            counted.into_iter().for_each(|vitals| vitals.uncount());
            None
        }
    }
}

/// Shows `figures` as the actor's state from now on; at most four, the rest is not shown. An actor calls this
/// for itself, whenever they have changed.
pub fn note<M>(myself: &ActorRef<M>, figures: &[Figure]) {
    if let Some(vitals) = of(myself.get_id()) {
        let mut shown = Figures::default();
        for (place, figure) in shown.iter_mut().zip(figures) {
            *place = Some(*figure);
        }
        *vitals.figures.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

/// The vitals of a watched actor that is alive.
pub(crate) fn of(id: ActorId) -> Option<Arc<Vitals>> {
    shard(id).read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
}

fn count(id: ActorId) -> Option<Arc<Vitals>> {
    let vitals = of(id)?;
    vitals.waiting.fetch_add(1, Relaxed);
    Some(vitals)
}

type Figures = [Option<Figure>; FIGURES_MAX];

/// One actor's.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    waiting: AtomicUsize,
    kind: Mutex<Kind>,
    figures: Mutex<Figures>,
}

impl Vitals {
    /// Notes that `message` leaves the mailbox.
    pub(crate) fn begin(&self, message: &impl Debug) {
        self.uncount();
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner) = Kind::of(message);
    }

    fn uncount(&self) {
        // At 0 stays 0: this one was not counted on its way in.
        let _ = self.waiting.fetch_update(Relaxed, Relaxed, |waiting| waiting.checked_sub(1));
    }

    /// Messages that wait.
    pub(crate) fn queue_depth(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// The kind of the message that is being handled, or was handled last.
    pub(crate) fn last_message(&self) -> Option<String> {
        let kind = *self.kind.lock().unwrap_or_else(PoisonError::into_inner);
        Some(kind.as_str().to_owned()).filter(|kind| !kind.is_empty())
    }

    /// The actor's own figures in words, such as `3 running, 5 waiting`.
    pub(crate) fn state(&self) -> Option<String> {
        let figures = *self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<_> =
            figures.iter().flatten().map(|(name, number)| format!("{number} {name}")).collect();
        Some(words.join(", ")).filter(|words| !words.is_empty())
    }
}

/// Keeps an actor in the table for as long as it lives.
#[derive(Debug)]
pub(crate) struct Registered(ActorId);

impl Registered {
    /// Registers `vitals` for the actor `id`.
    pub(crate) fn new(id: ActorId, vitals: Arc<Vitals>) -> Self {
        shard(id).write().unwrap_or_else(PoisonError::into_inner).insert(id, vitals);
        Self(id)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        shard(self.0).write().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// What kind of message, by the names of its variants as `Debug` writes them: `Happened(ToolReplied`. Stops
/// there, before any content: it costs little, and holds nothing private.
#[derive(Debug, Clone, Copy)]
struct Kind {
    len: usize,
    bytes: [u8; KIND_BYTES_MAX],
}

impl Default for Kind {
    fn default() -> Self {
        Self { len: 0, bytes: [0; KIND_BYTES_MAX] }
    }
}

impl Kind {
    fn of(message: &impl Debug) -> Self {
        let mut kind = Self::default();
        // An error is how writing stops.
        let _ = write!(kind, "{message:?}");
        kind
    }

    fn as_str(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default();
        text.trim_end_matches('(')
    }
}

impl Write for Kind {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let begins = self.len == 0 || self.bytes[self.len - 1] == b'(';
            let fits =
                if begins { byte.is_ascii_uppercase() } else { byte.is_ascii_alphanumeric() || byte == b'(' };
            if !fits || self.len == KIND_BYTES_MAX {
                return Err(fmt::Error);
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only its `Debug` is of interest")]
    enum Message {
        Plain,
        Named { secret: &'static str },
        Nested(Box<Message>),
        Text(&'static str),
        Number(u32),
    }

    #[test]
    fn a_kind_is_the_names_of_variants_and_nothing_of_their_content() {
        let kind = |message: &Message| Kind::of(message).as_str().to_owned();
        assert_eq!(kind(&Message::Plain), "Plain");
        assert_eq!(kind(&Message::Named { secret: "Xyz" }), "Named");
        assert_eq!(kind(&Message::Nested(Box::new(Message::Plain))), "Nested(Plain");
        assert_eq!(kind(&Message::Nested(Box::new(Message::Named { secret: "s" }))), "Nested(Named");
        assert_eq!(kind(&Message::Text("Secret")), "Text");
        assert_eq!(kind(&Message::Number(7)), "Number");
    }

    #[test]
    fn a_message_that_was_not_counted_does_not_make_the_depth_negative() {
        let vitals = Vitals::default();
        vitals.begin(&Message::Plain);
        vitals.waiting.fetch_add(2, Relaxed);
        vitals.begin(&Message::Plain);
        assert_eq!(vitals.queue_depth(), 1);
    }
}
