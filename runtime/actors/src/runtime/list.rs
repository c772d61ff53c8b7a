//! Listing tasks: a search through the heads, of which one request reads so many at most.

use playhouse_api::{ApiError, Caller, LIST_MAX, TaskList, TaskQuery};
use playhouse_core::{id::TaskId, task::Head};

use super::{Runtime, journal_error};

/// Pages of heads that one request reads: some 6,000 tasks, read in well under a second. A search that finds
/// little goes on with the next request, so that no caller keeps a reader of the journal busy.
const PAGES_MAX: usize = 32;
/// Characters of a ULID that are its millisecond.
const ULID_TIME_CHARS: usize = 10;

impl Runtime {
    pub(super) async fn list(&self, caller: &Caller, query: TaskQuery) -> Result<TaskList, ApiError> {
        let limit = query.limit.clamp(1, LIST_MAX);
        let (mut tasks, mut before) = (Vec::new(), query.before.clone());
        for _ in 0..PAGES_MAX {
            let heads = self.services.ledger.journal.heads(before.as_ref(), LIST_MAX);
            let page = heads.await.map_err(journal_error)?;
            let Some(last) = page.last() else { return Ok(TaskList { tasks, next: None }) };
            before = Some(last.task.clone());
            tasks.extend(page.into_iter().filter(|head| is_wanted(head, caller, &query)));
            // One more than asked for tells that there is a next page.
            if limit < tasks.len() {
                tasks.truncate(limit);
                let next = tasks.last().map(|head| head.task.clone());
                return Ok(TaskList { tasks, next });
            }
        }
        let next = before.map(|last| go_on_from(last, query.before.as_ref()));
        // What is not before `next` is told now; the rest comes again.
        tasks.retain(|head| next.as_ref().is_none_or(|next| *next <= head.task));
        Ok(TaskList { tasks, next })
    }
}

fn is_wanted(head: &Head, caller: &Caller, query: &TaskQuery) -> bool {
    head.tenant == caller.tenant
        && query.status.is_none_or(|status| head.status == status)
        && query.session.as_ref().is_none_or(|session| head.session.as_ref() == Some(session))
        && query.parent.as_ref().is_none_or(|parent| head.parent.as_ref() == Some(parent))
        && query.waiting.is_none_or(|waiting| head.waiting == Some(waiting))
}

/// Where a search goes on that has looked at `last`, which may be another tenant's and must not be named: at
/// the end of its millisecond, unless that is where the search began.
fn go_on_from(last: TaskId, began: Option<&TaskId>) -> TaskId {
    // `_` comes after everything in a ULID.
    let millisecond = last.as_str().get(..ULID_TIME_CHARS).map(|time| format!("{time}_"));
    let end = millisecond.and_then(|end| TaskId::new(end).ok());
    end.filter(|end| began.is_none_or(|began| end < began)).unwrap_or(last)
}
