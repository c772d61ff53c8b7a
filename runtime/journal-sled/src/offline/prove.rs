//! Whether a journal still says what an export of it said.
//!
//! A chain of hashes shows that nothing *within* it was changed. That the whole chain was not made anew by
//! somebody who holds the disk shows only against hashes kept where they cannot reach: an export.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    io::BufRead,
    path::Path,
};

use playhouse_core::id::{Seq, TaskId};
use serde::Serialize;

use super::{
    content::{self, hex},
    export::{Line, appends},
    report::Report,
    still::Still,
};
use crate::{OpenError, Options, frame::Frame, index::Index, log::walk, place::Current, view::View};

/// What the comparison with an export showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Commits that are still what they were.
    pub commits: u64,
    /// Commits that a new generation or cleaning has replaced since: their roots are gone, and the appends below speak for
    /// what they held.
    pub replaced: u64,
    /// Appends that are still what they were.
    pub appends: u64,
    /// Tasks that were exported and are gone. `forget` does that; so does somebody with an axe.
    pub gone: Vec<String>,
    /// What contradicts the export.
    pub rewritten: Vec<String>,
}

impl Proof {
    /// Whether nothing contradicts the export.
    pub fn holds(&self) -> bool {
        self.rewritten.is_empty()
    }
}

/// Compares the journal in `dir` with `exported`, what [`export`](super::export()) wrote of it earlier.
pub fn prove(dir: &Path, options: &Options, exported: &mut dyn BufRead) -> Result<Proof, OpenError> {
    let other = |what: String| OpenError::Other { dir: dir.to_owned(), what };
    let still = Still::open(dir, options)?;
    let current = still.current()?.ok_or_else(|| other("no generation is named".to_owned()))?;
    let index = content::read(&still, current, &mut Report::default())?;
    let index = index.ok_or_else(|| other("neither log nor index can be read".to_owned()))?;
    let mut today = Today::of(&still, current, &*index);
    let mut proof = Proof::default();
    for (at, line) in exported.lines().enumerate() {
        let line = line.map_err(|error| other(format!("the export cannot be read: {error}")))?;
        let line = serde_json::from_str(&line);
        let line = line.map_err(|error| other(format!("line {} is not of an export: {error}", at + 1)))?;
        today.compare(line, &mut proof);
    }
    proof.gone.dedup();
    Ok(proof)
}

/// What the journal says now.
struct Today<'a> {
    base: u64,
    roots: BTreeMap<u64, String>,
    view: View<'a>,
    /// The appends of the task that was looked at last: hash by first record.
    task: Option<(TaskId, HashMap<Seq, String>)>,
}

impl<'a> Today<'a> {
    fn of(still: &Still, current: Current, index: &'a dyn Index) -> Self {
        let base = current.base;
        let mut roots = BTreeMap::from([(base.commit, hex(&base.root))]);
        let note = |Frame { at, .. }: Frame| {
            roots.insert(at.commit, hex(&at.root));
            Ok::<_, Infallible>(())
        };
        let Ok(_) = walk(&*still.place.disk, &still.place.log(current.generation), [base; 2], note);
        Self { base: base.commit, roots, view: View(index), task: None }
    }

    fn compare(&mut self, line: Line, proof: &mut Proof) {
        match line {
            Line::Root { commit, root } => match self.roots.get(&commit) {
                Some(found) if *found == root => proof.commits += 1,
                None if commit < self.base => proof.replaced += 1,
                Some(_) => proof.rewritten.push(format!("commit {commit} has another root")),
                None => proof.rewritten.push(format!("commit {commit} is missing")),
            },
            Line::Append { task, first, hash, .. } => {
                let found = self.appends_of(&task);
                match found.get(&first) {
                    Some(found) if *found == hash => proof.appends += 1,
                    _ if found.is_empty() => proof.gone.push(task.to_string()),
                    Some(_) => {
                        proof.rewritten.push(format!("record {first} of task {task} has another hash"))
                    }
                    None => proof.rewritten.push(format!("record {first} of task {task} is missing")),
                }
            }
            _ => {}
        }
    }

    fn appends_of(&mut self, task: &TaskId) -> &HashMap<Seq, String> {
        if self.task.as_ref().is_none_or(|(known, _)| known != task) {
            let hash = |line| match line {
                Line::Append { first, hash, .. } => Some((first, hash)),
                _ => None,
            };
            // One that cannot be read has no hash, which contradicts the export.
            let found = appends(self.view, task).unwrap_or_default().into_iter().filter_map(hash).collect();
            self.task = Some((task.clone(), found));
        }
        &self.task.as_ref().expect("it was just set").1
    }
}
