//! What is in the envelopes: records, heads and sessions as JSON, and back.
//!
//! The ladder of versions: [`Envelope::decode`] accepts 1 to [`VERSION`](crate::envelope::VERSION). Version 1
//! had one record in an entry, version 2 has all of one append; [`records_from`] reads both. Fields that are
//! merely added need no new version: they have defaults.

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

use crate::{
    cas::Digest,
    envelope::{Envelope, Kind},
    frame::At,
    sums::{Hash, SUMS_BYTES, Sums, hash},
    vault::{Vault, file_of},
};

/// Largest value, in bytes of JSON. Tool outputs and replies are limited to a few MiB long before; this one
/// keeps a bug from filling the memory.
pub(crate) const VALUE_BYTES_MAX: usize = 64 << 20;

/// A record without what the envelope says already. In version 1 it said the epoch and the time too.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(default)]
    epoch: u32,
    #[serde(default)]
    at_ms: u64,
    tenant: Cow<'a, Tenant>,
    labels: Cow<'a, Labels>,
    event: Cow<'a, Event>,
}

impl<'a> Body<'a> {
    fn of(record: &'a Record) -> Self {
        let Record { epoch, at_ms, .. } = *record;
        let (tenant, labels) = (Cow::Borrowed(&record.tenant), Cow::Borrowed(&record.labels));
        Body { epoch, at_ms, tenant, labels, event: Cow::Borrowed(&record.event) }
    }
}

/// What the envelope around an append says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Position of its first record.
    pub(crate) first: Seq,
    /// Position behind its last.
    pub(crate) next: Seq,
    /// The task's epoch and time of change after it.
    pub(crate) epoch: u32,
    pub(crate) at_ms: u64,
    /// Hash of the append before; `None` in version 1.
    pub(crate) before: Option<Hash>,
    /// Its own.
    pub(crate) hash: Hash,
}

/// What an idempotency key was used for. The key is stored in its hash.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) task: TaskId,
    pub(crate) digest: String,
}

/// The envelope of an entry that is no record, without its payload.
fn envelope(kind: Kind, subject: &str, (seq, epoch, at_ms): (Seq, u32, u64)) -> Envelope<'_> {
    Envelope { kind, subject, seq, epoch, at_ms, count: 0, flags: 0, before: Hash::default(), payload: b"" }
}

/// Puts `value` into `envelope`; refuses one that is too large.
fn encode(envelope: Envelope<'_>, value: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    let payload = json(envelope.subject, value)?;
    Ok(Envelope { payload: &payload, ..envelope }.encode())
}

fn json(subject: &str, value: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    let payload = serde_json::to_vec(value).expect("plain data always has a JSON form");
    if payload.len() > VALUE_BYTES_MAX {
        let bytes = payload.len();
        let what = format!("an entry of {bytes} bytes for `{subject}` exceeds {VALUE_BYTES_MAX} bytes");
        return Err(JournalError::Unavailable(what));
    }
    Ok(payload)
}

/// A value that is somebody's content, on its way into the vault.
#[derive(Debug)]
pub(crate) struct Draft {
    kind: Kind,
    tenant: Tenant,
    subject: String,
    numbers: (Seq, u32, u64),
    count: u16,
    before: Hash,
    payload: Vec<u8>,
}

impl Draft {
    fn new(
        kind: Kind,
        tenant: &Tenant,
        subject: String,
        numbers: (Seq, u32, u64),
        value: &impl Serialize,
    ) -> Result<Self, JournalError> {
        let payload = json(&subject, value)?;
        Ok(Self {
            kind,
            tenant: tenant.clone(),
            subject,
            numbers,
            count: 0,
            before: Hash::default(),
            payload,
        })
    }

    /// Whether [`Draft::close`] needs no disk.
    pub(crate) fn is_quick(&self, vault: &Vault) -> bool {
        vault.is_quick(&self.tenant, self.payload.len())
    }

