//! Everything as JSON lines, for other programs and for a safe elsewhere.

use std::{
    io::{self, Write},
    path::Path,
};

use playhouse_core::{
    id::{Seq, TaskId},
    session::Session,
    task::{Head, Record},
};
use playhouse_ports::JournalError;
use serde::{Deserialize, Serialize};

use super::{
    content::{self, hex},
    report::{Cure, Report},
    still::Still,
};
use crate::{
    OpenError, Options,
    frame::Frame,
    index::Index,
    keys,
    log::walk,
    pieces::Joined,
    place::Current,
    values::{self, Bundle},
    vault::Vault,
    view::View,
};

/// A line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: what was exported, and the root of the chain of commits at its end.
    Journal { version: u32, generation: u64, commit: u64, root: String },
    /// A commit and its root: a hash over its content and the root before. A root that was kept elsewhere
    /// can only come out again if nothing before it has changed.
    Root { commit: u64, root: String },
    /// A task, before its records.
    Task { head: Box<Head> },
    /// A record.
    Record { task: TaskId, record: Box<Record> },
    /// The records from `first` to before `next` were one append; its hash covers them and the hash before.
    Append { task: TaskId, first: Seq, next: Seq, hash: String, before: Option<String> },
    /// A task that cannot be read: its tenant's key was destroyed, or it is damaged.
    Unreadable { task: String, why: String },
    /// A session with its turns.
    Session { session: Box<Session> },
}

/// The version of the lines.
const VERSION: u32 = 1;

/// What [`export`] wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The last commit.
    pub commit: u64,
    /// The root of the chain of commits at that one, in hex.
    pub root: String,
    /// Tasks.
    pub tasks: u64,
    /// Their records.
    pub records: u64,
    /// Sessions.
    pub sessions: u64,
    /// What could not be read, by name. It is in the export as a line of its own.
    pub unreadable: Vec<String>,
}

/// Writes everything in `dir` to `out`, a JSON object per line, and changes nothing. Refuses a journal of which
/// no copy can be read; see [`repair`](super::repair).
pub fn export(dir: &Path, options: &Options, out: &mut dyn Write) -> Result<Exported, OpenError> {
    let still = Still::open(dir, options)?;
    let mut report = Report::default();
    let damaged = |what: &str| OpenError::Damaged { dir: dir.to_owned(), what: what.to_owned() };
    let current = still.current()?;
    let current = current.ok_or_else(|| damaged("no generation is named; `repair` or a start makes one"))?;
    let index = content::read(&still, current, &mut report)?;
    let lost = report.findings.iter().find(|finding| finding.cure == Cure::Backup);
    if let Some(lost) = lost {
        return Err(damaged(&lost.to_string()));
    }
    let index = index.ok_or_else(|| damaged("neither log nor index can be read"))?;
    let vault = still.vault()?;
    let mut writer = Writer { out, vault, exported: Exported::default() };
    writer.exported.commit = report.commit;
    writer.exported.root.clone_from(&report.root);
    let written = writer.all(&still, current, &*index);
    written.map_err(|error| match error {
        Failure::Journal(error) => OpenError::journal(dir, error),
        Failure::Out(error) => {
            OpenError::Other { dir: dir.to_owned(), what: format!("the export cannot be written: {error}") }
        }
    })?;
    Ok(writer.exported)
}

enum Failure {
    Journal(JournalError),
    Out(io::Error),
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    vault: Vault,
    exported: Exported,
}

impl Writer<'_> {
    fn line(&mut self, line: &Line) -> Result<(), Failure> {
        let text = serde_json::to_string(line).expect("plain data always has a JSON form");
        writeln!(self.out, "{text}").map_err(Failure::Out)
    }

    fn all(&mut self, still: &Still, current: Current, index: &dyn Index) -> Result<(), Failure> {
        let Exported { commit, root, .. } = self.exported.clone();
        self.line(&Line::Journal { version: VERSION, generation: current.generation, commit, root })?;
        self.roots(still, current)?;
        let view = View(index);
        for row in view.rows(keys::HEADS) {
            self.task(view, &keys::first_name(&row?.0))?;
        }
        for meta in view.session_metas()? {
            match view.session(&self.vault, &meta.tenant, &meta.id) {
                Ok(Some(session)) => {
                    self.exported.sessions += 1;
                    self.line(&Line::Session { session: Box::new(session) })?;
                }
                Ok(None) => {}
                Err(error) => self.exported.unreadable.push(error.to_string()),
            }
        }
        self.out.flush().map_err(Failure::Out)
    }

    fn roots(&mut self, still: &Still, current: Current) -> Result<(), Failure> {
        let base = current.base;
        self.line(&Line::Root { commit: base.commit, root: hex(&base.root) })?;
        let write =
            |Frame { at, .. }: Frame| self.line(&Line::Root { commit: at.commit, root: hex(&at.root) });
        walk(&*still.place.disk, &still.place.log(current.generation), [base; 2], write).map(drop)
    }

    fn task(&mut self, view: View<'_>, name: &str) -> Result<(), Failure> {
        match task_lines(view, &self.vault, name) {
            Ok(lines) => {
                self.exported.tasks += 1;
                self.exported.records +=
                    lines.iter().filter(|line| matches!(line, Line::Record { .. })).count() as u64;
                lines.iter().try_for_each(|line| self.line(line))
            }
            Err(error) => {
                let why = error.to_string();
                self.exported.unreadable.push(why.clone());
                self.line(&Line::Unreadable { task: name.to_owned(), why })
            }
        }
    }
}

/// A task whole: in memory at once, as a planner has it too.
fn task_lines(view: View<'_>, vault: &Vault, name: &str) -> Result<Vec<Line>, JournalError> {
    let task = TaskId::new(name).map_err(|error| values::damaged(&"a head", &error))?;
    let missing = || values::damaged(&format!("the head of task {task}"), &"it is missing");
    let head = view.live(&task)?.ok_or_else(missing)?.head;
    let end = head.next_seq;
    let mut lines = vec![Line::Task { head: Box::new(head) }];
    let record = |record| Line::Record { task: task.clone(), record: Box::new(record) };
    lines.extend(view.records(vault, &task, (0, end), usize::MAX)?.into_iter().map(record));
    lines.extend(appends(view, &task)?);
    Ok(lines)
}

/// The appends of `task`, oldest first.
pub(super) fn appends(view: View<'_>, task: &TaskId) -> Result<Vec<Line>, JournalError> {
    let prefix = keys::records(task);
    let mut lines = Vec::new();
    for row in Joined::new(view.rows(&prefix)) {
        let (key, bytes) = row?;
        let first = keys::seq_of(&key).unwrap_or_default();
        let Bundle { first, next, before, hash, .. } = values::bundle_from(task.as_str(), first, &bytes)?;
        let (hash, before) = (hex(&hash), before.map(|before| hex(&before)));
        lines.push(Line::Append { task: task.clone(), first, next, hash, before });
    }
    Ok(lines)
}
