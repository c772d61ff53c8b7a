//! What is in the envelopes: records, heads and sessions as JSON, and back.
//!
//! The ladder of versions: [`Envelope::decode`] accepts 1 to [`VERSION`](crate::envelope::VERSION). When a
//! format 2 arrives, [`current`] gets an arm that turns a payload of 1 into one of 2 (an upcaster), and
//! everything above keeps reading only the newest shape. Fields that are merely added need no new version:
//! they have defaults.

use std::{borrow::Cow, fmt::Display};

use playhouse_core::{
    id::{Seq, SessionId, TaskId, Tenant},
    labels::Labels,
    message::Message,
    session::{SessionMeta, Turn},
    task::{Event, Head, Record},
};
use playhouse_ports::{JournalError, Submission};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::envelope::{Envelope, Kind};

/// Largest value, in bytes of JSON. Tool outputs and replies are limited to a few MiB long before; this one
/// keeps a bug from filling the memory.
pub(crate) const VALUE_BYTES_MAX: usize = 64 << 20;

/// A record without what the envelope says already.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    tenant: Cow<'a, Tenant>,
    labels: Cow<'a, Labels>,
    event: Cow<'a, Event>,
}

/// What an idempotency key was used for. The key is stored in its hash.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) task: TaskId,
    pub(crate) digest: String,
}

/// Encodes `value`; refuses one that is too large.
fn encode(
    (kind, subject): (Kind, &str),
    (seq, epoch, at_ms): (Seq, u32, u64),
    value: &impl Serialize,
) -> Result<Vec<u8>, JournalError> {
    let payload = serde_json::to_vec(value).expect("plain data always has a JSON form");
    if payload.len() > VALUE_BYTES_MAX {
        let bytes = payload.len();
        let what = format!("an entry of {bytes} bytes for `{subject}` exceeds {VALUE_BYTES_MAX} bytes");
        return Err(JournalError::Unavailable(what));
    }
    Ok(Envelope { kind, subject, seq, epoch, at_ms, payload: &payload }.encode())
}

/// Opens the envelope and checks that it is the one expected at this place. `what` names it for people.
fn open<'a>(
    (kind, subject): (Kind, &str),
    what: &impl Display,
    bytes: &'a [u8],
) -> Result<Envelope<'a>, JournalError> {
    let (version, envelope) = Envelope::decode(bytes).map_err(|fault| damaged(what, &fault))?;
    if (envelope.kind, envelope.subject) != (kind, subject) {
        let found = format!("it is {:?} of `{}`", envelope.kind, envelope.subject);
        return Err(damaged(what, &found));
    }
    Ok(current(version, envelope))
}