    /// The bytes to store. May block on the disk.
    pub(crate) fn close(self, vault: &Vault) -> Result<Vec<u8>, JournalError> {
        let envelope = envelope(self.kind, &self.subject, self.numbers);
        let (count, before) = (self.count, self.before);
        vault.close(&self.tenant, Envelope { count, before, payload: &self.payload, ..envelope })
    }
}

/// Opens the envelope and checks that it is the one expected at this place. `what` names it for people.
fn open<'a>(
    (kind, subject): (Kind, &str),
    what: &impl Display,
    bytes: &'a [u8],
) -> Result<(u8, Envelope<'a>), JournalError> {
    let (version, envelope) = Envelope::decode(bytes).map_err(|fault| damaged(what, &fault))?;
    if (envelope.kind, envelope.subject) != (kind, subject) {
        let found = format!("it is {:?} of `{}`", envelope.kind, envelope.subject);
        return Err(damaged(what, &found));
    }
    Ok((version, envelope))
}

/// The same, for what has one shape in all versions.
fn payload<'a>(
    expected: (Kind, &str),
    what: &impl Display,
    bytes: &'a [u8],
) -> Result<&'a [u8], JournalError> {
    Ok(open(expected, what, bytes)?.1.payload)
}

/// What ends the description of damage that no other copy heals, so that nobody tries.
const INCURABLE: &str = "no other copy would read otherwise";

fn parse<T: DeserializeOwned>(what: &impl Display, payload: &[u8]) -> Result<T, JournalError> {
    // Its checksum holds, so this is what was written. What is JSON, and not ours, is of a version that knows more.
    serde_json::from_slice(payload).map_err(|error| match error.is_data() {
        true => JournalError::Newer(format!("{what}: {error}")),
        false => incurable(what, &error),
    })
}

/// Whether `error` means that the disk lost or changed something, so that another copy may heal it.
pub(crate) fn is_damage(error: &JournalError) -> bool {
    matches!(error, JournalError::Damaged(what) if !what.ends_with(INCURABLE))
}

/// The error that names what cannot be read, and why.
pub(crate) fn damaged(what: &impl Display, why: &impl Display) -> JournalError {
    JournalError::Damaged(format!("{what} cannot be read: {why}"))
}

/// One append of the task of `head`, which is the head after it. `before`: the append before.
pub(crate) fn records_to(head: &Head, records: &[Record], before: Hash) -> Result<Draft, JournalError> {
    let bodies: Vec<Body<'_>> = records.iter().map(Body::of).collect();
    let count = u16::try_from(records.len()).map_err(|_| {
        JournalError::Unavailable(format!("an append of {} records exceeds {}", records.len(), u16::MAX))
    })?;
    let first = head.next_seq - records.len() as Seq;
    let (numbers, subject) = ((first, head.epoch, head.updated_ms), head.task.to_string());
    let draft = Draft::new(Kind::Record, &head.tenant, subject, numbers, &bodies)?;
    Ok(Draft { count, before, ..draft })
}

fn open_bundle<'a>(task: &str, first: Seq, bytes: &'a [u8]) -> Result<(u8, Envelope<'a>), JournalError> {
    let what = format!("record {first} of task {task}");
    let (version, envelope) = open((Kind::Record, task), &what, bytes)?;
    if envelope.seq != first {
        return Err(damaged(&what, &format!("it is record {}", envelope.seq)));
    }
    Ok((version, envelope))
}

/// What the envelope of the append at `first` says.
pub(crate) fn bundle_from(task: &str, first: Seq, bytes: &[u8]) -> Result<Bundle, JournalError> {
    let (version, Envelope { epoch, at_ms, count, before, .. }) = open_bundle(task, first, bytes)?;
    let before = (1 < version).then_some(before);
    Ok(Bundle { first, next: first + Seq::from(count), epoch, at_ms, before, hash: hash(bytes) })
}

