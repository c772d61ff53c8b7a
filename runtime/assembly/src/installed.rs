//! `installed:NAME`: the component that `playhouse tool install` put into the folder of installed tools.

use std::path::{Path, PathBuf};

use playhouse_tools_store::Store;

use crate::{
    BuildError,
    config::{BadConfig, Config},
    home,
};

/// What such a path begins with.
pub(crate) const PREFIX: &str = "installed:";

/// Where tools are installed when nobody says otherwise: in the user's data folder. `None` if there is no home.
pub fn tools_folder() -> Option<PathBuf> {
    Some(home::folder("XDG_DATA_HOME", ".local/share")?.join("playhouse/tools"))
}

/// The component that `path` names, with the bytes that were installed; `None` if it names no installed one.
pub(crate) fn resolve(config: &Config, path: &Path) -> Result<Option<PathBuf>, BuildError> {
    let Some(name) = path.to_str().and_then(|path| path.strip_prefix(PREFIX)) else { return Ok(None) };
    let Some(folder) = config.tools_folder.clone().or_else(tools_folder) else {
        let message = format!("`{PREFIX}{name}`: there is no home folder; set `tools_folder`");
        return Err(BadConfig::bare(message).into());
    };
    let component = Store::open(&folder).and_then(|store| store.component(name)).map_err(|error| {
        BadConfig::bare(format!("`{PREFIX}{name}`: {error} (looked in {})", folder.display()))
    })?;
    Ok(Some(component))
}
