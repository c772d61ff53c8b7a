//! Tool `memory`: short texts under names, in the table that is granted to it.
//!
//! What is remembered outlives the task, and belongs to the table: whoever is granted the same table reads it. Doing the
//! same twice is doing it once.

use playhouse_tool::{Error, kv, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of the longest name: a table's keys have at most 120, and [`PREFIX`] is part of them.
const NAME_BYTES_MAX: usize = 120 - PREFIX.len();
/// Bytes of the longest text.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Names of one list.
const LIST_MAX: u32 = 200;
/// Keys of this tool begin so: the table may hold other things.
const PREFIX: &str = "memory/";

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it, and descriptions here would be part of every prompt")]
pub enum Action {
    Remember,
    Recall,
    List,
    Forget,
}

/// What was found or done.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Output {
    /// The text that was recalled
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The names that were listed
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<Vec<String>>,
    /// There are more names: list again with `name` as the last one and `after` true
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<bool>,
    /// What was done
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<String>,
}

/// Remembers short texts under names and recalls them later, for example remember `wifi` as `blue-otter`.
#[tool(effect = "idempotent", wants(kv = "recalls what it remembered", kv_write = "remembers and forgets"))]
pub fn memory(
    /// What to do
    action: Action,
    /// The name, for example `wifi`; to list, the beginning of the names wanted
    #[serde(default)]
    #[schemars(length(max = NAME_BYTES_MAX))]
    name: String,
    /// The text to remember
    text: Option<String>,
    /// To list: only names after this one
    after: Option<String>,
) -> Result<Output, Error> {
    let name = checked(&name, action)?;
    let key = format!("{PREFIX}{name}");
    match action {
        Action::Remember => remember(name, &key, text),
        Action::Recall => match kv::get(&key)? {
            Some(text) => Ok(Output { text: Some(text), ..Output::default() }),
            None => {
                Err(Error::not_found(format!("nothing is remembered as `{name}`: `list` shows the names")))
            }
        },
        Action::List => list(&key, after.as_deref()),
        Action::Forget => {
            let there = kv::delete(&key)?;
            let done = if there {
                format!("forgot `{name}`")
            } else {
                format!("nothing was remembered as `{name}`")
            };
            Ok(Output { done: Some(done), ..Output::default() })
        }
    }
}

fn checked(name: &str, action: Action) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() && action != Action::List {
        return Err(Error::invalid_input("`name` is missing: give one, for example `wifi`"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid_input("`name` must be one line, for example `wifi`"));
    }
    if name.len() > NAME_BYTES_MAX {
        let message = format!(
            "`name` has {} bytes, more than {NAME_BYTES_MAX}, and letters beyond ASCII have up to 4: shorten it, for example to `wifi`",
            name.len()
        );
        return Err(Error::invalid_input(message));
    }
    Ok(name)
}

fn remember(name: &str, key: &str, text: Option<String>) -> Result<Output, Error> {
    let text = text.ok_or_else(|| {
        Error::invalid_input("`text` is missing: give what to remember, for example `blue-otter`")
    })?;
    if text.len() > TEXT_BYTES_MAX {
        let message =
            format!("`text` has {} bytes, more than {TEXT_BYTES_MAX}: remember it in parts", text.len());
        return Err(Error::invalid_input(message));
    }
    kv::put(key, &text)?;
    Ok(Output { done: Some(format!("remembered `{name}`")), ..Output::default() })
}

