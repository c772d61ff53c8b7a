//! Every class of failure as a row.

use super::*;

fn place() -> Place {
    Place {
        alias: "fast".into(),
        host: "api.example".into(),
        key_env: Some("FAST_KEY".into()),
        secret: Some(Secret::new("sk-canary-0123456789")),
    }
}

fn error(code: &str, kind: &str, message: &str) -> String {
    serde_json::json!({ "error": { "message": message, "type": kind, "code": code, "param": null } })
        .to_string()
}

#[test]
fn status_and_body_together_name_the_kind() {
    let table = [
        (400, error("", "invalid_request_error", "bad"), Kind::BadRequest),
        (404, error("model_not_found", "invalid_request_error", "no such model"), Kind::BadRequest),
        (422, r#"{"detail":[{"msg":"field required"}]}"#.into(), Kind::BadRequest),
        (400, error("context_length_exceeded", "invalid_request_error", "too long"), Kind::ContextOverflow),
        (400, error("400", "exceed_context_size_error", "too long"), Kind::ContextOverflow),
        (
            400,
            r#"{"message":"This model's maximum context length is 8192 tokens."}"#.into(),
            Kind::ContextOverflow,
        ),
        (400, error("content_filter", "", "no"), Kind::ContentFilter),
        (400, error("invalid_api_key", "", "no"), Kind::Auth),
        (401, error("", "invalid_request_error", "no"), Kind::Auth),
        (403, String::new(), Kind::Auth),
        (402, String::new(), Kind::Quota),
        (429, error("insufficient_quota", "insufficient_quota", "no money"), Kind::Quota),
        (429, error("rate_limit_exceeded", "requests", "slow down"), Kind::RateLimited),
        (408, String::new(), Kind::Unavailable),
        (409, String::new(), Kind::Unavailable),
        (500, "<html><title>Oops</title></html>".into(), Kind::Unavailable),
        (503, String::new(), Kind::Unavailable),
        (529, error("", "overloaded_error", "busy"), Kind::Unavailable),
        (413, String::new(), Kind::BadRequest),
    ];
    for (status, body, kind) in table {
        let error = place().refused(status, &Advice::default(), body.as_bytes());
        assert_eq!(error.kind, kind, "{status} {body}: {}", error.message);
    }
}

#[test]
fn an_error_inside_an_answer_is_understood_without_a_status() {
    let table = [
        (error("", "server_error", "oops"), Kind::Unavailable),
        (error("", "whatever", "oops"), Kind::Unavailable),
        (error("", "rate_limit_error", "slow"), Kind::RateLimited),
        (error("", "invalid_request_error", "bad"), Kind::BadRequest),
        (r#"{"error":{"code":429,"message":"slow"}}"#.into(), Kind::RateLimited),
        (r#"[{"error":{"code":401,"message":"who?"}}]"#.into(), Kind::Auth),
        (r#"{"error":"something broke"}"#.into(), Kind::Unavailable),
        ("not json".into(), Kind::Unavailable),
    ];
    for (body, kind) in table {
        assert_eq!(place().reported(&Detail::of(body.as_bytes())).kind, kind, "{body}");
    }
}

#[test]
fn the_advice_of_the_provider_decides_what_is_tried_again() {
    let kind = |status, should_retry, after_ms| {
        let error = place().refused(status, &Advice { should_retry, after_ms, request_id: None }, b"");
        (error.kind, error.retry_after_ms)
    };
    assert_eq!(kind(429, None, Some(120_000)), (Kind::RateLimited, Some(120_000)));
    assert_eq!(kind(429, None, Some(120_001)), (Kind::Quota, Some(120_001)));
    assert_eq!(kind(503, None, Some(3_600_000)), (Kind::Quota, Some(3_600_000)));
    assert_eq!(kind(429, Some(false), None), (Kind::Quota, None));
    assert_eq!(kind(500, Some(false), None), (Kind::BadRequest, None));
    assert_eq!(kind(400, Some(true), None), (Kind::Unavailable, None));
    assert_eq!(kind(401, Some(true), None), (Kind::Auth, None));
}

#[test]
fn a_message_says_what_happened_where_and_what_to_do() {
    let body = error("", "", "Incorrect API key provided: sk-canary-0123456789.");
    let advice = Advice { request_id: Some("req_1".into()), ..Advice::default() };
    assert_eq!(
        place().refused(401, &advice, body.as_bytes()).message,
        "model `fast` at api.example answered with status 401: Incorrect API key provided: [redacted]; \
         check the key in the environment variable `FAST_KEY` (request id req_1)"
    );
}

#[test]
fn a_key_does_not_leak_where_words_are_cut() {
    let padding = "x".repeat(WORDS_CHARS_MAX - 10);
    let error =
        place().refused(500, &Advice::default(), format!("{padding} sk-canary-0123456789").as_bytes());
    assert!(!error.message.contains("sk-can"), "{}", error.message);
    let cut_by_network = place().refused(500, &Advice::default(), b"key: sk-canary-012");
    assert!(!cut_by_network.message.contains("sk-can"), "{}", cut_by_network.message);
}

#[test]
fn an_error_page_is_read_as_its_text() {
    let page = b"<!DOCTYPE html><html><style>p{}</style><h1>502</h1>\n<p>Bad   Gateway</p></html>";
    let message = place().refused(502, &Advice::default(), page).message;
    assert!(message.contains("status 502: 502 Bad Gateway; try again later"), "{message}");
}
