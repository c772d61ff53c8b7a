//! Replies of models, as they should be and as they are.

use playhouse_core::message::Arguments;

use super::*;

/// Text of a reply, the content it leaves, its calls as `name arguments` (`?` marks what is not JSON).
const CASES: &[(&str, &str, &[&str])] = &[
    ("", "", &[]),
    ("Hello.", "Hello.", &[]),
    ("  Hello \n", "Hello", &[]),
    ("a < b <tool", "a < b <tool", &[]),
    ("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "", &["f {\"a\":1}"]),
    ("Sure. \n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>", "Sure.", &["f {}"]),
    ("<tool_call>{\"name\":\"f\"}</tool_call>\n", "", &["f {}"]),
    (
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>",
        "",
        &["f {\"a\":1}", "g {}"],
    ),
    ("one <tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call> two", "one two", &["f {}"]),
    // Some models spell it so.
    ("<tool_call>{\"name\": \"f\", \"parameters\": {\"a\": 1}}</tool_call>", "", &["f {\"a\":1}"]),
    ("<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_call>", "", &["f {\"a\":1}"]),
    // A marker inside a string is not a marker.
    (
        "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call>\"}}</tool_call>!",
        "!",
        &["f {\"a\":\"</tool_call>\"}"],
    ),
    // Broken, with a name.
    (
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1\n</tool_call> after",
        "after",
        &["f ? {\"a\": 1"],
    ),
    ("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"x}}\n</tool_call>", "", &["f ? {\"a\": \"x}}"]),
    (
        "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"x}}</tool_call> and on",
        "and on",
        &["f ? {\"a\": \"x}}"],
    ),
    ("<tool_call>\n{\"name\": \"f\", \"argu", "", &["f ? {\"name\": \"f\", \"argu"]),
    // Cut off, but whole.
    ("<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n", "", &["f {}"]),
    // Without a name it stays what it is: text.
    ("<tool_call>\n{\"arguments\": {}}\n</tool_call>", "<tool_call>\n{\"arguments\": {}}\n</tool_call>", &[]),
    ("<tool_call>[1]</tool_call>", "<tool_call>[1]</tool_call>", &[]),
    ("I would use <tool_call>", "I would use<tool_call>", &[]),
    ("</tool_call>", "</tool_call>", &[]),
    ("<tool_call>{\"name\": \"\", \"arguments\": ", "<tool_call>{\"name\": \"\", \"arguments\": ", &[]),
];

fn in_short(parsed: &Parsed) -> Vec<String> {
    let one = |call: &ToolCall| match &call.arguments {
        Arguments::Json(value) => format!("{} {value}", call.name),
        Arguments::Malformed { raw, .. } => format!("{} ? {raw}", call.name),
    };
    parsed.calls.iter().map(one).collect()
}

#[test]
fn replies_are_taken_apart() {
    for (text, content, calls) in CASES {
        let parsed = parse_reply(text);
        assert_eq!(
            (parsed.content.as_str(), in_short(&parsed)),
            (*content, calls.iter().map(|c| (*c).to_owned()).collect()),
            "{text}"
        );
    }
}

#[test]
fn ids_are_unique_within_a_reply_and_notes_tell_what_was_not_a_call() {
    let ids: Vec<_> = parse_reply(CASES[7].0).calls.into_iter().map(|call| call.id).collect();
    assert_eq!(ids, ["call_0", "call_1"]);
    assert_eq!(parse_reply("<tool_call>[1]</tool_call>").notes, [Note::NamelessCall]);
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_and_never_shows_half_a_marker() {
    for (text, _, _) in CASES {
        let whole = parse_reply(text);
        for size in 1..=12 {
            let mut splitter = Splitter::new(true);
            let mut parts = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                parts.extend(splitter.push(std::str::from_utf8(chunk).expect("the cases are ASCII")));
            }
            parts.extend(splitter.finish());
            assert_eq!(collect(parts), whole, "{text} in pieces of {size}");
        }
    }
}

#[test]
fn a_possible_marker_and_white_space_are_held_back() {
    let mut splitter = Splitter::new(true);
    assert_eq!(splitter.push("Well <tool_"), [Part::Text("Well".into())]);
    assert_eq!(splitter.push("box>"), [Part::Text(" <tool_box>".into())]);
}

#[test]
fn without_tools_markers_are_text() {
    let mut splitter = Splitter::new(false);
    let mut parts = splitter.push(CASES[4].0);
    parts.extend(splitter.finish());
    let parsed = collect(parts);
    assert_eq!((parsed.content.as_str(), parsed.calls.len()), (CASES[4].0, 0));
}
