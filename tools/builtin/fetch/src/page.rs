//! From HTML to text, in one pass over the tags and without a tree.
//!
//! What is read: headings, paragraphs, lists, tables, links, code. What is not: scripts, styles, forms, menus, footers.
//! If a page marks its main part, that part is the text. A page that is broken gives more text, never none.

use crate::entity::decode;
use crate::link::resolve;

/// Elements without text for readers.
const DROPPED: [&str; 9] =
    ["script", "style", "noscript", "template", "svg", "iframe", "select", "button", "textarea"];
/// Parts of a page that are about the site, not about the page.
const FURNITURE: [&str; 4] = ["nav", "footer", "aside", "form"];
/// Elements that stand on lines of their own.
const BLOCKS: [&str; 24] = [
    "p",
    "div",
    "section",
    "article",
    "main",
    "header",
    "ul",
    "ol",
    "table",
    "blockquote",
    "pre",
    "figure",
    "figcaption",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "dl",
    "dt",
    "dd",
    "body",
];
/// Bytes below which a main part is not believed to be one, unless it is half of the page.
const MAIN_BYTES_MIN: usize = 200;

/// What a reader sees.
pub(crate) struct Page {
    pub(crate) title: Option<String>,
    pub(crate) text: String,
}

/// Reads the page at `url`.
pub(crate) fn read(source: &str, url: &str) -> Page {
    let without = Reader::read(source, url, true);
    let text = without.text();
    let is_whole = without.dropped.is_none() && !text.trim().is_empty();
    if is_whole || text.len() >= MAIN_BYTES_MIN {
        return Page { title: without.title, text };
    }
    // All of it is furniture, or something was never closed.
    let with = Reader::read(source, url, false);
    let all = with.text();
    Page { title: with.title, text: if all.len() > text.len() { all } else { text } }
}

struct Reader<'a> {
    url: &'a str,
    out: String,
    title: Option<String>,
    /// The element whose content is passed over, and how often it is open.
    dropped: Option<(String, usize)>,
    /// Where the links that are open go, and where their text begins.
    links: Vec<(Option<String>, usize)>,
    /// Where the first main part begins and ends.
    main: Option<(usize, Option<usize>)>,
    is_pre: bool,
    drops_furniture: bool,
}

impl<'a> Reader<'a> {
    fn read(source: &str, url: &'a str, drops_furniture: bool) -> Self {
        let (out, title, dropped, links, main) = (String::new(), None, None, Vec::new(), None);
        let mut reader = Self { url, out, title, dropped, links, main, is_pre: false, drops_furniture };
        let mut rest = source;
        while let Some(at) = rest.find('<') {
            reader.words(&rest[..at]);
            rest = &rest[at..];
            let end = if rest.starts_with("<!--") {
                rest.find("-->").map(|end| end + 3)
            } else {
                rest.find('>').map(|end| end + 1)
            };
            let is_tag =
                rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?');
            if !is_tag {
                reader.words("<");
                rest = &rest[1..];
                continue;
            }
            let Some(end) = end else { break };
            rest = reader.tag(&rest[1..end - 1], &rest[end..]);
        }
        reader.words(if rest.starts_with('<') { "" } else { rest });
        reader
    }

