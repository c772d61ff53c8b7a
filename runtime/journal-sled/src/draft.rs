//! From a batch to what the committer moves: encoded by who appends, so that the committer only moves bytes.

use playhouse_core::{
    id::{Seq, TaskId},
    session::Turn,
    task::Head,
};
use playhouse_ports::{Batch, JournalError, Submission};

use crate::{
    stage::{Append, EncodedTurn, SessionName},
    store::is_open,
    sums::{Hash, hash},
    values::{self, Draft},
    vault::Vault,
};

/// What an append must know of the task before it.
#[derive(Debug)]
pub(crate) struct Before {
    /// The hash of its last append; zero if there is none.
    pub(crate) hash: Hash,
    /// Its head, if that is stored and open.
    pub(crate) stored: Option<Head>,
}

/// An append with its content still open.
#[derive(Debug)]
pub(crate) struct AppendDraft {
    head: Head,
    head_bytes: Option<Vec<u8>>,
    from: Seq,
    count: usize,
    records: Option<Draft>,
    before: Hash,
    turn: Option<(SessionName, TaskId, u64, Draft)>,
    key: Option<(Submission, Vec<u8>)>,
    wake: Option<TaskId>,
    asked: Vec<TaskId>,
    heard: Vec<TaskId>,
}

/// Whether the stored head `old` says of `new` all that lists and start-up read: its position follows from the
/// records.
fn says_all(old: &Head, new: &Head) -> bool {
    let (next_seq, updated_ms, epoch) = (new.next_seq, new.updated_ms, new.epoch);
    is_open(new.status) && Head { next_seq, updated_ms, epoch, ..old.clone() } == *new
}

impl AppendDraft {
    /// Checks that `batch` is what it claims to be, and encodes it.
    pub(crate) fn of(batch: Batch, from: Seq, before: Before) -> Result<Self, JournalError> {
        let Batch { head, records, turn, key, wake, asked, heard } = batch;
        let in_order = (from..).zip(records.iter()).all(|(seq, record)| record.seq == seq);
        assert!(in_order, "the records of a batch are consecutive");
        assert_eq!(head.next_seq, from + records.len() as Seq, "the head is one past the last record");

        let count = records.len();
        let is_new = count == 0 || before.stored.is_none_or(|old| !says_all(&old, &head));
        let head_bytes = is_new.then(|| values::head_to(&head)).transpose()?;
        let drafted = (0 < count).then(|| values::records_to(&head, &records, before.hash)).transpose()?;
        let to_key = |submission| Ok((values::submission_to(&submission, &head.task)?, submission));
        let key = key.map(to_key).transpose()?.map(|(bytes, submission)| (submission, bytes));
        let to_turn = |(id, turn): (_, Turn)| {
            let draft = values::turn_to(&head.tenant, &id, &turn)?;
            Ok((SessionName { tenant: head.tenant.clone(), id }, turn.task, turn.at_ms, draft))
        };
        let turn = turn.map(to_turn).transpose()?;
        let (records, before) = (drafted, before.hash);
        Ok(Self { head, head_bytes, from, count, records, before, turn, key, wake, asked, heard })
    }

    /// Whether [`AppendDraft::close`] needs no disk.
    pub(crate) fn is_quick(&self, vault: &Vault) -> bool {
        let mut drafts = self.records.iter().chain(self.turn.iter().map(|(.., draft)| draft));
        drafts.all(|draft| draft.is_quick(vault))
    }

    /// Puts the content into the vault. May block on the disk.
    pub(crate) fn close(self, vault: &Vault) -> Result<Append, JournalError> {
        let Self { head, head_bytes, from, count, before, key, wake, asked, heard, .. } = self;
        let records = self.records.map_or(Ok(Vec::new()), |draft| draft.close(vault))?;
        let hash = if records.is_empty() { before } else { hash(&records) };
        let close = |(session, task, at_ms, draft): (_, _, _, Draft)| {
            Ok(EncodedTurn { session, task, at_ms, bytes: draft.close(vault)? })
        };
        let turn = self.turn.map(close).transpose()?;
        Ok(Append { head, head_bytes, from, count, records, hash, turn, key, wake, asked, heard })
    }
}
