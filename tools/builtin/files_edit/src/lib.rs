//! Tool `files_edit`: write, patch and remove files in the folders that are granted for writing.
//!
//! A patch replaces exact text and knows the version it was made for, so a file that was changed meanwhile is not
//! overwritten. Reading is another tool, so that those who read need no right to write. A patch that is made twice may be
//! applied twice, so the effect is `once`.

use playhouse_tool::{Error, files as disk, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::shown;

/// Replacements of one patch.
const EDITS_MAX: usize = 50;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it, and descriptions here would be part of every prompt")]
pub enum Action {
    Write,
    Patch,
    Remove,
}

/// One replacement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Text that is in the file exactly once
    old: String,
    /// What stands there instead
    new: String,
}

/// What to do, and where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What to do
    action: Action,
    /// The file, for example `docs/a.txt`
    #[schemars(length(min = 1))]
    path: String,
    /// To write: the whole text of the file
    content: Option<String>,
    /// To patch: replacements, in order, for example `[{"old": "teh", "new": "the"}]`
    #[serde(default)]
    #[schemars(length(max = EDITS_MAX))]
    edits: Vec<Edit>,
    /// The version that was read with `files`: nothing is changed if it is another by now; empty: only if there is no file
    version: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What was done
    done: String,
    /// The version now, unless the file was removed
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// Writes, patches and removes files in the granted folders, for example patch `docs/a.txt` with `[{"old": "teh", "new": "the"}]`.
#[tool(
    effect = "once",
    wants(
        files = "reads what it patches, and its version",
        files_write = "writes, patches and removes files"
    )
)]
pub fn files_edit(input: Input) -> Result<Output, Error> {
    let path = input.path.trim_matches('/');
    let version = input.version.as_deref();
    match input.action {
        Action::Write => {
            let content = input.content.ok_or_else(|| {
                Error::invalid_input("`content` is missing: give the whole text of the file")
            })?;
            let now = write(path, &content, version)?;
            Ok(Output { done: format!("wrote {} bytes to `{path}`", content.len()), version: Some(now) })
        }
        Action::Patch => patch(path, &input.edits, version),
        Action::Remove => {
            if let Some(version) = version {
                expect(path, &disk::stat(path)?.version, version)?;
            }
            disk::remove(path)?;
            Ok(Output { done: format!("removed `{path}`"), version: None })
        }
    }
}

fn write(path: &str, content: &str, version: Option<&str>) -> Result<String, Error> {
    match version {
        None => disk::write(path, content),
        Some("") => disk::create(path, content),
        Some(version) => disk::replace(path, content, version),
    }
}

fn patch(path: &str, edits: &[Edit], version: Option<&str>) -> Result<Output, Error> {
    if edits.is_empty() || edits.len() > EDITS_MAX {
        let message = format!(
            "`edits` has {}: give 1 to {EDITS_MAX}, for example [{{\"old\": \"teh\", \"new\": \"the\"}}]",
            edits.len()
        );
        return Err(Error::invalid_input(message));
    }
    // The version first: a change between the two calls then shows when the file is written.
    let there = disk::stat(path)?.version;
    if let Some(version) = version {
        expect(path, &there, version)?;
    }
    let mut text = disk::read_to_string(path)?;
    for (at, edit) in edits.iter().enumerate() {
        if edit.old.is_empty() {
            return Err(Error::invalid_input(format!(
                "`edits[{at}].old` is empty: give text that is in `{path}` exactly once, or write the whole file"
            )));
        }
        let found = text.matches(&edit.old).count();
        if found != 1 {
            let advice = if found == 0 {
                "read the file again and copy the text exactly"
            } else {
                "add lines around it until it is there once"
            };
            let message = format!(
                "`edits[{at}].old` is in `{path}` {found} times, not once: {advice} (`{}`)",
                shown(&edit.old)
            );
            return Err(Error::invalid_input(message));
        }
        text = text.replacen(&edit.old, &edit.new, 1);
    }
    let now = disk::replace(path, &text, &there)?;
    Ok(Output { done: format!("changed {} in `{path}`", counted(edits.len(), "place")), version: Some(now) })
}

