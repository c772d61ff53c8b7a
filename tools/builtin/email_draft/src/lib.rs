//! Tool `email_draft`: a message as RFC 5322 writes it, ready for a mail program. It sends nothing.
//!
//! A draft has no date and no message id: whoever sends it adds them. Addresses and subject are checked, so that nothing
//! in them can become a header of its own. No imports: the answer depends on the arguments alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{ANSWER_BYTES_MAX, shown};

/// Recipients of one message, of all three kinds together.
const RECIPIENTS_MAX: usize = 50;
/// Bytes of an encoded word are at most 75 (RFC 2047), of which 12 frame it; in base64 that leaves 45 bytes of text.
const WORD_BYTES: usize = 45;
/// Characters of a line of base64.
const LINE: usize = 76;

/// What the message says, and to whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Who writes, for example `Ada Lovelace <ada@example.com>`
    from: Option<String>,
    /// To whom, for example `["bob@example.com"]`
    #[schemars(length(min = 1, max = RECIPIENTS_MAX))]
    to: Vec<String>,
    /// Who gets a copy
    #[serde(default)]
    cc: Vec<String>,
    /// Who gets a copy that nobody sees
    #[serde(default)]
    bcc: Vec<String>,
    /// Where answers go
    reply_to: Option<String>,
    /// The subject, one line
    subject: String,
    /// The text
    body: String,
}

/// `{"message": "To: bob@example.com\r\n…"}`
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The whole message in RFC 5322 form, not sent
    message: String,
}

/// Writes an e-mail as a draft and does not send it, for example to `["bob@example.com"]`, subject `Lunch`, body `At noon?`.
#[tool(effect = "pure")]
pub fn email_draft(input: Input) -> Result<Output, Error> {
    let recipients = input.to.len() + input.cc.len() + input.bcc.len();
    if input.to.is_empty() || recipients > RECIPIENTS_MAX {
        let message = format!(
            "`to` must name somebody, and all together at most {RECIPIENTS_MAX}; there are {recipients}"
        );
        return Err(Error::invalid_input(message));
    }
    if input.subject.contains(['\r', '\n']) {
        return Err(Error::invalid_input("`subject` must be one line, for example `Lunch on Friday`"));
    }
    let mut message = String::new();
    let one = |address: &Option<String>| address.iter().cloned().collect::<Vec<_>>();
    for (field, name, addresses) in [
        ("from", "From", &one(&input.from)),
        ("to", "To", &input.to),
        ("cc", "Cc", &input.cc),
        ("bcc", "Bcc", &input.bcc),
        ("reply_to", "Reply-To", &one(&input.reply_to)),
    ] {
        if !addresses.is_empty() {
            let written = addresses.iter().map(|text| address(field, text)).collect::<Result<Vec<_>, _>>()?;
            message += &format!("{name}: {}\r\n", written.join(",\r\n "));
        }
    }
    message += &format!("Subject: {}\r\nX-Unsent: 1\r\nMIME-Version: 1.0\r\n", words(&input.subject));
    message += &body(&input.body);
    if message.len() > ANSWER_BYTES_MAX {
        return Err(Error::invalid_input(format!(
            "the message has more than {ANSWER_BYTES_MAX} bytes: shorten `body`"
        )));
    }
    Ok(Output { message })
}

