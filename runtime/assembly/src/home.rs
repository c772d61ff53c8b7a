//! Folders of the user, where the configuration names none.

use std::{env, ffi::OsString, path::PathBuf};

/// The folder that `variable` names, else `beneath` the home folder. `None` if there is neither: a variable that is set
/// to nothing is not set.
pub(crate) fn folder(variable: &str, beneath: &str) -> Option<PathBuf> {
    folder_of(variable, beneath, |name| env::var_os(name))
}

fn folder_of(
    variable: &str,
    beneath: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let named = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named(variable).or_else(|| Some(named("HOME")?.join(beneath)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_to_nothing_is_not_set() {
        let of = |set: &[(&str, &str)]| {
            let value =
                |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            folder_of("XDG_DATA_HOME", ".local/share", value)
        };
        assert_eq!(of(&[("XDG_DATA_HOME", "/d"), ("HOME", "/h")]), Some("/d".into()));
        assert_eq!(of(&[("XDG_DATA_HOME", ""), ("HOME", "/h")]), Some("/h/.local/share".into()));
        assert_eq!(of(&[("HOME", "")]), None);
        assert_eq!(of(&[]), None);
    }
}
