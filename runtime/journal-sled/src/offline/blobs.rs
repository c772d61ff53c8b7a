//! The large values of a directory that is held still.

use std::{io, sync::Arc};

use super::{
    report::{Cure, Report},
    still::Still,
};
use crate::{
    cas::{Cas, Health},
    disk::{Disk, RealDisk},
};

/// Where they are, below the journal's directory.
pub(crate) const DIR: &str = "blobs";

fn store(still: &Still, disk: Arc<dyn Disk>) -> io::Result<Option<Cas>> {
    let dir = still.place.journal().join(DIR);
    if !dir.is_dir() {
        return Ok(None);
    }
    Cas::open(disk, &dir).map(Some)
}

/// Looks at both files of every value.
pub(super) fn verify(still: &Still, report: &mut Report) -> io::Result<()> {
    let Some(cas) = store(still, Arc::clone(&still.place.disk))? else { return Ok(()) };
    for digest in cas.list()? {
        report.blobs += 1;
        let (what, cure) = match cas.check(&digest) {
            Health::Whole => continue,
            Health::Half => ("one of its two files is damaged or missing", Cure::Repair),
            Health::Damaged | Health::Missing => ("both of its files are damaged or missing", Cure::Backup),
        };
        report.found(format!("journal/{DIR}/{digest}"), what, cure);
    }
    Ok(())
}

/// Heals every value of which one file is whole.
pub(super) fn heal(still: &Still) -> io::Result<()> {
    let Some(cas) = store(still, Arc::new(RealDisk))? else { return Ok(()) };
    for digest in cas.list()? {
        if cas.check(&digest) == Health::Half {
            // Reading heals. What cannot be healed is named by the look that follows.
            drop(cas.get(&digest));
        }
    }
    Ok(())
}
