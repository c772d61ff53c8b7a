//! The production journal over the simulated disk, opened again whenever it fails, as the daemon does.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::BoxFuture;
use playhouse_actors::Run;
use playhouse_journal_sled::{Options, SledJournal};
use playhouse_ports::JournalError;

use crate::{disk::ProcessDisk, world::Process};

/// Between two attempts to open the journal again, in virtual milliseconds.
const REOPEN_MS: u64 = 1000;
/// Where the journal lies on the simulated disk.
const DIR: &str = "data";

type Committer = BoxFuture<'static, Result<(), JournalError>>;

/// The journal of one life.
pub(crate) struct Door {
    process: Process,
    journal: Mutex<Result<SledJournal, JournalError>>,
    /// The life of the open journal; taken by whoever runs it.
    committer: Mutex<Option<Committer>>,
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Door {
    /// Opens the journal on the disk of `process`; an error says why that cannot be.
    pub(crate) fn open(process: &Process) -> Result<Arc<Self>, String> {
        let door = Self {
            process: process.clone(),
            journal: Mutex::new(Err(JournalError::Unavailable("it is not open yet".into()))),
            committer: Mutex::default(),
        };
        door.reopen()?;
        Ok(Arc::new(door))
    }

    /// The journal, or why there is none now.
    pub(crate) fn journal(&self) -> Result<SledJournal, JournalError> {
        lock(&self.journal).clone()
    }

    /// Keeps the journal open. Ends only when it was closed on purpose.
    pub(crate) fn runner(self: &Arc<Self>) -> Run {
        let door = self.clone();
        Arc::new(move || {
            let door = door.clone();
            Box::pin(async move {
                loop {
                    let committer = lock(&door.committer).take();
                    let Some(committer) = committer else {
                        door.process.wait(REOPEN_MS).await;
                        if let Err(error) = door.reopen() {
                            door.process.note(format_args!("the journal cannot be opened yet: {error}"));
                        }
                        continue;
                    };
                    match committer.await {
                        Ok(()) => return "the journal was closed".into(),
                        Err(error) => {
                            door.process.note(format_args!("the journal stops: {error}"));
                            *lock(&door.journal) = Err(error);
                        }
                    }
                }
            })
        })
    }

    fn reopen(&self) -> Result<(), String> {
        // Small, so that rolling, cleaning and copying happen in a world of a few tasks. A log of one segment cannot be
        // cleaned: in every other life it is copied instead.
        let segment_bytes = if self.process.number().is_multiple_of(2) { 1 << 20 } else { 4 << 10 };
        let (log_percent, waste_bytes, index_waste_bytes) = (0, 0, 0);
        // Looked for as often.
        let (checkpoint_bytes, ballast_bytes) = (4 << 10, 0);
        let small =
            Options { segment_bytes, log_percent, waste_bytes, index_waste_bytes, ..Options::default() };
        let options = Options { checkpoint_bytes, ballast_bytes, ..small };
        let disk = Arc::new(ProcessDisk::new(&self.process));
        let opened = SledJournal::open_on(disk, Path::new(DIR), options);
        let (journal, committer) = opened.map_err(|error| error.to_string())?;
        *lock(&self.journal) = Ok(journal);
        *lock(&self.committer) = Some(Box::pin(committer));
        Ok(())
    }
}
