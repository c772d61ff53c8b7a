//! What a rule may say, and what its author is told.

use playhouse_core::egress::{HttpGrant, HttpRule};
use playhouse_tools_policy::{Allowed, PATHS_MAX, RULES_MAX};

fn problem(rule: HttpRule) -> String {
    let rules = vec![HttpRule::reading("https://fine.example"), rule];
    match Allowed::by("operator", &HttpGrant { rules, ..HttpGrant::default() }) {
        Err(error) => error.to_string(),
        Ok(_) => "none".into(),
    }
}

#[test]
fn a_bad_origin_says_which_rule_and_what_is_wrong() {
    let table = [
        ("api.example.com", "must begin with `http://` or `https://`"),
        ("https://a.test/path", "a path belongs into `paths`"),
        ("https://a.test?x", "a path belongs into `paths`"),
        ("https://a.test#x", "a path belongs into `paths`"),
        ("https://u:p@a.test", "user name"),
        ("https://*", "`*` stands only"),
        ("https://*.com", "`*` stands only"),
        ("https://*.com.", "`*` stands only"),
        ("https://*.10.0.0.1", "`*` stands only"),
        ("https://*.*.test", "`*` stands only"),
        ("https://a.*.test", "`*` stands only"),
        ("https://a*.b.test", "`*` stands only"),
        ("https://a.test:0", "port 0"),
        ("ftp://a.test", "must begin with"),
        ("", "must begin with"),
    ];
    for (origin, words) in table {
        let said = problem(HttpRule::reading(origin));
        let begins = format!("HTTP rule 2 of the operator (`{origin}`): ");
        assert!(said.starts_with(&begins) && said.contains(words), "{origin}: {said}");
    }
    for origin in
        ["https://a.test", "https://a.test/", "https://*.a.test:8443", "http://[::1]:80", "HTTP://Ä.test"]
    {
        assert_eq!(problem(HttpRule::reading(origin)), "none", "{origin}");
    }
}

#[test]
fn bad_methods_and_paths_are_told_what_would_be_right() {
    let with_methods = |methods: &[&str]| {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        problem(HttpRule { methods, ..HttpRule::reading("https://a.test") })
    };
    for methods in [&[][..], &["get"], &["GET", "TRACE"], &["CONNECT"], &["*"], &["GET "]] {
        assert!(with_methods(methods).contains("`methods` must name"), "{methods:?}");
    }
    let with_paths = |paths: Vec<String>| problem(HttpRule { paths, ..HttpRule::reading("https://a.test") });
    for path in
        ["", "repos", "/repos/**", "/a?b", "/a#b", "/a/../b", "/a/%2e%2e/b", "/a/..%2fb", "/a\\b", "/a\nb"]
    {
        assert!(with_paths(vec![path.into()]).contains("`paths`: "), "{path}");
    }
    assert!(with_paths(vec![]).contains("1 to 64"));
    assert!(with_paths(vec!["/a".into(); PATHS_MAX + 1]).contains("it has 65"));
    assert_eq!(with_paths(vec!["/a".into(); PATHS_MAX]), "none");
}

#[test]
fn a_grant_has_a_bounded_number_of_rules() {
    let grant =
        |rules| HttpGrant { rules: vec![HttpRule::reading("https://a.test"); rules], ..HttpGrant::default() };
    assert!(Allowed::by("agent", &grant(RULES_MAX)).is_ok());
    let error = Allowed::by("agent", &grant(RULES_MAX + 1)).unwrap_err();
    assert_eq!(error.to_string(), "the agent has 65 HTTP rules; at most 64 are allowed");
}

#[test]
fn a_word_that_no_grant_knows_is_refused_when_it_is_read() {
    for text in [
        "rule = []",
        "rules = [{ origin = \"https://a.test\", privat = true }]",
        "limits = { request_per_call = 1 }",
        "rules = [{ methods = [\"GET\"] }]",
    ] {
        assert!(toml::from_str::<HttpGrant>(text).is_err(), "{text}");
    }
}
