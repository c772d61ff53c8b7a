//! Which headers a tool may set.

use playhouse_tools_policy::{BadHeader, HEADER_BYTES_MAX, HEADERS_MAX, check_headers};

fn check(name: &str, value: &str) -> Result<(), BadHeader> {
    check_headers(&[("accept".into(), "*/*".into()), (name.into(), value.into())])
}

#[test]
fn headers_that_belong_to_the_host_or_get_around_a_rule_are_refused_by_name() {
    for name in [
        "Host",
        "authorization",
        "AUTHORIZATION",
        "Cookie",
        "proxy-authorization",
        "Proxy-Connection",
        "connection",
        "Transfer-Encoding",
        "transfer_encoding",
        "Content-Length",
        "content_length",
        "te",
        "trailer",
        "Upgrade",
        "expect",
        "keep-alive",
        "http2-settings",
        "Forwarded",
        "X-Forwarded-For",
        "x_forwarded_host",
        "X-Real-IP",
        "via",
        "Idempotency-Key",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Sec-Fetch-Site",
    ] {
        assert_eq!(check(name, "x"), Err(BadHeader::Refused(name.into())), "{name}");
    }
}

#[test]
fn headers_that_only_the_server_cares_for_pass() {
    for name in [
        "Accept",
        "Accept-Encoding",
        "Content-Type",
        "User-Agent",
        "X-Api-Key",
        "If-None-Match",
        "Range",
        "tea",
    ] {
        assert_eq!(check(name, "a, b\tc"), Ok(()), "{name}");
    }
}

#[test]
fn what_could_end_a_header_early_is_refused() {
    for name in ["", "a b", "a:b", "a\r\nb", "ä", ":authority", "a\u{0}"] {
        assert_eq!(check(name, "x"), Err(BadHeader::Name { number: 2 }), "{name:?}");
    }
    for value in ["a\r\nhost: b", "a\nb", "a\u{0}", "\u{7f}", "\u{85}"] {
        assert_eq!(check("x-a", value), Err(BadHeader::Value("x-a".into())), "{value:?}");
    }
}

#[test]
fn headers_are_bounded_in_number_and_length() {
    let some = |count: usize, bytes: usize| vec![("a".to_owned(), "b".repeat(bytes - 1)); count];
    assert_eq!(check_headers(&some(HEADERS_MAX, 2)), Ok(()));
    assert_eq!(check_headers(&some(HEADERS_MAX + 1, 2)), Err(BadHeader::TooMany(HEADERS_MAX + 1)));
    assert_eq!(check_headers(&some(2, HEADER_BYTES_MAX / 2)), Ok(()));
    assert_eq!(
        check_headers(&some(2, HEADER_BYTES_MAX / 2 + 1)),
        Err(BadHeader::TooLong(HEADER_BYTES_MAX + 2))
    );
}
