//! One line per call that is really started, for those who must know what happened and do not trust the journal to say
//! so: the tests that kill the process, and the demonstration that shows them.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use playhouse_core::digest;
use playhouse_core::tool::ToolRequest;

/// A file that only grows.
#[derive(Debug)]
pub(crate) struct CallLog(File);

impl CallLog {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Appends `effect-id tool sha256-of-arguments` in one write, so that lines of several threads and processes never
    /// mix, and so that a process that is killed has either written the line or not.
    pub(crate) fn started(&self, request: &ToolRequest) -> std::io::Result<()> {
        let line =
            format!("{} {} {}\n", request.effect_id, request.tool, digest::of_json(&request.arguments));
        (&self.0).write_all(line.as_bytes())
    }
}
