//! A look at the closed segments of the log, beside the work.
//!
//! A start reads the log's end only. What is before is the second copy of what the index holds, and a copy that
//! nobody looks at may be gone when it is needed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use crate::{
    disk::{Disk, read_if_any},
    frame::{self, At},
    log::{segment_name, segments},
};

/// The segments to look at.
#[derive(Debug)]
pub(crate) struct Scrub {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) log: PathBuf,
}

impl Scrub {
    /// Reads every segment but the last, and tells `found` of the first damage. Ends early when nobody listens.
    pub(crate) fn run(&self, found: &mpsc::SyncSender<Option<String>>) {
        let Ok(mut all) = segments(&*self.disk, &self.log) else { return };
        all.pop();
        let mut before = None;
        for number in all {
            let path = self.log.join(segment_name(number));
            let bytes = match read_if_any(&*self.disk, &path) {
                Ok(Some(bytes)) => bytes,
                // It was cleaned, or went with its generation.
                Ok(None) => {
                    before = None;
                    continue;
                }
                Err(_) => return,
            };
            if let Err(what) = look(&path, &bytes, &mut before) {
                let _ = found.send(Some(what));
                return;
            }
            // Nothing to tell, but whether anybody listens.
            if let Err(mpsc::TrySendError::Disconnected(_)) = found.try_send(None) {
                return;
            }
        }
    }
}

/// Checks every frame of a segment, and that each follows the one before.
fn look(path: &Path, bytes: &[u8], before: &mut Option<At>) -> Result<(), String> {
    let mut pos = 0;
    while pos < bytes.len() {
        let next = frame::decode(&bytes[pos..]);
        match next.filter(|(frame, _)| before.is_none_or(|before| frame.before == before)) {
            Some((frame, used)) => (*before, pos) = (Some(frame.at), pos + used),
            None => return Err(format!("{} is damaged at byte {pos}", path.display())),
        }
    }
    Ok(())
}