    /// Acts on a tag; what is left to read after it.
    fn tag<'s>(&mut self, tag: &str, rest: &'s str) -> &'s str {
        let (closes, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name_end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
        let name = tag[..name_end].to_ascii_lowercase();
        if let Some((dropped, depth)) = &mut self.dropped {
            if *dropped == name {
                *depth = if closes { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    self.dropped = None;
                }
            }
            return rest;
        }
        if name == "title" && !closes {
            let end = rest.find("</").unwrap_or(rest.len());
            self.title
                .get_or_insert_with(|| decode(&rest[..end]).split_whitespace().collect::<Vec<_>>().join(" "));
            return &rest[end..];
        }
        // Inside of these, `<` is no tag.
        if !closes && ["script", "style", "textarea"].contains(&name.as_str()) {
            let end = find_close(rest, &name).unwrap_or(rest.len());
            return &rest[end..];
        }
        let is_dropped =
            DROPPED.contains(&name.as_str()) || self.drops_furniture && FURNITURE.contains(&name.as_str());
        if is_dropped && !closes && !tag.ends_with('/') {
            self.dropped = Some((name, 1));
            return rest;
        }
        self.element(&name, closes, tag);
        rest
    }

    fn element(&mut self, name: &str, closes: bool, tag: &str) {
        if BLOCKS.contains(&name) {
            self.line(if ["dt", "dd"].contains(&name) { 1 } else { 2 });
        }
        match (name, closes) {
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                self.out += &"#".repeat(usize::from(name.as_bytes()[1] - b'0'));
                self.out.push(' ');
            }
            ("li", false) => {
                self.line(1);
                self.out += "- ";
            }
            ("br", _) => self.out.push('\n'),
            ("tr", _) => self.line(1),
            ("td" | "th", true) => self.out += " | ",
            ("hr", _) => self.out += "---\n\n",
            ("pre", false) => {
                self.out += "```\n";
                self.is_pre = true;
            }
            ("pre", true) => {
                self.out.truncate(self.out.trim_end().len());
                self.out += "\n```\n\n";
                self.is_pre = false;
            }
            ("a", false) => self.links.push((
                attribute(tag, "href").and_then(|href| resolve(self.url, &decode(&href))),
                self.out.len(),
            )),
            ("a", true) => self.close_link(),
            ("img", false) => {
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.words(&alt);
                }
            }
            ("main" | "article", false) if self.main.is_none() => self.main = Some((self.out.len(), None)),
            ("main" | "article", true) => {
                if let Some((_, end)) = &mut self.main {
                    *end = Some(self.out.len());
                }
            }
            _ => {}
        }
    }

    fn close_link(&mut self) {
        let Some((Some(href), start)) = self.links.pop() else { return };
        let Some(text) =
            self.out.get(start..).map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        else {
            return;
        };
        if !text.is_empty() {
            let blank = if self.out[start..].starts_with([' ', '\n']) { " " } else { "" };
            self.out.truncate(start);
            self.out += &format!("{blank}[{text}]({href})");
        }
    }

    /// Text between tags.
    fn words(&mut self, text: &str) {
        if self.dropped.is_some() || text.is_empty() {
            return;
        }
        let text = decode(text);
        if self.is_pre {
            self.out += &text;
            return;
        }
        let opens =
            text.starts_with(char::is_whitespace) && !self.out.ends_with([' ', '\n']) && !self.out.is_empty();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if opens {
            self.out.push(' ');
        }
        self.out += &words;
        if !words.is_empty() && text.ends_with(char::is_whitespace) {
            self.out.push(' ');
        }
    }

    /// Ends the line, with `breaks` line breaks in all.
    fn line(&mut self, breaks: usize) {
        if self.is_pre || self.out.is_empty() {
            return;
        }
        // What a link or the main part remembers must stay where it is.
        let there = self.out.len() - self.out.trim_end_matches('\n').len();
        self.out += &"\n".repeat(breaks.saturating_sub(there));
    }

    /// The main part if there is one, without needless blanks.
    fn text(&self) -> String {
        let main = self.main.and_then(|(start, end)| self.out.get(start..end.unwrap_or(self.out.len())));
        let least = MAIN_BYTES_MIN.min(self.out.trim().len() / 2).max(1);
        let chosen = main.filter(|main| main.trim().len() >= least).unwrap_or(&self.out);
        let mut text = String::with_capacity(chosen.len());
        for line in chosen.trim().lines().map(str::trim_end) {
            if !(line.is_empty() && text.ends_with("\n\n")) {
                text += line;
                text.push('\n');
            }
        }
        text
    }
}

/// Where `</name` is, in any case.
fn find_close(text: &str, name: &str) -> Option<usize> {
    let is_it = |at: &usize| {
        text.get(at + 2..at + 2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    text.match_indices("</").map(|(at, _)| at).find(is_it)
}

/// The value of an attribute, quoted or not.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let found = lower.match_indices(name).find(|(at, _)| {
        let before = lower[..*at].ends_with(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        before && lower[at + name.len()..].trim_start().starts_with('=')
    })?;
    let value = tag[found.0 + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(char::is_whitespace).next()?,
    };
    Some(value.to_owned())
}
