//! How a URL is read, and what is refused.

use playhouse_tools_policy::{BadOrigin, BadUrl, Target, URL_BYTES_MAX};

const SAME_PLACE: &[(&str, &str)] = &[
    ("https://example.com", "https://example.com/"),
    ("HTTPS://EXAMPLE.com:443/A?b=C", "https://example.com/A?b=C"),
    ("http://example.com:80/#top", "http://example.com/"),
    ("http://example.com.:8080/", "http://example.com:8080/"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://ex%61mple.com/", "https://example.com/"),
    ("https://example.com/a/../b/./c", "https://example.com/b/c"),
    ("https://example.com/a/%2e%2e/b", "https://example.com/b"),
    ("https://example.com/a b?c d", "https://example.com/a%20b?c%20d"),
    // An address in every form that some reader takes.
    ("http://127.0.0.1/", "http://127.0.0.1/"),
    ("http://127.1/", "http://127.0.0.1/"),
    ("http://127.0.0.1./", "http://127.0.0.1/"),
    ("http://2130706433/", "http://127.0.0.1/"),
    ("http://0x7f000001/", "http://127.0.0.1/"),
    ("http://0x7f.0.0.1/", "http://127.0.0.1/"),
    ("http://0177.0.0.01/", "http://127.0.0.1/"),
    ("http://017700000001/", "http://127.0.0.1/"),
    ("http://%31%32%37.0.0.1/", "http://127.0.0.1/"),
    ("http://１２７.０.０.１/", "http://127.0.0.1/"),
    ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
    ("http://127。0。0。1/", "http://127.0.0.1/"),
    ("http://0/", "http://0.0.0.0/"),
    ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
    ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    // What is encoded but hides nothing stays: some servers put slashes into one segment.
    ("https://example.com/projects/group%2Fname", "https://example.com/projects/group%2Fname"),
    ("https://example.com/caf%C3%A9;v=1/..x", "https://example.com/caf%C3%A9;v=1/..x"),
    ("https://example.com/100%", "https://example.com/100%"),
    ("https://example.com/?next=%2e%2e%2f%00@evil", "https://example.com/?next=%2e%2e%2f%00@evil"),
];

#[test]
fn however_a_place_is_written_it_becomes_one_text() {
    for (written, read) in SAME_PLACE {
        let target = Target::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(target.as_str(), *read, "{written}");
        assert_eq!(Target::parse(read).unwrap(), target, "{written}");
    }
}

#[test]
fn what_readers_disagree_about_is_refused() {
    let refused = |text: &str| match Target::parse(text) {
        Err(error) => error,
        Ok(target) => panic!("{text} was read as {target}"),
    };
    for text in [
        "ftp://a.test/",
        "file:///etc/passwd",
        "gopher://a.test/",
        "a.test/",
        "",
        "http:/a.test",
        "http:a.test",
    ] {
        assert_eq!(refused(text), BadUrl::NotHttp, "{text}");
    }
    for text in ["http://", "http:///a.test/", "https://?x", "https://#x"] {
        assert_eq!(refused(text), BadUrl::Origin(BadOrigin::NoHost), "{text}");
    }
    for text in [
        "http://u@a.test/",
        "http://u:p@a.test/",
        "http://@a.test/",
        "http://:@a.test/",
        "http://a.test@b.test/",
    ] {
        assert_eq!(refused(text), BadUrl::Userinfo, "{text}");
    }
    for text in ["http://a.test\\@b.test/", "http:\\\\a.test/", "http://a.test/a\\b"] {
        assert_eq!(refused(text), BadUrl::Backslash, "{text}");
    }
    for text in
        ["http://a.test/\r\nHost: b", "http://a.te\tst/", "\u{0}http://a.test/", "http://a.test/\u{85}"]
    {
        assert!(matches!(refused(text), BadUrl::Control(_)), "{text:?}");
    }
    for text in ["http://[fe80::1%eth0]/", "http://[fe80::1%25eth0]/"] {
        assert_eq!(refused(text), BadUrl::Origin(BadOrigin::Zone), "{text}");
    }
    for text in ["http://a..test/", "http://a.test../", "http://./"] {
        assert_eq!(refused(text), BadUrl::Origin(BadOrigin::Name), "{text}");
    }
    assert_eq!(refused("http://a.test:0/"), BadUrl::Origin(BadOrigin::Port));
    for text in
        ["http://256.256.256.256/", "http://1.2.3.4.5/", "http://0xffffffffff/", "http://a.test:99999/"]
    {
        assert!(matches!(refused(text), BadUrl::Syntax(_)), "{text}");
    }
    for text in
        ["http://[::1/", "http://[::1]x/", "http://a b/", "http://a%00b/", "http://a%2fb/", "http://a<b/"]
    {
        assert!(matches!(refused(text), BadUrl::Syntax(_)), "{text}");
    }
    let long = format!("http://a.test/{}", "a".repeat(URL_BYTES_MAX));
    assert_eq!(refused(&long), BadUrl::TooLong(long.len()));
    let label = format!("http://{}.test/", "a".repeat(64));
    assert_eq!(refused(&label), BadUrl::Origin(BadOrigin::Name));
}

#[test]
fn a_path_that_climbs_once_it_is_decoded_is_refused() {
    let climbing = [
        "/a/..%2fb",
        "/a/..%2Fb",
        "/a/%2e%2e%2fb",
        "/a%2f..%2fb",
        "/a/..%5cb",
        "/a/%252e%252e/b",
        "/a/%252e%252e%252fb",
        "/a/%25252e%25252e/b",
        "/a/..;/b",
        "/a/..;x=1/b",
        "/a/%2e%2e;/b",
        "/a/%2e%2e%3b/b",
        "/a/.%252e/b",
        "/a/%2e%2f",
        "/a/%c0%ae%c0%ae/b",
        "/a/%e0%80%ae%e0%80%ae/b",
        "/a/%f0%80%80%ae/b",
        "/a/%00",
        "/a%0d%0ab",
        "/a/%7f",
        "/a/%2525252525252e",
    ];
    for path in climbing {
        let read = Target::parse(&format!("https://a.test{path}"));
        assert!(matches!(read, Err(BadUrl::Path(_))), "{path}: {read:?}");
    }
}

#[test]
fn a_location_is_read_from_where_it_was_given() {
    let here = Target::parse("https://a.test/x/y?q").unwrap();
    let goes = |location| here.join(location).map(|target| target.as_str().to_owned());
    assert_eq!(goes("z").unwrap(), "https://a.test/x/z");
    assert_eq!(goes("/z#top").unwrap(), "https://a.test/z");
    assert_eq!(goes("//b.test/z").unwrap(), "https://b.test/z");
    assert_eq!(goes("http://2130706433/").unwrap(), "http://127.0.0.1/");
    assert_eq!(goes("http://u:p@b.test/").unwrap_err(), BadUrl::Userinfo);
    assert_eq!(goes("file:///etc/passwd").unwrap_err(), BadUrl::Origin(BadOrigin::Scheme));
    assert_eq!(goes("\\\\b.test/").unwrap_err(), BadUrl::Backslash);
    assert!(matches!(goes("/a/..%2fb").unwrap_err(), BadUrl::Path(_)));
}

#[test]
fn a_target_shows_no_query() {
    let target = Target::parse("https://a.test/x?token=hush").unwrap();
    assert_eq!(format!("{target} {target:?}"), "https://a.test/x Target(https://a.test/x)");
}