pub(crate) fn records_from(
    vault: &Vault,
    task: &str,
    first: Seq,
    bytes: &[u8],
) -> Result<Vec<Record>, JournalError> {
    let (version, envelope) = open_bundle(task, first, bytes)?;
    let what = format!("record {first} of task {task}");
    let content = vault.content(&what, &envelope)?;
    let bodies: Vec<Body<'_>> = if version == 1 {
        let body = parse(&what, &content)?;
        vec![Body { epoch: envelope.epoch, at_ms: envelope.at_ms, ..body }]
    } else {
        parse(&what, &content)?
    };
    if bodies.len() != usize::from(envelope.count) {
        return Err(damaged(&what, &format!("it has {} records, not {}", bodies.len(), envelope.count)));
    }
    let record = |(seq, Body { epoch, at_ms, tenant, labels, event }): (Seq, Body<'_>)| {
        let (tenant, labels, event) = (tenant.into_owned(), labels.into_owned(), event.into_owned());
        Record { seq, epoch, at_ms, tenant, labels, event }
    };
    Ok((first..).zip(bodies).map(record).collect())
}

pub(crate) fn head_to(head: &Head) -> Result<Vec<u8>, JournalError> {
    let numbers = (head.next_seq, head.epoch, head.updated_ms);
    encode(envelope(Kind::Head, head.task.as_str(), numbers), head)
}

pub(crate) fn head_from(task: &str, bytes: &[u8]) -> Result<Head, JournalError> {
    let what = format!("the head of task {task}");
    parse(&what, payload((Kind::Head, task), &what, bytes)?)
}

pub(crate) fn submission_to(submission: &Submission, task: &TaskId) -> Result<Vec<u8>, JournalError> {
    let used = Used { task: task.clone(), digest: submission.digest.clone() };
    encode(envelope(Kind::Submission, &of_key(&submission.key), (0, 0, 0)), &used)
}

pub(crate) fn submission_from(key: &str, bytes: &[u8]) -> Result<Used, JournalError> {
    used_from(&of_key(key), bytes)
}

/// The same by the hash of the key.
pub(crate) fn used_from(hash: &str, bytes: &[u8]) -> Result<Used, JournalError> {
    let what = "the entry of an idempotency key";
    parse(&what, payload((Kind::Submission, hash), &what, bytes)?)
}

/// Where the index stands.
pub(crate) fn commits_to(at: At, sums: Sums) -> Vec<u8> {
    let payload = [at.root.as_slice(), &sums.to_bytes()].concat();
    Envelope { payload: &payload, ..envelope(Kind::Commits, "", (at.commit, 0, 0)) }.encode()
}

pub(crate) fn commits_from(bytes: &[u8]) -> Result<(At, Sums), JournalError> {
    let what = "the last commit";
    let (_, Envelope { seq: commit, payload, .. }) = open((Kind::Commits, ""), &what, bytes)?;
    let short = || damaged(&what, &"it is short");
    let (root, rest) = payload.split_first_chunk::<32>().ok_or_else(short)?;
    let sums: &[u8; SUMS_BYTES] = rest.try_into().map_err(|_| short())?;
    Ok((At { commit, root: *root }, Sums::from_bytes(sums)))
}

/// The number of commits in an index of format 1.
pub(crate) fn old_commits_from(bytes: &[u8]) -> Result<u64, JournalError> {
    Ok(open((Kind::Commits, ""), &"the number of the last commit", bytes)?.1.seq)
}

/// How an idempotency key is stored.
pub(crate) fn of_key(key: &str) -> String {
    playhouse_core::digest::of_bytes(key.as_bytes())
}

/// The same for damage that log and index have alike.
pub(crate) fn incurable(what: &impl Display, why: &impl Display) -> JournalError {
    damaged(what, &format!("{why}; {INCURABLE}"))
}

