//! Who allows what, and how it is explained.

use playhouse_core::egress::{HttpGrant, HttpLimits, HttpRule};
use playhouse_tools_policy::{Allowed, Decision, Target};

fn grant(text: &str) -> HttpGrant {
    toml::from_str(text).unwrap()
}

fn target(url: &str) -> Target {
    Target::parse(url).unwrap()
}

fn allows(allowed: &Allowed, method: &str, url: &str) -> bool {
    matches!(allowed.decide(method, &target(url)), Decision::Allowed { .. })
}

const OPERATOR: &str = r#"
    [[rules]]
    origin = "https://api.example.com"
    methods = ["GET", "POST"]
    paths = ["/repos", "/users/"]

    [[rules]]
    origin = "https://*.wiki.example"

    [[rules]]
    origin = "http://localhost:8080"
    private = true
"#;

#[test]
fn a_request_is_allowed_if_a_rule_has_its_origin_method_and_path() {
    let allowed = Allowed::by("operator", &grant(OPERATOR)).unwrap();
    let table = [
        ("GET", "https://api.example.com/repos", true),
        ("POST", "https://api.example.com/repos/x?y", true),
        ("GET", "https://API.EXAMPLE.COM.:443/repos/", true),
        ("GET", "https://api.example.com/users", true),
        ("GET", "https://en.wiki.example/any", true),
        ("HEAD", "https://a.b.wiki.example/", true),
        ("GET", "http://localhost:8080/", true),
        ("DELETE", "https://api.example.com/repos", false),
        ("get", "https://api.example.com/repos", false),
        ("GET", "https://api.example.com/reposx", false),
        ("GET", "https://api.example.com/Repos", false),
        ("GET", "https://api.example.com/", false),
        ("GET", "https://api.example.com/repos/../admin", false),
        ("GET", "https://api.example.com/repos%2fx", false),
        ("GET", "http://api.example.com/repos", false),
        ("GET", "https://api.example.com:8443/repos", false),
        ("GET", "https://api.example.com.evil.test/repos", false),
        ("GET", "https://xapi.example.com/repos", false),
        ("GET", "https://example.com/repos", false),
        ("GET", "https://wiki.example/", false),
        ("GET", "https://evilwiki.example/", false),
        ("GET", "http://en.wiki.example/", false),
        ("POST", "https://en.wiki.example/", false),
        ("GET", "http://localhost/", false),
        ("GET", "http://127.0.0.1:8080/", false),
    ];
    for (method, url, expected) in table {
        assert_eq!(allows(&allowed, method, url), expected, "{method} {url}");
    }
}

#[test]
fn two_parties_allow_what_both_allow_and_no_more() {
    let operator = Allowed::by("operator", &grant(OPERATOR)).unwrap();
    let agent = "limits = { redirects = 1 }\nrules = [
        { origin = \"https://api.example.com\", methods = [\"GET\", \"DELETE\"], paths = [\"/repos/mine\"] },
        { origin = \"http://localhost:8080\" },
        { origin = \"https://elsewhere.example\" } ]";
    let both = operator.clone().and(Allowed::by("agent", &grant(agent)).unwrap());
    assert!(allows(&both, "GET", "https://api.example.com/repos/mine/1"));
    for (method, url) in [
        ("GET", "https://api.example.com/repos"),
        ("POST", "https://api.example.com/repos/mine"),
        ("DELETE", "https://api.example.com/repos/mine"),
        ("GET", "https://en.wiki.example/"),
        ("GET", "https://elsewhere.example/"),
    ] {
        assert!(!allows(&both, method, url), "{method} {url}");
    }
    // Private addresses too are reached only if both say so.
    let reach = |allowed: &Allowed| match allowed.decide("GET", &target("http://localhost:8080/")) {
        Decision::Allowed { reach, .. } => reach.is_private(),
        Decision::Denied { .. } => panic!("denied"),
    };
    assert!(reach(&operator));
    assert!(!reach(&both));
    assert_eq!(both.limits(), HttpLimits { redirects: 1, ..HttpLimits::default() });
}

#[test]
fn nothing_is_granted_by_default() {
    let empty = Allowed::by("operator", &HttpGrant::default()).unwrap();
    assert!(!allows(&empty, "GET", "https://example.com/"));
    let nobody = Allowed::by_all([]).unwrap();
    assert!(!allows(&nobody, "GET", "https://example.com/"));
    assert_eq!(nobody.limits().requests_per_call, 0);
    let all = grant(OPERATOR);
    let some = Allowed::by("operator", &all).unwrap();
    assert!(!allows(&nobody.clone().and(some.clone()), "GET", "https://en.wiki.example/"));
    assert!(!allows(&some.and(nobody), "GET", "https://en.wiki.example/"));
}

#[test]
fn every_decision_explains_itself_in_a_sentence() {
    let operator = Allowed::by("operator", &grant(OPERATOR)).unwrap();
    let says = |allowed: &Allowed, method, url| allowed.decide(method, &target(url)).explain();
    assert_eq!(
        says(&operator, "GET", "https://api.example.com/repos/x?token=hush"),
        "GET https://api.example.com/repos/x is allowed by rule 1 of the operator \
         (https://api.example.com, GET or POST, /repos or /users)"
    );
    assert_eq!(
        says(&operator, "GET", "https://other.example/x"),
        "GET https://other.example/x is denied by the operator: no rule is about this host; \
         ask for `origin = \"https://other.example\"`"
    );
    assert!(
        says(&operator, "PUT", "https://api.example.com/repos")
            .contains("ask for `\"PUT\"` in its `methods`")
    );
    assert!(says(&operator, "GET", "https://api.example.com/x").contains("ask for `\"/x\"` in its `paths`"));
    let both = operator
        .and(Allowed::by("agent", &grant("rules = [{ origin = \"https://*.wiki.example\" }]")).unwrap());
    let sentence = says(&both, "GET", "https://en.wiki.example/");
    assert!(
        sentence.contains(
            "rule 2 of the operator (https://*.wiki.example, GET or HEAD, /) and rule 1 of the agent"
        )
    );
    assert!(says(&both, "GET", "http://localhost:8080/").contains("denied by the agent"));
    let nobody = Allowed::by_all([]).unwrap();
    assert_eq!(
        says(&nobody, "GET", "https://a.test/"),
        "GET https://a.test/ is denied: no HTTP is granted at all"
    );
}

#[test]
fn of_several_rules_that_fit_the_one_that_reaches_further_counts() {
    let rule = |private| HttpRule { private, ..HttpRule::reading("http://a.test") };
    for rules in [vec![rule(false), rule(true)], vec![rule(true), rule(false)]] {
        let allowed = Allowed::by("operator", &HttpGrant { rules, ..HttpGrant::default() }).unwrap();
        let Decision::Allowed { reach, .. } = allowed.decide("GET", &target("http://a.test/")) else {
            panic!("denied")
        };
        assert!(reach.is_private());
    }
}
