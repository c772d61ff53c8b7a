//! Templates of addresses (RFC 6570), the other way round: whether an address is one that a template describes.
//!
//! ```text
//!   notes://{year}/{name}   fits   notes://2026/today   and not   notes://2026/../keys
//! ```

use crate::bounds::{TEMPLATE_BYTES_MAX, URI_BYTES_MAX};

/// Whether `template` describes `uri`. Takes time in proportion to both.
///
/// `{name}` stands for a part without `/`, `?`, `#` and backslashes, also encoded ones; `{+name}` for anything; the other
/// kinds for something that begins with their sign, or for nothing. An address that climbs with `..` fits no template.
pub(crate) fn fits(template: &str, uri: &str) -> bool {
    if template.len() > TEMPLATE_BYTES_MAX || uri.len() > URI_BYTES_MAX || climbs(uri) {
        return false;
    }
    let (uri, mut rest) = (uri.as_bytes(), template);
    // At which places in the address the template may have come so far.
    let mut reached = vec![false; uri.len() + 1];
    reached[0] = true;
    while !rest.is_empty() {
        let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
        reached = step(uri, &reached, literal.as_bytes());
        if literal.len() == rest.len() {
            break;
        }
        let Some((expression, after)) = after.split_once('}') else { return false };
        reached = expand(uri, &reached, expression);
        rest = after;
    }
    reached[uri.len()]
}

/// Whether a part of the address is `..`, in one of the clothes that servers take off.
fn climbs(uri: &str) -> bool {
    let plain = uri.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    plain.split(['/', '\\', '?', '#']).any(|part| part == "..")
}

fn step(uri: &[u8], reached: &[bool], literal: &[u8]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for at in (0..reached.len()).filter(|at| reached[*at]) {
        if uri[at..].starts_with(literal) {
            next[at + literal.len()] = true;
        }
    }
    next
}

fn expand(uri: &[u8], reached: &[bool], expression: &str) -> Vec<bool> {
    let sign = expression.bytes().next().filter(|byte| b"+#./;?&".contains(byte));
    let mut next = vec![false; reached.len()];
    // Whether an expansion that began before this place may go on over it.
    let mut open = false;
    for at in 0..reached.len() {
        next[at] = open || (reached[at] && !matches!(sign, None | Some(b'+')));
        let Some(byte) = uri.get(at) else { break };
        let begins = reached[at] && sign.is_none_or(|sign| sign == b'+' || sign == *byte);
        open = (open || begins) && goes_over(uri, at, sign);
    }
    next
}

/// Whether an expansion of this kind may have the byte at `at`.
fn goes_over(uri: &[u8], at: usize, sign: Option<u8>) -> bool {
    let encoded = |code: &[u8]| uri[at..].get(..3).is_some_and(|text| text.eq_ignore_ascii_case(code));
    match sign {
        None => !b"/?#\\".contains(&uri[at]) && !encoded(b"%2f") && !encoded(b"%5c"),
        Some(b'+' | b'#') => true,
        Some(b'?' | b'&') => uri[at] != b'#',
        Some(_) => !b"?#".contains(&uri[at]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_fits_what_describes_it_and_nothing_else() {
        for (template, uri, wanted) in [
            ("a://x", "a://x", true),
            ("a://x", "a://xy", false),
            ("a://{n}", "a://1", true),
            ("a://{n}", "a://", false),
            ("a://{n}", "a://1/2", false),
            ("a://{n}/b", "a://1/b", true),
            ("a://{n}/b", "a://1/b/b", false),
            ("a://{x}-{y}", "a://1-2-3", true),
            ("a://{+path}", "a://1/2?3", true),
            ("a://h{/path}", "a://h", true),
            ("a://h{/path}", "a://h/1/2", true),
            ("a://h{/path}", "a://host", false),
            ("a://h{?q,r}", "a://h?q=1&r=2", true),
            ("a://h{?q}", "a://h?q=1#f", false),
            ("a://{n", "a://n", false),
            ("{n}", "x", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(template, uri), wanted, "{template} {uri}");
        }
    }

    #[test]
    fn nothing_climbs_out_of_a_template() {
        for uri in
            ["f:///d/..", "f:///d/../x", "f:///d/%2e%2E/x", "f:///d/..%2fx", "f:///d/..%5Cx", "f:///d/..\\x"]
        {
            for template in ["f:///d/{n}", "f:///d/{+n}", "f://{+n}"] {
                assert!(!fits(template, uri), "{template} {uri}");
            }
        }
        assert!(!fits("f:///d/{n}", "f:///d/a%2Fb") && fits("f:///d/{n}", "f:///d/a..b"));
    }

    proptest! {
        #[test]
        fn what_a_template_was_filled_with_fits_it(a in "[a-z0-9%]{1,9}", b in "[a-z0-9/?]{1,9}") {
            let wild = format!("n://{a}/x/{b}");
            prop_assume!(!a.contains('%'));
            let template = "n://{a}/x/{+b}";
            prop_assert!(fits(template, &wild), "{}", wild);
        }

        #[test]
        fn no_template_is_too_much(template in "[a{}+?/.]{0,60}", uri in ".{0,60}") {
            fits(&template, &uri);
        }
    }
}