pub(crate) fn session_to(meta: &SessionMeta) -> Result<Vec<u8>, JournalError> {
    encode(envelope(Kind::Session, &session(&meta.tenant, &meta.id), (0, 0, meta.used_ms)), meta)
}

/// `subject` is `tenant/session`.
pub(crate) fn session_from(subject: &str, bytes: &[u8]) -> Result<SessionMeta, JournalError> {
    let what = format!("session {subject}");
    parse(&what, payload((Kind::Session, subject), &what, bytes)?)
}

pub(crate) fn pinned_to(
    tenant: &Tenant,
    id: &SessionId,
    pinned: &[Message],
    now_ms: u64,
) -> Result<Draft, JournalError> {
    Draft::new(Kind::Pinned, tenant, session(tenant, id), (0, 0, now_ms), &pinned)
}

pub(crate) fn pinned_from(
    vault: &Vault,
    tenant: &Tenant,
    id: &SessionId,
    bytes: &[u8],
) -> Result<Vec<Message>, JournalError> {
    let subject = session(tenant, id);
    let what = format!("what is pinned in session {subject}");
    let (_, envelope) = open((Kind::Pinned, &subject), &what, bytes)?;
    parse(&what, &vault.content(&what, &envelope)?)
}

pub(crate) fn turn_to(tenant: &Tenant, id: &SessionId, turn: &Turn) -> Result<Draft, JournalError> {
    let subject = format!("{}/{}", session(tenant, id), turn.task);
    Draft::new(Kind::Turn, tenant, subject, (0, 0, turn.at_ms), turn)
}

/// `task` as its key has it.
pub(crate) fn turn_from(
    vault: &Vault,
    tenant: &Tenant,
    id: &SessionId,
    task: &str,
    bytes: &[u8],
) -> Result<Turn, JournalError> {
    let subject = format!("{}/{task}", session(tenant, id));
    let what = format!("turn {subject}");
    let (_, envelope) = open((Kind::Turn, &subject), &what, bytes)?;
    parse(&what, &vault.content(&what, &envelope)?)
}

/// The file that the row holds the name of, if it does.
pub(crate) fn file_in(key: &[u8], value: &[u8]) -> Option<Digest> {
    let has_content = matches!(key.first(), Some(b'p' | b'r' | b't'));
    has_content.then(|| Envelope::decode(value).ok()).flatten().and_then(|(_, envelope)| file_of(&envelope))
}

/// How people read a session's key: names hold no `/`.
pub(crate) fn session(tenant: &Tenant, id: &SessionId) -> String {
    format!("{tenant}/{id}")
}

/// Checks what can be told of a row by itself: whatever has an envelope must be whole, unless it is a piece.
pub(crate) fn check((key, value): &(Vec<u8>, Vec<u8>)) -> Result<(), JournalError> {
    let has_envelope = matches!(key.first(), Some(b'h' | b'k' | b's'));
    if has_envelope && let Err(fault) = Envelope::decode(value) {
        return Err(damaged(&format!("an entry of {}", crate::keys::all_names(key)), &fault));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use playhouse_core::task::Event;

    use super::*;

    #[test]
    fn what_is_whole_and_not_of_our_words_is_of_a_newer_version_and_no_damage() {
        let read = |text: &str| parse::<Event>(&"record 3 of task t", text.as_bytes());
        assert_eq!(read(r#"{"type":"woken","at_ms":7}"#), Ok(Event::Woken { at_ms: 7 }));
        let newer = read(r#"{"type":"levitated","at_ms":7}"#).unwrap_err();
        assert!(
            matches!(&newer, JournalError::Newer(what) if what.contains("record 3 of task t")),
            "{newer}"
        );
        assert!(!is_damage(&newer), "no other copy is asked, and nothing is repaired");
        assert!(matches!(read(r#"{"type":"woken","#), Err(JournalError::Damaged(_))));
    }
}