/// Brings the payload to the newest shape.
fn current(version: u8, envelope: Envelope<'_>) -> Envelope<'_> {
    debug_assert_eq!(version, 1, "the decoder lets no other version through");
    envelope
}

fn parse<T: DeserializeOwned>(what: &impl Display, payload: &[u8]) -> Result<T, JournalError> {
    serde_json::from_slice(payload).map_err(|error| damaged(what, &error))
}

/// The error that names what cannot be read, and why.
pub(crate) fn damaged(what: &impl Display, why: &impl Display) -> JournalError {
    JournalError::Damaged(format!("{what} cannot be read: {why}"))
}

pub(crate) fn record_to(task: &TaskId, record: &Record) -> Result<Vec<u8>, JournalError> {
    let body = Body {
        tenant: Cow::Borrowed(&record.tenant),
        labels: Cow::Borrowed(&record.labels),
        event: Cow::Borrowed(&record.event),
    };
    encode((Kind::Record, task.as_str()), (record.seq, record.epoch, record.at_ms), &body)
}

pub(crate) fn record_from(task: &TaskId, seq: Seq, bytes: &[u8]) -> Result<Record, JournalError> {
    let what = format!("record {seq} of task {task}");
    let Envelope { seq: found, epoch, at_ms, payload, .. } =
        open((Kind::Record, task.as_str()), &what, bytes)?;
    if found != seq {
        return Err(damaged(&what, &format!("it is record {found}")));
    }
    let Body { tenant, labels, event } = parse(&what, payload)?;
    let (tenant, labels, event) = (tenant.into_owned(), labels.into_owned(), event.into_owned());
    Ok(Record { seq, epoch, at_ms, tenant, labels, event })
}

pub(crate) fn head_to(head: &Head) -> Result<Vec<u8>, JournalError> {
    encode((Kind::Head, head.task.as_str()), (head.next_seq, head.epoch, head.updated_ms), head)
}

pub(crate) fn head_from(task: &str, bytes: &[u8]) -> Result<Head, JournalError> {
    let what = format!("the head of task {task}");
    parse(&what, open((Kind::Head, task), &what, bytes)?.payload)
}

pub(crate) fn submission_to(submission: &Submission, task: &TaskId) -> Result<Vec<u8>, JournalError> {
    let used = Used { task: task.clone(), digest: submission.digest.clone() };
    encode((Kind::Submission, &hash(&submission.key)), (0, 0, 0), &used)
}

pub(crate) fn submission_from(key: &str, bytes: &[u8]) -> Result<Used, JournalError> {
    let what = "the entry of an idempotency key";
    parse(&what, open((Kind::Submission, &hash(key)), &what, bytes)?.payload)
}

/// The number of a commit; it has no payload.
pub(crate) fn commits_to(number: u64) -> Vec<u8> {
    Envelope { kind: Kind::Commits, subject: "", seq: number, epoch: 0, at_ms: 0, payload: b"" }.encode()
}

pub(crate) fn commits_from(bytes: &[u8]) -> Result<u64, JournalError> {
    Ok(open((Kind::Commits, ""), &"the number of the last commit", bytes)?.seq)
}

fn hash(key: &str) -> String {
    playhouse_core::digest::of_bytes(key.as_bytes())
}

pub(crate) fn session_to(meta: &SessionMeta) -> Result<Vec<u8>, JournalError> {
    encode((Kind::Session, &session(&meta.tenant, &meta.id)), (0, 0, meta.used_ms), meta)
}

/// `subject` is `tenant/session`.
pub(crate) fn session_from(subject: &str, bytes: &[u8]) -> Result<SessionMeta, JournalError> {
    let what = format!("session {subject}");
    parse(&what, open((Kind::Session, subject), &what, bytes)?.payload)
}

pub(crate) fn pinned_to(
    tenant: &Tenant,
    id: &SessionId,
    pinned: &[Message],
    now_ms: u64,
) -> Result<Vec<u8>, JournalError> {
    encode((Kind::Pinned, &session(tenant, id)), (0, 0, now_ms), &pinned)
}

pub(crate) fn pinned_from(
    tenant: &Tenant,
    id: &SessionId,
    bytes: &[u8],
) -> Result<Vec<Message>, JournalError> {
    let subject = session(tenant, id);
    let what = format!("what is pinned in session {subject}");
    parse(&what, open((Kind::Pinned, &subject), &what, bytes)?.payload)
}

pub(crate) fn turn_to(tenant: &Tenant, id: &SessionId, turn: &Turn) -> Result<Vec<u8>, JournalError> {
    let subject = format!("{}/{}", session(tenant, id), turn.task);
    encode((Kind::Turn, &subject), (0, 0, turn.at_ms), turn)
}

/// `task` as its key has it.
pub(crate) fn turn_from(
    tenant: &Tenant,
    id: &SessionId,
    task: &str,
    bytes: &[u8],
) -> Result<Turn, JournalError> {
    let subject = format!("{}/{task}", session(tenant, id));
    let what = format!("turn {subject}");
    parse(&what, open((Kind::Turn, &subject), &what, bytes)?.payload)
}

/// How people read a session's key: names hold no `/`.
pub(crate) fn session(tenant: &Tenant, id: &SessionId) -> String {
    format!("{tenant}/{id}")
}