/// `Name <local@domain>` or `local@domain`, checked; the name encoded if it needs to be.
fn address(field: &str, text: &str) -> Result<String, Error> {
    let wrong = || {
        let shown = shown(text);
        Error::invalid_input(format!(
            "`{field}` has `{shown}`, which is no address: write `bob@example.com` or `Bob <bob@example.com>`"
        ))
    };
    let text = text.trim();
    let (name, bare) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, bare)) => (name.trim().trim_matches('"'), bare),
        None => ("", text),
    };
    let (local, domain) = bare.rsplit_once('@').ok_or_else(wrong)?;
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let is_dotted = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..")
    };
    let fits = local.len() <= 64 && domain.len() <= 255 && is_dotted(local) && is_dotted(domain);
    if !fits || !local.chars().all(atom) || !domain.chars().all(label) || name.chars().any(char::is_control) {
        return Err(wrong());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    Ok(match name {
        "" => bare.to_owned(),
        name if name.chars().all(plain) => format!("{name} <{bare}>"),
        name if name.is_ascii() => {
            format!("\"{}\" <{bare}>", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        name => format!("{} <{bare}>", words(name)),
    })
}

/// A header's text: as it is if it is short ASCII, in encoded words (RFC 2047) otherwise.
fn words(text: &str) -> String {
    if text.len() <= LINE - 10
        && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !text.contains("=?")
    {
        return text.to_owned();
    }
    let mut rest = text;
    let mut encoded = Vec::new();
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        encoded.push(format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    encoded.join("\r\n ")
}

/// The body with its headers: as it is if every reader can take it, in base64 otherwise.
fn body(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_plain = lines.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '\n' || c == '\t')
        && lines.lines().all(|line| line.len() <= 998);
    let text = lines.replace('\n', "\r\n");
    if is_plain {
        return format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n{text}\r\n");
    }
    let encoded = STANDARD.encode(text);
    let lines: Vec<_> = encoded.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line)).collect();
    let headers = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64";
    format!("{headers}\r\n\r\n{}\r\n", lines.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use playhouse_tool::json;

    fn check(arguments: playhouse_tool::serde_json::Value, expected: &str) {
        let answer = playhouse_tool::run::<EmailDraft>(&arguments.to_string());
        let text = answer
            .map(|json| json.replace("\\r\\n", "|").replace("\\\"", "\""))
            .unwrap_or_else(|wrong| wrong.to_string());
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_message_has_its_headers_and_its_text() {
        check(
            json!({"from": "Ada <ada@example.com>", "to": ["bob@example.com", "\"C, D\" <c@example.com>"], "subject": "Lunch", "body": "At noon?\nAda"}),
            "From: Ada <ada@example.com>|To: bob@example.com,| \"C, D\" <c@example.com>|Subject: Lunch|X-Unsent: 1|MIME-Version: 1.0|\
             Content-Type: text/plain; charset=us-ascii||At noon?|Ada|",
        );
    }

    #[test]
    fn letters_beyond_ascii_are_encoded() {
        let draft = json!({"to": ["Zoë <z@example.com>"], "subject": "Café", "body": "Grüße"});
        check(draft.clone(), "To: =?UTF-8?B?Wm/Dqw==?= <z@example.com>|Subject: =?UTF-8?B?Q2Fmw6k=?=|");
        check(draft, "charset=utf-8|Content-Transfer-Encoding: base64||R3LDvMOfZQ==|");
    }

    #[test]
    fn nothing_becomes_a_header_of_its_own() {
        for to in ["a@b\r\nBcc: c@d", "a@b, c@d", "a", "a@", "@b", "a b@c", "A\nB <a@b>", "a@b>", "a..b@c"] {
            check(
                json!({"to": [to], "subject": "x", "body": ""}),
                "which is no address: write `bob@example.com`",
            );
        }
        check(json!({"to": ["a@b"], "subject": "x\nBcc: c@d", "body": ""}), "`subject` must be one line");
        check(json!({"to": [], "subject": "x", "body": ""}), "`to` must name somebody");
    }

    #[test]
    fn garbage_never_adds_a_line_to_the_headers() {
        for text in shared::garbage(500) {
            let arguments =
                json!({"to": [format!("{text} <a@b>")], "subject": text, "body": text}).to_string();
            let Ok(answer) = playhouse_tool::run::<EmailDraft>(&arguments) else { continue };
            let answer: playhouse_tool::serde_json::Value =
                playhouse_tool::serde_json::from_str(&answer).expect("JSON");
            let (head, _) =
                answer["message"].as_str().and_then(|m| m.split_once("\r\n\r\n")).expect("head and body");
            let known = ["To: ", "Subject: ", "X-Unsent: ", "MIME-Version: ", "Content-", " "];
            assert!(
                head.split("\r\n").all(|line| known.iter().any(|start| line.starts_with(start))),
                "{head}"
            );
        }
    }
}
