//! Commands of this machine as tools: what an operator writes about them, and where they run.
//!
//! ```toml
//! [command.search_notes]
//! program = "grep"
//! args = ["-rn", "--"]
//! description = "Searches the notes for a pattern, for example args [\"TODO\", \".\"]"
//! folder = "/srv/notes"
//! effect = "idempotent"
//! ```

use std::{path::PathBuf, sync::Arc};

use playhouse_ports::ToolBox;
use playhouse_tools_command::{CommandConfig, CommandOptions, CommandToolBox};

use crate::{
    BuildError,
    config::{BadConfig, Config},
};

/// A folder in the data directory. It holds nothing between calls.
const SCRATCH: &str = "commands";

/// Makes the paths of `command` relative to the file they stand in. A program without a slash is looked for in `PATH`.
pub(crate) fn anchor(command: &mut CommandConfig, anchor: impl Fn(&mut PathBuf)) {
    let programs = command.program.iter_mut().chain(&mut command.programs);
    let places = programs.filter(|program| program.to_string_lossy().contains('/'));
    places.chain(&mut command.folder).chain(&mut command.read).for_each(anchor);
}

/// Whether every command can be used as it is written.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    config.command.iter().try_for_each(|(name, command)| command.check(name).map_err(|bad| bad.to_string()))
}

/// The commands of `config`; `None` if there are none, and then nothing is started to find out about namespaces.
pub(crate) fn open(config: &Config) -> Result<Option<Arc<dyn ToolBox>>, BuildError> {
    if config.command.is_empty() {
        return Ok(None);
    }
    let bad = |problem: String| BuildError::Config(BadConfig::bare(problem));
    let Some(data) = &config.data else {
        let told =
            "`data` is not set: name a data directory, where each call of a command gets a folder for itself";
        return Err(bad(told.to_owned()));
    };
    let options = CommandOptions::within(data.join(SCRATCH));
    let tools =
        CommandToolBox::open(config.command.clone(), &options).map_err(|error| bad(error.to_string()))?;
    Ok(Some(Arc::new(tools)))
}
