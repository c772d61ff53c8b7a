//! Each provider, and what goes wrong with them.

use playhouse_tool::http::Response;
use playhouse_tool::serde_json::Value;
use playhouse_tool::testing::Host;
use playhouse_tool::{Kind, json};

use super::*;

fn host(provider: &str, url: &str, answer: &Value) -> Host {
    let page = Response { status: 200, body: answer.to_string().into_bytes(), ..Response::default() };
    Host::new().kv([("provider", provider), ("endpoint", "https://s.example/q")]).answer_http(url, page)
}

fn check(host: &Host, expected: &str) {
    let answer =
        host.call::<Search>(r#"{"query": "a b", "count": 2}"#).unwrap_or_else(|wrong| wrong.to_string());
    assert_eq!(answer, expected);
}

#[test]
fn each_provider_is_asked_and_understood_in_its_way() {
    let hit = |field: &str| json!({"title": " T ", "url": "https://x/", field: "S"});
    let found = r#"{"results":[{"title":"T","url":"https://x/","snippet":"S"}]}"#;
    let searxng = json!({"results": [hit("content"), {"title": "no address"}]});
    check(&host("searxng", "https://s.example/q?q=a%20b&format=json", &searxng), found);
    let brave = json!({"web": {"results": [hit("description")]}});
    check(&host("brave", "https://s.example/q?q=a%20b&count=2", &brave), found);
    let tavily = host("tavily", "https://s.example/q", &json!({"results": [hit("content")]}));
    check(&tavily, found);
    assert_eq!(tavily.requests()[0].body, br#"{"max_results":2,"query":"a b"}"#);
    check(&host("brave", "https://s.example/q?q=a%20b&count=2", &json!({"query": {}})), r#"{"results":[]}"#);
}

#[test]
fn the_secret_goes_by_name() {
    let host = host("tavily", "https://s.example/q", &json!({"results": []}))
        .kv([("secret", "key")])
        .secret("key", "hush");
    check(&host, r#"{"results":[]}"#);
    assert_eq!(host.requests()[0].secrets, ["key"]);
}

#[test]
fn what_is_not_configured_or_does_not_answer_is_said() {
    let none = Host::new().kv([("x", "y")]);
    check(
        &none,
        "web search is not configured: the operator has to put `provider` into the table of this tool",
    );
    let odd = host("altavista", "", &json!({}));
    check(
        &odd,
        "web search is configured wrongly: `provider` is `altavista`, not `searxng`, `brave` or `tavily`",
    );
    let shape = host("tavily", "https://s.example/q", &json!({"web": []}));
    check(&shape, "the search provider answered in another shape than Tavily does: check `provider`");
    let busy = Response { status: 429, ..Response::default() };
    let busy = host("tavily", "", &json!({})).answer_http("https://s.example/q", busy);
    assert_eq!(busy.call::<Search>(r#"{"query": "a"}"#).expect_err("busy").kind, Kind::Unavailable);
}

#[test]
fn long_results_and_many_are_cut() {
    let hit = json!({"title": "é".repeat(1_000), "url": "https://x/", "content": "x".repeat(9_000)});
    let host = host("tavily", "https://s.example/q", &json!({"results": vec![hit; 50]}));
    let answer = host.run(|| search("a".into(), Some(99))).expect("found");
    assert_eq!(answer.results.len(), 20);
    assert!(answer.results.iter().all(|found| found.title.len() <= 300 && found.snippet.len() <= 1_000));
}

#[test]
fn garbage_is_an_error_at_worst() {
    for text in shared::garbage(300) {
        for provider in ["searxng", "brave", "tavily"] {
            let page = Response { status: 200, body: text.clone().into_bytes(), ..Response::default() };
            let host = Host::new().kv([("provider", provider), ("endpoint", &text)]).answer_http(&text, page);
            let _answer = host.call::<Search>(&json!({"query": text}).to_string());
        }
    }
}
