//! Tool `fetch`: a page of the web as text that a model can read.
//!
//! ```text
//!   GET ──▶ status, content type ──▶ HTML: headings, lists, links, no scripts or menus
//!                                 └▶ other text: as it is         … cut into parts of 64 KiB
//! ```

mod charset;
mod entity;
mod link;
mod page;

use playhouse_tool::{Error, http, tool};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{ANSWER_BYTES_MAX, clip, shown};

/// Characters of the longest address.
const URL_MAX: usize = 4_096;
/// What is asked for: text, and pages that can be made text.
const ACCEPT: &str =
    "text/html, text/plain, text/markdown, application/json, application/xml;q=0.9, text/*;q=0.8";

/// A page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Where it came from, after redirects
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    content_type: String,
    /// The text, links as `[text](address)`
    text: String,
    /// If something was left out: what, and how to get it
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<String>,
}

/// Reads a page of the web as text with its links, for example `https://example.com/`.
#[tool(effect = "idempotent", wants(http = "reads pages by GET"))]
pub fn fetch(
    /// The address, with `https://`
    #[schemars(length(min = 1, max = URL_MAX))]
    url: String,
    /// Where to go on in a long text: the number that `more` said
    #[serde(default)]
    from: u32,
    /// The text as it was sent, with all tags
    #[serde(default)]
    raw: bool,
) -> Result<Output, Error> {
    let url = url.trim();
    let is_whole = url.split_once("://").is_some_and(|(scheme, _)| {
        ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    });
    if !is_whole || url.chars().any(char::is_whitespace) {
        let message = format!(
            "`url` is `{}`, which is no address: write it whole, for example `https://example.com/`",
            shown(url)
        );
        return Err(Error::invalid_input(message));
    }
    let answer = http::get(url).header("accept", ACCEPT).send()?.ok()?;
    let content_type = answer.header("content-type").unwrap_or("text/plain").to_ascii_lowercase();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_owned();
    if !is_text(&kind) {
        let message = format!(
            "{} is `{}`, not text ({} bytes): find a page about it",
            answer.url,
            shown(&kind),
            answer.body.len()
        );
        return Err(Error::failed(message));
    }
    let is_html = kind.contains("html");
    let source = charset::decoded(&answer.body, &content_type, is_html);
    let page = match is_html && !raw {
        true => page::read(&source, &answer.url),
        false => page::Page { title: None, text: source },
    };
    let (text, more) = part(&page.text, from, answer.truncated)?;
    Ok(Output { url: answer.url, title: page.title, content_type: kind, text, more })
}

fn is_text(kind: &str) -> bool {
    let suffixes = ["json", "xml", "yaml", "javascript", "x-www-form-urlencoded", "toml", "csv"];
    kind.is_empty() || kind.starts_with("text/") || suffixes.iter().any(|suffix| kind.ends_with(suffix))
}

/// The part from byte `from`, and how to go on.
fn part(text: &str, from: u32, truncated: bool) -> Result<(String, Option<String>), Error> {
    let start = text.floor_char_boundary(from as usize);
    if from as usize > text.len() {
        return Err(Error::invalid_input(format!("`from` is {from}, but the text has {} bytes", text.len())));
    }
    let part = clip(&text[start..], ANSWER_BYTES_MAX);
    let next = start + part.len();
    let more = if next < text.len() {
        Some(format!("{} more bytes: fetch again with `from` {next}", text.len() - next))
    } else {
        truncated.then(|| "the page is longer than may be received; the rest cannot be had".to_owned())
    };
    Ok((part.to_owned(), more))
}

#[cfg(test)]
mod tests;
