//! What holds for whatever is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use playhouse_core::egress::{HttpGrant, HttpRule};
use playhouse_tools_policy::{Allowed, Class, Decision, Target, address_class};
use proptest::prelude::*;

/// Texts made of what URLs are made of, so that many can be read and most are odd.
fn urls() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "http://", "https://", "//", "/", ".", "..", "%2e", "%2F", "%5c", "%25", "%252e", "@", ":", "?", "#",
        ";", "[", "]", "::1", "127.1", "0x7f", "a", "b.test", "A.Test.", "ü", "１", "。", "80", "443",
        "8080", "\\", "\t", " ", "&", "=", "%c0%ae",
    ]);
    let made = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    (prop::bool::weighted(0.8), made).prop_map(
        |(is_http, rest)| {
            if is_http { format!("http://h.test/{rest}") } else { rest }
        },
    )
}

/// Origins as people write them, some of them wrongly.
fn origins() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["http://", "https://", "HTTP://", "http:", "", "ftp://"]);
    let wild = prop::sample::select(vec!["", "", "*.", "*", "**.", "x.*."]);
    let host = prop::sample::select(vec![
        "h.test",
        "b.test",
        "A.Test.",
        "test",
        "ü.test",
        "127.1",
        "[::1]",
        "0x7f000001",
        "",
        ".test",
        "h.test@b.test",
    ]);
    let end = prop::sample::select(vec!["", "/", ":80", ":8080", ":0", "/x", "?", "#", ":", ":x"]);
    (scheme, wild, host, end).prop_map(|(scheme, wild, host, end)| format!("{scheme}{wild}{host}{end}"))
}

/// A segment, most often one that climbs for somebody.
fn dots() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "..",
        ".",
        "%2e%2e",
        ".%2E",
        "%252e%252e",
        "%25252e.",
        "..;",
        "..;x",
        "%2e%2e%3b",
        "x",
        "admin",
        "",
        "a",
        "b",
        "%2",
    ])
}

/// What stands between segments, for somebody.
fn slash() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["/", "/", "/", "%2f", "%2F", "%5c", "%252f", "%25255C", "//", "\\"])
}

/// A server that decodes everything it can as often as it can, and then climbs.
fn worst_reading(path: &str) -> Vec<String> {
    let mut text = path.to_owned();
    loop {
        let decoded = ["2e=.", "2f=/", "5c=/", "25=%", "3b=;"].iter().fold(text.clone(), |text, pair| {
            let (code, plain) = pair.split_once('=').unwrap();
            text.replace(&format!("%{code}"), plain).replace(&format!("%{}", code.to_uppercase()), plain)
        });
        if decoded == text {
            break;
        }
        text = decoded;
    }
    let mut segments = Vec::new();
    for segment in text.split(['/', '\\']).skip(1) {
        match segment.split(';').next().unwrap() {
            ".." => drop(segments.pop()),
            "." => {}
            _ => segments.push(segment.to_owned()),
        }
    }
    segments
}

proptest! {
    #[test]
    fn what_is_read_is_written_so_that_it_is_read_the_same(text in urls()) {
        if let Ok(target) = Target::parse(&text) {
            let again = Target::parse(target.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), target.as_str());
            prop_assert_eq!(again.origin(), target.origin());
            let bad = |c: char| c.is_control() || !c.is_ascii() || matches!(c, ' ' | '\\' | '#');
            prop_assert!(!target.as_str().contains(bad), "{}", target.as_str());
            prop_assert!(!target.origin().to_string().contains('@'));
        }
    }

    #[test]
    fn reading_any_text_ends_without_panic(text in any::<String>(), location in any::<String>()) {
        let _ = Target::parse(&text);
        let _ = Target::parse("http://h.test/a/b").unwrap().join(&location);
    }

    #[test]
    fn no_path_gets_around_a_prefix(rest in prop::collection::vec((dots(), slash()), 0..5)) {
        let rest: String = rest.iter().flat_map(|(segment, slash)| [*slash, *segment]).collect();
        let rules = vec![HttpRule { paths: vec!["/a/b".into()], ..HttpRule::reading("http://h.test") }];
        let allowed = Allowed::by("operator", &HttpGrant { rules, ..HttpGrant::default() }).unwrap();
        let url = format!("http://h.test/a/b{rest}");
        let Ok(target) = Target::parse(&url) else { return Ok(()) };
        if let Decision::Allowed { .. } = allowed.decide("GET", &target) {
            let served = worst_reading(target.path());
            prop_assert!(served.starts_with(&["a".to_owned(), "b".to_owned()]), "{url} may be read as {served:?}");
        }
    }

    #[test]
    fn a_rule_that_is_read_allows_its_own_origin_or_the_names_below_and_no_other(
        origin in origins(), path in any::<String>(), method in any::<String>(), other in urls(),
    ) {
        let grant = |rule| HttpGrant { rules: vec![rule], ..HttpGrant::default() };
        let _ = Allowed::by("operator", &grant(HttpRule { paths: vec![path], ..HttpRule::reading(&origin) }));
        let _ = Allowed::by("operator", &grant(HttpRule { methods: vec![method], ..HttpRule::reading(&origin) }));
        let Ok(allowed) = Allowed::by("operator", &grant(HttpRule::reading(&origin))) else { return Ok(()) };
        let allows = |target: &Target| matches!(allowed.decide("GET", target), Decision::Allowed { .. });
        let own = Target::parse(&origin.replacen("*.", "", 1)).unwrap();
        let below = Target::parse(&origin.replacen("*.", "x.", 1)).unwrap();
        prop_assert!(allows(&below), "{origin}");
        prop_assert_eq!(allows(&own), !origin.contains('*'), "{}", origin);
        if let Ok(other) = Target::parse(&other) && allows(&other) {
            let tail = own.origin().to_string().replacen("http", "", 1).replacen("s://", "", 1).replacen("://", "", 1);
            prop_assert!(other.origin().to_string().ends_with(&tail), "{origin} allows {other}");
        }
    }

    #[test]
    fn two_parties_never_allow_more_than_one(urls in prop::collection::vec(urls(), 1..8), paths in prop::collection::vec(
        prop::sample::select(vec!["/", "/a", "/a/b", "/b"]), 1..3)) {
        let grant = |origin: &str, paths: &[&str]| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            let rules = vec![HttpRule { paths, ..HttpRule::reading(origin) }];
            Allowed::by("x", &HttpGrant { rules, ..HttpGrant::default() }).unwrap()
        };
        let (one, other) = (grant("http://h.test", &paths), grant("http://*.h.test", &["/"]));
        let same = grant("http://h.test", &["/a"]);
        for target in urls.iter().filter_map(|url| Target::parse(url).ok()) {
            let allows = |allowed: &Allowed| matches!(allowed.decide("GET", &target), Decision::Allowed { .. });
            prop_assert_eq!(allows(&one.clone().and(same.clone())), allows(&one) && allows(&same));
            prop_assert!(!allows(&one.clone().and(other.clone())));
        }
    }

    #[test]
    fn an_address_inside_an_address_is_never_judged_more_kindly(bits in any::<u32>()) {
        let inside = Ipv4Addr::from_bits(bits);
        let class = address_class(IpAddr::V4(inside));
        let [high, low] = [(bits >> 16) as u16, bits as u16];
        for outside in [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
        ] {
            prop_assert!(address_class(IpAddr::V6(outside)) >= class, "{outside}: {class:?}");
            prop_assert!(class == Class::Public || address_class(IpAddr::V6(outside)) != Class::Public);
        }
    }
}
