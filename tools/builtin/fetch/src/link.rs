//! Whole addresses from those that are written in a page.

/// `href` as seen from the page at `base`; nothing for what is no place (`javascript:`, `#top`).
pub(crate) fn resolve(base: &str, href: &str) -> Option<String> {
    let href = href.trim();
    let is_place = |scheme: &str| ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str());
    if href.is_empty() || href.starts_with('#') || href.chars().any(|c| c.is_control() || c == ' ') {
        return None;
    }
    if let Some((scheme, _)) =
        href.split_once(':').filter(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()))
    {
        return is_place(scheme).then(|| href.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(other) = href.strip_prefix("//") {
        return Some(format!("{scheme}://{other}"));
    }
    if let Some(absolute) = href.strip_prefix('/') {
        return Some(format!("{scheme}://{host}/{absolute}"));
    }
    if href.starts_with('?') {
        return Some(format!("{scheme}://{host}/{path}{href}"));
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let (way, query) = href.split_at(href.find(['?', '#']).unwrap_or(href.len()));
    let last = way.split('/').count() - 1;
    for (at, part) in way.split('/').enumerate() {
        match part {
            "." | ".." => {
                if part == ".." {
                    parts.pop();
                }
                if at == last {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    Some(format!("{scheme}://{host}/{}{query}", parts.join("/")))
}
