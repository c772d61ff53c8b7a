//! A look at everything.

use std::{ops::ControlFlow, path::Path};

use playhouse_core::{id::TaskId, task::Head};
use playhouse_ports::JournalError;

use super::{
    blobs, content,
    report::{Cure, Report},
    still::Still,
};
use crate::{OpenError, Options, keyring, keys, migrate, values, vault::Vault, view::View};

/// Reads every segment, frame, row, record, session, large value and key in `dir`, and changes nothing.
pub fn verify(dir: &Path, options: &Options) -> Result<Report, OpenError> {
    let still = Still::open(dir, options)?;
    let mut report = Report::default();
    key_ring(&still, &mut report)?;
    names(&still, &mut report)?;
    if let Some(current) = still.current()? {
        report.generation = current.generation;
        if let Some(index) = content::read(&still, current, &mut report)? {
            let view = View(&*index);
            // Without the master key, what is sealed stays closed; what is around it is looked at all the same.
            let vault = still.vault().ok();
            let looked = tasks(view, vault.as_ref(), &mut report)
                .and_then(|()| sessions(view, vault.as_ref(), &mut report));
            looked.map_err(|error| OpenError::journal(dir, error))?;
        }
    }
    blobs::verify(&still, &mut report).map_err(|error| OpenError::disk(dir, error))?;
    Ok(report)
}

fn key_ring(still: &Still, report: &mut Report) -> Result<(), OpenError> {
    let dir = still.place.journal();
    let copies = keyring::read(&*still.place.disk, &dir)
        .map_err(|error| OpenError::journal(&still.place.dir, error.into_journal()))?;
    let is_whole = copies.iter().any(|copy| matches!(copy, Ok(Some(_))));
    let cure = if is_whole { Cure::Repair } else { Cure::Backup };
    let is_used = copies.iter().any(|copy| !matches!(copy, Ok(None)));
    for (file, copy) in keyring::FILES.into_iter().zip(&copies) {
        let place = format!("journal/{file}");
        match copy {
            Err(fault) => report.found(place, fault, cure),
            Ok(None) if is_used => report.found(place, "it is missing", cure),
            Ok(_) => {}
        }
    }
    if let [Ok(Some(one)), Ok(Some(other))] = &copies
        && one != other
    {
        report.found("journal/keys.copy", "it is not what `keys` is", Cure::Repair);
    }
    Ok(())
}

fn names(still: &Still, report: &mut Report) -> Result<(), OpenError> {
    let names = still.place.names();
    let [one, other] = names.map_err(|error| OpenError::disk(&still.place.dir, error))?;
    if one.is_none() && other.is_none() {
        if migrate::is_needed(&still.place) {
            let what = "it is of format 1, which the next start brings to the newest";
            report.found("journal/1", what, Cure::None);
        } else {
            report.found("journal/CURRENT", "neither it nor its copy can be read", Cure::Repair);
        }
        return Ok(());
    }
    for (name, found) in [("journal/CURRENT", one), ("journal/CURRENT.copy", other)] {
        if found.is_none() {
            report.found(name, "it cannot be read", Cure::Repair);
        }
    }
    if one.is_some() && other.is_some() && one != other {
        report.found("journal/CURRENT.copy", "it is not what `CURRENT` is", Cure::None);
    }
    Ok(())
}

/// Every record of every task. What is wrong here is wrong in both copies.
fn tasks(view: View<'_>, vault: Option<&Vault>, report: &mut Report) -> Result<(), JournalError> {
    for row in view.rows(keys::HEADS) {
        let (key, bytes) = row?;
        let name = keys::first_name(&key);
        report.tasks += 1;
        match values::head_from(&name, &bytes).and_then(|head| records(view, vault, &name, &head)) {
            Ok(count) => report.records += count,
            Err(JournalError::Erased(_)) => report.erased += 1,
            Err(error) => report.found(format!("task {name}"), error, Cure::Backup),
        }
    }
    Ok(())
}

fn records(view: View<'_>, vault: Option<&Vault>, name: &str, head: &Head) -> Result<u64, JournalError> {
    let task = TaskId::new(name).map_err(|error| values::damaged(&"a head", &error))?;
    let end = view.live(&task)?.map_or(head.next_seq, |live| live.head.next_seq);
    match vault {
        Some(vault) => Ok(view.records(vault, &task, (0, end), usize::MAX)?.len() as u64),
        None => view.bundles(&task, (0, end), |_, _| Ok(ControlFlow::Continue(()))).map(|()| end),
    }
}

fn sessions(view: View<'_>, vault: Option<&Vault>, report: &mut Report) -> Result<(), JournalError> {
    for row in view.rows(keys::SESSIONS) {
        let (key, bytes) = row?;
        let name = keys::all_names(&key);
        report.sessions += 1;
        let looked = values::session_from(&name, &bytes).and_then(|meta| {
            let Some(vault) = vault else { return Ok((meta.turns, meta.turns)) };
            let session = view.session(vault, &meta.tenant, &meta.id)?;
            let turns = session.map_or(0, |session| session.turns.len() as u64);
            Ok((turns, meta.turns))
        });
        match looked {
            Ok((found, expected)) if found == expected => {}
            Ok((found, expected)) => {
                let what = format!("it has {found} turns, not {expected}");
                report.found(format!("session {name}"), what, Cure::Backup);
            }
            Err(JournalError::Erased(_)) => {}
            Err(error) => report.found(format!("session {name}"), error, Cure::Backup),
        }
    }
    Ok(())
}
