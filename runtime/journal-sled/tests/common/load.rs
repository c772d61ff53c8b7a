//! A load whose every record is a function of its place, so that whoever reads it back knows what it must be.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::Arc};

use playhouse_core::{
    id::{SessionId, TaskId},
    task::{Event, Status},
};
use playhouse_journal_sled::{MasterKey, Options, SledJournal};
use playhouse_ports::{Batch, Context, Journal, Submission};
use playhouse_testkit::suites::Script;

/// Smallest and largest value, in bytes.
const VALUE_BYTES: (usize, usize) = (200, 64 << 10);
/// Records in the largest batch.
const BATCH_MAX: usize = 1024;
/// Bytes of a batch, about: larger values come in smaller batches.
const BATCH_BYTES_MAX: usize = 512 << 10;
/// Of tasks whose name begins with `c`, all but one in so many end and are forgotten; of others, half.
const MOST: u8 = 16;
/// A task ends after at most so many batches.
const BATCHES_MAX: usize = 12;

/// Set for a writer whose journal is sealed.
const SEALED: &str = "PLAYHOUSE_TEST_SEALED";

/// Checkpoints, cleaning and new generations after little work, so that kills and damage meet them.
pub(crate) fn options(is_sealed: bool) -> Options {
    let master = || MasterKey::from_hex_or_base64(&"5a".repeat(32)).unwrap();
    Options {
        ballast_bytes: 1 << 20,
        checkpoint_bytes: 256 << 10,
        segment_bytes: 128 << 10,
        waste_bytes: 0,
        index_waste_bytes: 16 << 20,
        master: is_sealed.then(|| Arc::new(master())),
        ..Options::default()
    }
}

/// Tells `writer` whether its journal is sealed.
pub(crate) fn seal(writer: &mut Command, is_sealed: bool) -> &mut Command {
    writer.env(SEALED, if is_sealed { "1" } else { "0" })
}

/// In the writer: what it was told.
pub(crate) fn options_told() -> Options {
    options(std::env::var(SEALED).is_ok_and(|told| told == "1"))
}

/// How far a task is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Over,
    /// It is about to be forgotten, and may be.
    Leaving,
    Gone,
}

/// What was acknowledged: how many records each task has, and how far it has come.
#[derive(Debug, Default, Clone)]
pub(crate) struct Acknowledged(BTreeMap<String, (u64, State)>);

/// Whether `line` is an acknowledgement, and not only an announcement.
pub(crate) fn is_acknowledgement(line: &str) -> bool {
    !line.ends_with(" leaving")
}

impl Acknowledged {
    /// Notes the line that [`write`] told.
    pub(crate) fn note(&mut self, line: &str) {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        let (task, records) = (word().to_owned(), word().parse().unwrap());
        let state = match word() {
            "open" => State::Open,
            "over" => State::Over,
            "leaving" => State::Leaving,
            "gone" => State::Gone,
            other => panic!("a task cannot be {other}"),
        };
        self.0.insert(task, (records, state));
    }

    pub(crate) fn records(&self) -> u64 {
        self.0.values().map(|(records, _)| records).sum()
    }

    pub(crate) fn tasks(&self) -> usize {
        self.0.len()
    }
}

