//! Tools for a data directory that nobody uses: look, heal, tidy up, take out.
//!
//! ```text
//! verify    reads everything, changes nothing, says what is wrong and what heals it
//! repair    opens it as a start would, with a full look at everything, then verifies
//! compact   copies what is alive to a new generation and removes the old one
//! export    everything as JSON lines, with the roots of the chain
//! prove     whether what an export said is still so: nothing was rewritten since
//! erase     destroys the key of a tenant, and with it all that was sealed for it
//! ```
//!
//! All of them refuse a directory that a running playhouse uses. Those that are not `async` block.

mod blobs;
mod content;
mod erase;
mod export;
mod look;
mod prove;
mod report;
mod still;
mod verify;

use std::{fs, io, path::Path, sync::Arc};

pub use erase::{Erased, erase};
pub use export::{Exported, export};
use playhouse_ports::JournalError;
pub use prove::{Proof, prove};
pub use report::{Cure, Finding, Report};
use still::Still;
pub use verify::verify;

use crate::{
    OpenError, Options, SledJournal,
    disk::RealDisk,
    open::{blocking, raise},
    place::{Engine, Place},
    recover::{Trouble, anew},
    view::View,
    whole,
};

/// What [`compact`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    /// Bytes of log, index and large values before.
    pub before: u64,
    /// The same after.
    pub after: u64,
}

/// Heals what can be healed, then verifies. What no copy holds is left as it is, and named.
pub async fn repair(dir: &Path, options: Options) -> Result<Report, OpenError> {
    let still = Still::open(dir, &options)?;
    blobs::heal(&still).map_err(|error| OpenError::disk(dir, error))?;
    let note = still.place.suspect();
    drop(still);
    // With this note the next opening looks at everything, not only at what a start relies on.
    fs::write(&note, "repair").map_err(|error| OpenError::disk(dir, error))?;
    match SledJournal::open(dir, options.clone()).await {
        Ok((journal, committer)) => {
            journal.close().await;
            committer.await.map_err(|error| OpenError::journal(dir, error))?;
        }
        // Verifying names all that is wrong, not only the first of it.
        Err(OpenError::Damaged { .. }) => {}
        Err(other) => return Err(other),
    }
    let at = dir.to_owned();
    blocking(dir, move || verify(&at, &options)).await
}

/// Copies what is alive to a new generation of files and removes the old one.
pub async fn compact(dir: &Path, options: Options) -> Result<Compacted, OpenError> {
    drop(Still::open(dir, &options)?);
    let failed = |error| OpenError::disk(dir, error);
    let place = place(dir, options);
    let before = bytes(&place.journal()).map_err(failed)?;
    let (state, held) = raise(&place).await?;
    let own = place.clone();
    let copy = move || {
        // The old log goes: what the index has lost without a word must be noticed while it is there.
        whole::records(View(&*state.index)).map_err(|error| OpenError::journal(&own.dir, error))?;
        let old = own.generation(state.current.generation);
        let (number, base) = (state.current.generation + 1, state.log.at());
        let new = anew(&own, number, base, &state.index, state.sums, state.tasks);
        new.map_err(|trouble| match trouble {
            Trouble::Open(error) => error,
            Trouble::Busy => {
                OpenError::journal(&own.dir, JournalError::Unavailable("it is in use".to_owned()))
            }
        })?;
        own.disk.remove(&old).map_err(|error| OpenError::disk(&own.dir, error))
    };
    blocking(dir, copy).await?;
    drop(held);
    Ok(Compacted { before, after: bytes(&place.journal()).map_err(failed)? })
}

fn place(dir: &Path, options: Options) -> Place {
    Place { disk: Arc::new(RealDisk), dir: dir.to_owned(), engine: Engine::Sled, options }
}

/// Bytes of all files below `dir`.
fn bytes(dir: &Path) -> io::Result<u64> {
    let size = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() { bytes(&entry.path()) } else { Ok(found.len()) }
    };
    fs::read_dir(dir)?.map(size).sum()
}
