//! Redirects: where the next hop goes, and as what.

use playhouse_ports::egress::EgressErrorKind;
use playhouse_tools_policy::Target;
use reqwest::header::{HeaderMap, LOCATION};

use crate::failure::Problem;

/// The next hop, before anybody has decided about it.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) method: String,
    pub(crate) target: Target,
    pub(crate) keeps_body: bool,
}

/// Where an answer from `here` sends the request on to, if it does.
pub(crate) fn turn(
    status: u16,
    headers: &HeaderMap,
    method: &str,
    here: &Target,
) -> Result<Option<Turn>, Problem> {
    let Some((method, keeps_body)) = method_after(status, method) else { return Ok(None) };
    let mut locations = headers.get_all(LOCATION).iter();
    let Some(location) = locations.next() else { return Ok(None) };
    let refused = |why: &str| {
        let message = format!("`{}` redirects to where no request may go: {why}", here.origin());
        Problem::new(EgressErrorKind::NotGranted, message)
    };
    if locations.next().is_some() {
        return Err(refused("to more than one place"));
    }
    let location = str::from_utf8(location.as_bytes()).map_err(|_| refused("its text is not UTF-8"))?;
    let target = here.join(location).map_err(|error| refused(&error.to_string()))?;
    if here.origin().is_https() && !target.origin().is_https() {
        return Err(refused("from `https` to `http`, where everybody on the way could read it"));
    }
    Ok(Some(Turn { method: method.to_owned(), target, keeps_body }))
}

/// The method that follows, and whether the body stays, as browsers do it (RFC 9110, 15.4). `None`: this status is
/// no redirect.
fn method_after(status: u16, method: &str) -> Option<(&str, bool)> {
    match (status, method) {
        (301 | 302, "POST") => Some(("GET", false)),
        (301 | 302 | 307 | 308, method) => Some((method, true)),
        (303, "HEAD") => Some(("HEAD", false)),
        (303, _) => Some(("GET", false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_after_a_redirect_is_what_browsers_make_of_it() {
        let table = [
            (301, "GET", Some(("GET", true))),
            (301, "POST", Some(("GET", false))),
            (302, "POST", Some(("GET", false))),
            (302, "PUT", Some(("PUT", true))),
            (303, "POST", Some(("GET", false))),
            (303, "DELETE", Some(("GET", false))),
            (303, "HEAD", Some(("HEAD", false))),
            (307, "POST", Some(("POST", true))),
            (308, "PATCH", Some(("PATCH", true))),
            (200, "GET", None),
            (300, "GET", None),
            (304, "GET", None),
            (305, "GET", None),
        ];
        for (status, method, expected) in table {
            assert_eq!(method_after(status, method), expected, "{status} {method}");
        }
    }
}
