//! Python methods that chat templates call on strings and mappings.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

/// A template asking for more pieces than this is not splitting a chat message.
const SPLIT_PARTS_MAX: usize = 100_000;

/// `value.method(arguments)` for methods that Jinja inherits from Python.
pub(super) fn call(
    _: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => on_text(value.as_str().unwrap_or_default(), method, arguments),
        ValueKind::Map => on_map(value, method, arguments),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn on_text(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let argument = |i: usize| arguments.get(i).and_then(Value::as_str);
    // Python's `strip("ab")` removes any of these characters; without an argument, white space.
    let strips = |c: char| argument(0).map_or(c.is_whitespace(), |set| set.contains(c));
    Ok(match (method, argument(0)) {
        ("strip", _) => text.trim_matches(strips).into(),
        ("lstrip", _) => text.trim_start_matches(strips).into(),
        ("rstrip", _) => text.trim_end_matches(strips).into(),
        ("upper", _) => text.to_uppercase().into(),
        ("lower", _) => text.to_lowercase().into(),
        ("capitalize", _) => capitalized(text).into(),
        ("title", _) => text.split(' ').map(capitalized).collect::<Vec<_>>().join(" ").into(),
        ("startswith", _) => any_affix(arguments, |affix| text.starts_with(affix)),
        ("endswith", _) => any_affix(arguments, |affix| text.ends_with(affix)),
        ("find", Some(part)) => text.find(part).map_or(-1, |at| text[..at].chars().count() as i64).into(),
        ("count", Some(part)) if !part.is_empty() => text.matches(part).count().into(),
        ("replace", Some(from)) => text.replace(from, argument(1).unwrap_or_default()).into(),
        ("split", Some(separator)) if !separator.is_empty() => split(text, separator, arguments),
        ("split", None) => text.split_whitespace().take(SPLIT_PARTS_MAX).map(Value::from).collect(),
        ("splitlines", _) => text.lines().take(SPLIT_PARTS_MAX).map(Value::from).collect(),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn on_map(map: &Value, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let none = || Value::from(());
    let keys = || map.try_iter().map(|keys| keys.collect::<Vec<_>>());
    match method {
        "get" => {
            let found =
                arguments.first().and_then(|key| map.get_item(key).ok()).filter(|v| !v.is_undefined());
            Ok(found.unwrap_or_else(|| arguments.get(1).cloned().unwrap_or_else(none)))
        }
        "keys" => Ok(keys()?.into_iter().collect()),
        "values" => {
            keys()?.iter().map(|key| map.get_item(key)).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        "items" => {
            let pair = |key: Value| map.get_item(&key).map(|value| Value::from(vec![key, value]));
            keys()?.into_iter().map(pair).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn split(text: &str, separator: &str, arguments: &[Value]) -> Value {
    let most = arguments.get(1).and_then(|n| usize::try_from(n.clone()).ok()).unwrap_or(SPLIT_PARTS_MAX);
    text.splitn(most.saturating_add(1), separator).map(Value::from).collect()
}

/// Python's `startswith` and `endswith` take one text or several.
fn any_affix(arguments: &[Value], matches: impl Fn(&str) -> bool) -> Value {
    let Some(affix) = arguments.first() else { return false.into() };
    match affix.as_str() {
        Some(affix) => matches(affix).into(),
        None => affix.try_iter().is_ok_and(|mut all| all.any(|a| a.as_str().is_some_and(&matches))).into(),
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect())
        .unwrap_or_default()
}
