//! Egress in every encoding, and effect ids that are not one's own.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, Expect};

pub(crate) fn cases(place: &Place) -> Vec<Case> {
    let mut cases = egress();
    cases.extend([methods(), headers(), effects(place)].into_iter().flatten());
    cases
}

fn fetch(url: &str) -> Value {
    json!([["fetch", "GET", url]])
}

/// The host refused it with a kind of its own.
fn refused(value: &Value) -> bool {
    value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["err"][0].is_string()))
}

fn egress() -> Vec<Case> {
    [
        ("this machine", "http://127.0.0.1/"),
        ("this machine, by name", "http://localhost/"),
        ("this machine, as one number", "http://2130706433/"),
        ("this machine, in octal", "http://0177.0.0.1/"),
        ("this machine, in hexadecimal", "http://0x7f.1/"),
        ("this machine, by IPv6", "http://[::1]/"),
        ("this machine, by IPv4 inside IPv6", "http://[::ffff:7f00:1]/"),
        ("this machine, in circled digits", "http://①②⑦.0.0.1/"),
        ("the address of all networks", "http://0.0.0.0/"),
        ("the metadata of a cloud", "http://169.254.169.254/latest/meta-data/"),
        ("the metadata of a cloud, by IPv6", "http://[fd00:ec2::254]/"),
        ("a private network", "http://10.0.0.1/"),
        ("the granted host without TLS", "http://api.example.com/"),
        ("the granted host at another port", "https://api.example.com:8443/"),
        ("the granted host as a user's name", "https://api.example.com@evil.example/"),
        ("the granted host as a user's name and a backslash", "https://api.example.com\\@evil.example/"),
        ("the granted host as a subdomain", "https://api.example.com.evil.example/"),
        ("the granted host with another letter that looks the same", "https://api.ex\u{0430}mple.com/"),
        ("the granted host behind a fragment", "https://evil.example/#@api.example.com/"),
        ("a host below the granted one", "https://x.api.example.com/"),
        ("a file", "file:///etc/passwd"),
        ("gopher", "gopher://127.0.0.1:6379/_FLUSHALL"),
        ("data", "data:text/plain,hello"),
        ("a line break in the address", "https://api.example.com\r\nHost: evil.example/"),
        ("no address", "api.example.com"),
    ]
    .into_iter()
    .map(|(name, url)| Case::steps("egress", name, fetch(url), Expect::Answers(refused)))
    .collect()
}

fn methods() -> Vec<Case> {
    let url = "https://api.example.com/";
    let case = |name, steps| Case::steps("egress", name, steps, Expect::Answers(refused));
    let four: Vec<Value> = (0..6).map(|_| json!(["fetch", "GET", url])).collect();
    vec![
        case(
            "methods that are not granted",
            json!([
                ["fetch", "POST", url],
                ["fetch", "DELETE", url],
                ["fetch", "CONNECT", url],
                ["fetch", "get", url],
                ["fetch", "GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\nGET", url],
                ["fetch", "", url]
            ]),
        ),
        Case::steps(
            "egress",
            "more requests than one call may make",
            json!(four),
            Expect::Answers(|value| value[3]["ok"].is_object() && value[4]["err"][0].is_string()),
        ),
        Case::steps(
            "egress",
            "more requests, by calling itself",
            json!([
                ["fetch", "GET", url], ["fetch", "GET", url],
                ["tool", "reaches", {"do": [["fetch", "GET", url], ["fetch", "GET", url], ["fetch", "GET", url]]}],
                ["fetch", "GET", url]
            ]),
            Expect::Answers(|value| {
                value[2]["ok"][1]["ok"].is_object()
                    && value[2]["ok"][2]["err"].is_array()
                    && value[3]["err"].is_array()
            }),
        ),
    ]
}

fn headers() -> Vec<Case> {
    let url = "https://api.example.com/";
    let with = |headers: Value| json!([["fetch", "GET", url, headers]]);
    [
        ("a header that says another host", with(json!({ "host": "evil.example" }))),
        ("a header that says who is asking", with(json!({ "Authorization": "Bearer of somebody else" }))),
        ("a header that ends another way", with(json!({ "Transfer-Encoding": "chunked" }))),
        ("a header that says another method", with(json!({ "X-HTTP-Method-Override": "DELETE" }))),
        ("a header that says on whose behalf", with(json!({ "X-Forwarded-For": "127.0.0.1" }))),
        ("a line break in a header", with(json!({ "x-a": "1\r\nHost: evil.example" }))),
        ("a line break in a header's name", with(json!({ "x-a: 1\r\nhost": "evil.example" }))),
    ]
    .into_iter()
    .map(|(name, steps)| Case::steps("egress", name, steps, Expect::Answers(refused)))
    .collect()
}

fn effects(place: &Place) -> Vec<Case> {
    let class = "effect id";
    let own = place.request("reaches", json!({})).effect_id.to_string();
    assert_eq!(own, "task-1/1.0");
    vec![
        Case::steps(
            class,
            "a key of its own choice for a request",
            json!([["fetch", "GET", "https://api.example.com/", {"Idempotency-Key": "task-9/9.9"}]]),
            Expect::Answers(refused),
        ),
        Case::arguments(
            class,
            "an effect id among the arguments",
            json!({ "effect_id": "task-9/9.9", "effect-id": "task-9/9.9", "do": [["effect-id"]] }),
            Expect::Answers(|value| value[0]["ok"] == "task-1/1.0"),
        ),
        Case::steps(
            class,
            "an effect id for a tool that it calls",
            json!([["tool", "reaches", {"effect_id": "task-9/9.9", "do": [["effect-id"]]}]]),
            Expect::Answers(|value| value[0]["ok"][0]["ok"] == "task-1/1.0-1"),
        ),
        Case::steps(
            class,
            "random bytes of another call",
            json!([["random", 8], ["tool", "reaches", {"do": [["random", 8]]}]]),
            Expect::Answers(|value| value[0]["ok"] != value[1]["ok"][0]["ok"]),
        ),
        Case::steps(
            class,
            "the table of another tenant, by its keys",
            json!([
                ["kv.get", "../t-other/736563726574"],
                ["kv.get", "secret"],
                ["kv.get", "..\u{0}"],
                ["kv.keys", ""],
                ["kv.keys", "../"]
            ]),
            Expect::Answers(|value| value[1]["ok"].is_null() && value[4]["ok"] == json!([])),
        ),
        Case::steps(
            class,
            "keys that no table has",
            json!([
                ["kv.put", "", "x"],
                ["kv.put", "k".repeat(200), "x"],
                ["kv.put", "big", "x", 70_000],
                ["kv.delete", ""]
            ]),
            Expect::Answers(|value| {
                value.as_array().is_some_and(|all| all.iter().all(|one| one["err"].is_string()))
            }),
        ),
    ]
}