fn list(prefix: &str, after: Option<&str>) -> Result<Output, Error> {
    let after = after.map(|name| format!("{PREFIX}{name}"));
    let mut keys = kv::keys(prefix, after.as_deref(), LIST_MAX + 1)?;
    let more = keys.len() > LIST_MAX as usize;
    keys.truncate(LIST_MAX as usize);
    let names = keys.iter().map(|key| key.strip_prefix(PREFIX).unwrap_or(key).to_owned()).collect();
    Ok(Output { names: Some(names), more: Some(more), ..Output::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::testing::Host;
    use playhouse_tool::{Kind, json};

    fn check(host: &Host, arguments: playhouse_tool::serde_json::Value, expected: &str) {
        let answer = host.call::<Memory>(&arguments.to_string()).unwrap_or_else(|wrong| wrong.to_string());
        assert_eq!(answer, expected, "{arguments}");
    }

    #[test]
    fn what_is_remembered_is_recalled_listed_and_forgotten() {
        let host = Host::new().kv([("memory/car", "red"), ("other", "hidden")]);
        check(
            &host,
            json!({"action": "remember", "name": "wifi", "text": "blue-otter"}),
            r#"{"done":"remembered `wifi`"}"#,
        );
        check(&host, json!({"action": "recall", "name": "wifi"}), r#"{"text":"blue-otter"}"#);
        check(&host, json!({"action": "list"}), r#"{"names":["car","wifi"],"more":false}"#);
        check(&host, json!({"action": "list", "name": "w"}), r#"{"names":["wifi"],"more":false}"#);
        check(&host, json!({"action": "forget", "name": "wifi"}), r#"{"done":"forgot `wifi`"}"#);
        check(
            &host,
            json!({"action": "forget", "name": "wifi"}),
            r#"{"done":"nothing was remembered as `wifi`"}"#,
        );
        check(
            &host,
            json!({"action": "recall", "name": "wifi"}),
            "nothing is remembered as `wifi`: `list` shows the names",
        );
        assert_eq!(host.stored("other").as_deref(), Some("hidden"));
    }

    #[test]
    fn what_is_missing_or_too_long_is_named() {
        let host = Host::new().kv([("a", "b")]);
        check(&host, json!({"action": "recall"}), "`name` is missing: give one, for example `wifi`");
        check(
            &host,
            json!({"action": "remember", "name": "a"}),
            "`text` is missing: give what to remember, for example `blue-otter`",
        );
        let name = "é".repeat(57);
        check(
            &host,
            json!({"action": "recall", "name": name}),
            "`name` has 114 bytes, more than 113, and letters beyond ASCII have up to 4: shorten it, for example to `wifi`",
        );
        check(
            &host,
            json!({"action": "forget", "name": "a\nb"}),
            "`name` must be one line, for example `wifi`",
        );
        check(
            &host,
            json!({"action": "remember", "name": "x".repeat(113), "text": "as long as a key may be"}),
            &json!({"done": format!("remembered `{}`", "x".repeat(113))}).to_string(),
        );
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        check(
            &host,
            json!({"action": "remember", "name": "a", "text": long}),
            "`text` has 16385 bytes, more than 16384: remember it in parts",
        );
        let wrong = host.call::<Memory>(r#"{"action": "dream"}"#).expect_err("no such action");
        assert!(
            wrong.kind == Kind::InvalidInput && wrong.message.contains("unknown variant `dream`"),
            "{wrong}"
        );
    }

    #[test]
    fn a_long_list_goes_on() {
        let host = Host::new().kv((0..250).map(|n| (format!("memory/{n:03}"), "x")));
        let first = host.run(|| memory(Action::List, String::new(), None, None)).expect("a list");
        assert_eq!((first.names.as_ref().map(Vec::len), first.more), (Some(200), Some(true)));
        let rest =
            host.run(|| memory(Action::List, String::new(), None, Some("199".into()))).expect("a list");
        assert_eq!((rest.names.map(|names| names.len()), rest.more), (Some(50), Some(false)));
    }

    #[test]
    fn garbage_stays_below_the_prefix() {
        let host = Host::new().kv([("a", "b")]);
        for text in shared::garbage(300) {
            let arguments = json!({"action": "remember", "name": text, "text": text}).to_string();
            let _answer = host.call::<Memory>(&arguments);
        }
        let keys = host.run(|| kv::keys("", None, 1_000)).expect("keys");
        assert!(keys.len() > 10 && keys.iter().all(|key| key == "a" || key.starts_with(PREFIX)));
    }
}