/// `1 place`, `2 places`.
fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn expect(path: &str, there: &str, wanted: &str) -> Result<(), Error> {
    if there == wanted {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "`{path}` was changed meanwhile and has version `{there}`: read it again first"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::serde_json::Value;
    use playhouse_tool::testing::Host;
    use playhouse_tool::{Kind, json};

    fn host() -> Host {
        Host::new().file("docs/a.txt", "one teh two\n")
    }

    fn ask(host: &Host, arguments: Value) -> Value {
        let answer = host.call::<FilesEdit>(&arguments.to_string());
        answer.map_or_else(
            |wrong| json!(wrong.message),
            |json| playhouse_tool::serde_json::from_str(&json).expect("JSON"),
        )
    }

    #[test]
    fn files_are_written_patched_and_removed() {
        let host = host();
        let edits = json!([{"old": "teh", "new": "the"}, {"old": "one", "new": "1"}]);
        let patched = ask(&host, json!({"action": "patch", "path": "docs/a.txt", "edits": edits}));
        assert_eq!(patched["done"], "changed 2 places in `docs/a.txt`");
        assert_eq!(host.content("docs/a.txt").as_deref(), Some("1 the two\n"));
        let version = patched["version"].clone();
        let written = ask(
            &host,
            json!({"action": "write", "path": "docs/a.txt", "content": "new", "version": version}),
        );
        assert_eq!(written["done"], "wrote 3 bytes to `docs/a.txt`");
        assert_eq!(
            ask(&host, json!({"action": "remove", "path": "docs/a.txt"})),
            json!({"done": "removed `docs/a.txt`"})
        );
        assert_eq!(host.content("docs/a.txt"), None);
    }

    #[test]
    fn what_was_changed_meanwhile_is_left_alone() {
        for action in ["write", "patch", "remove"] {
            let host = host();
            let edits = json!([{"old": "teh", "new": "the"}]);
            let arguments = json!({"action": action, "path": "docs/a.txt", "content": "x", "edits": edits, "version": "old"});
            let wrong = host.call::<FilesEdit>(&arguments.to_string()).expect_err("another version");
            assert_eq!(wrong.kind, Kind::Conflict, "{wrong}");
            assert_eq!(host.content("docs/a.txt").as_deref(), Some("one teh two\n"));
        }
        let host = host();
        let wrong =
            ask(&host, json!({"action": "write", "path": "docs/a.txt", "content": "x", "version": ""}));
        assert!(wrong.as_str().is_some_and(|text| text.contains("exists already")), "{wrong}");
    }

    #[test]
    fn an_edit_must_fit_exactly_once() {
        let patch = |old: &str| {
            ask(
                &host(),
                json!({"action": "patch", "path": "docs/a.txt", "edits": [{"old": old, "new": "x"}]}),
            )
        };
        for (old, said) in [
            ("three", "0 times, not once: read the file again"),
            ("t", "2 times, not once: add lines around it"),
            ("", "`edits[0].old` is empty"),
        ] {
            assert!(patch(old).as_str().is_some_and(|text| text.contains(said)), "{old}: {}", patch(old));
        }
        let none = ask(&host(), json!({"action": "patch", "path": "docs/a.txt"}));
        assert!(none.as_str().is_some_and(|text| text.contains("`edits` has 0: give 1 to 50")), "{none}");
        assert_eq!(
            ask(&host(), json!({"action": "write", "path": "docs/a.txt"})),
            json!("`content` is missing: give the whole text of the file")
        );
    }

    #[test]
    fn garbage_stays_in_its_folder() {
        let host = host();
        for text in shared::garbage(300) {
            for action in ["write", "patch", "remove"] {
                let edits = json!([{"old": text, "new": text}]);
                ask(&host, json!({"action": action, "path": text, "content": text, "edits": edits}));
            }
        }
        assert_eq!(host.content("docs/a.txt").as_deref(), Some("one teh two\n"));
    }
}
