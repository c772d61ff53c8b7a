//! In which letters a page is written: by its mark, its header or its own word, and UTF-8 if nothing is said.

use encoding_rs::{Encoding, UTF_8};

/// Bytes in which a page says its encoding, as browsers look for it.
const LOOKED_AT: usize = 1_024;

/// The page's text; what cannot be read in its encoding becomes `�`. A byte order mark counts most, then the header.
pub(crate) fn decoded(body: &[u8], content_type: &str, is_html: bool) -> String {
    let by_header = after(content_type, "charset").and_then(Encoding::for_label);
    let by_page = || {
        let start = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]).to_ascii_lowercase();
        let tag = start
            .match_indices("<meta")
            .map(|(at, _)| &start[at..start[at..].find('>').map_or(at, |end| at + end)]);
        tag.filter_map(|tag| after(tag, "charset").and_then(Encoding::for_label)).next()
    };
    let encoding = by_header.or_else(|| is_html.then(by_page).flatten()).unwrap_or(UTF_8);
    encoding.decode(body).0.into_owned()
}

/// What is written after `name=`, with or without quotes.
fn after<'a>(text: &'a str, name: &str) -> Option<&'a [u8]> {
    let (_, value) = text.split_once(name)?;
    let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| c.is_whitespace() || "\"';,/".contains(c)).unwrap_or(value.len());
    Some(&value.as_bytes()[..end])
}