/// What record `seq` of `task` says. Tasks whose name begins with `l` have large records.
pub(crate) fn value(task: &str, seq: u64) -> String {
    let hash = task.bytes().fold(seq, |hash, byte| hash.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
    let mut random = fastrand::Rng::with_seed(hash);
    let (min, max) = if task.starts_with('l') { VALUE_BYTES } else { (VALUE_BYTES.0, 2 * VALUE_BYTES.0) };
    // Most are small, some are as large as they may be.
    let bytes = if random.u8(..) < 24 { random.usize(min..=max) } else { random.usize(min..=2 * min) };
    let mut text = format!("{task}.{seq} {:016x} ", random.u64(..)).repeat(bytes / 32 + 1);
    text.truncate(bytes);
    text
}

/// Writes task after task for ever, or until the journal refuses; `told` hears of every acknowledgement.
pub(crate) async fn write(
    journal: SledJournal,
    name: String,
    seed: u64,
    told: Arc<dyn Fn(&str) + Send + Sync>,
) -> playhouse_ports::JournalError {
    let mut random = fastrand::Rng::with_seed(seed);
    let session = SessionId::new(format!("session-{name}")).unwrap();
    for n in 0.. {
        let mut task = Script::new(&format!("{name}-{seed}-{n}"));
        for batch in batches(&mut task, &session, &mut random) {
            let state = if batch.head.status == Status::Done { "over" } else { "open" };
            let line = format!("{} {} {state}", batch.head.task, batch.head.next_seq);
            match journal.append(batch).await {
                Ok(()) => told(&line),
                Err(error) => return error,
            }
        }
        if task.head.status == Status::Done && is_mostly(&task.task().to_string(), &mut random) {
            let name = format!("{} {}", task.head.task, task.head.next_seq);
            told(&format!("{name} leaving"));
            match journal.forget(task.task()).await {
                Ok(was_there) => assert!(was_there, "{name} was not there to be forgotten"),
                Err(error) => return error,
            }
            told(&format!("{name} gone"));
        }
    }
    unreachable!("the loop ends by an error only")
}

/// Whether a log in `data` begins later than it did.
pub(crate) fn is_cleaned(data: &Path) -> bool {
    let Ok(generations) = fs::read_dir(data.join("journal")) else { return false };
    generations.flatten().any(|generation| {
        let log = generation.path().join("log");
        log.is_dir() && !log.join("00000001.log").exists()
    })
}

/// Whether `task` ends, or is forgotten. Names that begin with `c` are for churn, which a log is cleaned of.
fn is_mostly(task: &str, random: &mut fastrand::Rng) -> bool {
    if task.starts_with('c') { 0 < random.u8(..MOST) } else { random.bool() }
}

/// The life of one task: it begins with an idempotency key and may end with a turn.
fn batches(task: &mut Script, session: &SessionId, random: &mut fastrand::Rng) -> Vec<Batch> {
    let name = task.task().to_string();
    let mut batches = Vec::new();
    let most = if name.starts_with('c') { 1 } else { BATCHES_MAX };
    for n in 0..random.usize(1..=most) {
        // As often one record as hundreds.
        let mut most = 1usize << random.u32(0..=BATCH_MAX.ilog2());
        let mut bytes = 0;
        let mut events = Vec::new();
        while 0 < most && bytes < BATCH_BYTES_MAX {
            let problem = value(&name, task.head.next_seq + events.len() as u64);
            bytes += problem.len();
            most -= 1;
            events.push(Event::RepairAsked { problem });
        }
        let key = (n == 0).then(|| Submission { key: key(&name), digest: name.clone() });
        batches.push(Batch { key, ..task.record(events) });
    }
    if is_mostly(&name, random) {
        let at_ms = task.head.next_seq;
        batches.push(task.end_in(session, &value(&name, u64::MAX), at_ms));
    }
    batches
}

fn key(task: &str) -> String {
    format!("key of {task}")
}

/// What is wrong with what was acknowledged: nothing, `Err` with what the journal says is damaged, or a panic
/// if something is missing or changed and the journal does not say so.
pub(crate) async fn check(
    journal: &SledJournal,
    acknowledged: &Acknowledged,
) -> Result<(), playhouse_ports::JournalError> {
    for (name, (records, state)) in &acknowledged.0 {
        let task = TaskId::new(name.as_str()).unwrap();
        let (head, used) = (journal.head(&task).await?, journal.submission(&key(name)).await?);
        let may_be_gone = matches!(state, State::Leaving | State::Gone);
        if head.is_none() && may_be_gone {
            assert_eq!((used, journal.read(&task, 0, 1).await?), (None, vec![]), "{name} is half gone");
            continue;
        }
        assert_ne!(*state, State::Gone, "{name} was forgotten and is back");
        let head = head.unwrap_or_else(|| panic!("{name} with {records} records is missing"));
        let over = *state != State::Open;
        assert!(*records <= head.next_seq, "{name} has {} of {records} records", head.next_seq);
        assert!(!over || head.status == Status::Done, "the end of {name} is missing");
        let found = journal.read(&task, 0, usize::MAX).await?;
        assert_eq!(found.len() as u64, head.next_seq, "records of {name}");
        for (seq, record) in (0..).zip(found) {
            match record.event {
                Event::RepairAsked { problem } => {
                    assert!(
                        record.seq == seq && problem == value(name, seq),
                        "record {seq} of {name} changed"
                    );
                }
                Event::Finished { .. } => assert_eq!(seq + 1, head.next_seq, "{name} ends early"),
                other => panic!("record {seq} of {name} became {other:?}"),
            }
        }
        assert_eq!(used, Some((task.clone(), name.clone())), "the key of {name}");
        if over {
            check_turn(journal, &head.tenant, name).await?;
        }
    }
    Ok(())
}

async fn check_turn(
    journal: &SledJournal,
    tenant: &playhouse_core::id::Tenant,
    name: &str,
) -> Result<(), playhouse_ports::JournalError> {
    let session = SessionId::new(format!("session-{}", name.split('-').next().unwrap())).unwrap();
    let session = journal.session(tenant, &session).await?.expect("the session of a task that is over");
    let turn = session.turns.iter().find(|turn| turn.task.as_str() == name);
    let said = &turn.unwrap_or_else(|| panic!("the turn of {name} is missing")).messages;
    assert_eq!(*said, [playhouse_core::message::Message::user(value(name, u64::MAX))], "the turn of {name}");
    Ok(())
}
