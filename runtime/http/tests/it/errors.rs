//! Refusals and breakdowns: each is a problem, and the server lives on.

use playhouse_api::{ApiError, ApiErrorKind};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Server};

#[tokio::test]
async fn every_kind_of_refusal_has_its_status() {
    let server = Server::start().await;
    for (kind, status) in [
        (ApiErrorKind::BadRequest, 400),
        (ApiErrorKind::Unauthenticated, 401),
        (ApiErrorKind::NotFound, 404),
        (ApiErrorKind::Conflict, 409),
        (ApiErrorKind::TooLarge, 413),
        (ApiErrorKind::TooBusy, 429),
        (ApiErrorKind::Unavailable, 503),
        (ApiErrorKind::StorageFull, 507),
        (ApiErrorKind::Internal, 500),
    ] {
        server.fake.refuse_next(ApiError::new(kind, "because"));
        let answer = server.get("/v1/tasks").await;
        let detail = answer.problem(status);
        assert_eq!(detail == "because", status != 500, "{detail}");
        assert_eq!(answer.header("retry-after").is_some(), matches!(status, 429 | 503));
    }
}

#[tokio::test]
async fn a_busy_runtime_says_when_to_come_back_in_seconds_rounded_up_and_in_milliseconds() {
    let server = Server::start().await;
    server.fake.refuse_next(ApiError::new(ApiErrorKind::TooBusy, "full").retry_after(1001));
    let answer = server.post("/v1/tasks", json!({"agent": "helper", "input": "x"})).await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.header("retry-after-ms"), Some("1001"));
}

#[tokio::test]
async fn a_panic_in_the_runtime_is_a_500_without_internals_and_the_server_lives() {
    let server = Server::start().await;
    for _ in 0..3 {
        let answer = server.post("/v1/tasks", json!({"agent": "clumsy", "input": "x"})).await;
        answer.problem(500);
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
    server.submit("still here").await;
}

#[tokio::test]
async fn an_unknown_route_is_a_404_problem() {
    let server = Server::start().await;
    for path in ["/v1/nothing", "/v1/tasks/", "/v1", "//", "/v1/tasks/t1/events/more"] {
        server.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_405_problem_that_lists_the_right_ones() {
    let server = Server::start().await;
    let answer = Answer::of(server.request(Method::PUT, "/v1/tasks")).await;
    answer.problem(405);
    let allow = answer.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    let answer = server.get("/v1/tasks/t1/cancel").await;
    answer.problem(405);
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn a_request_id_is_kept_when_fit_for_a_log_and_made_otherwise() {
    let server = Server::start().await;
    let with_id = async |id: &str| {
        let request = server.request(Method::GET, "/healthz").header("x-request-id", id);
        Answer::of(request).await.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(with_id("abc-1.2:3_4").await, "abc-1.2:3_4");
    for bad in ["", "a b", "\u{1b}[31m", "a\"b", &"x".repeat(129)] {
        let made = with_id(&bad.replace('\u{1b}', "~")).await;
        assert!(made.len() == 32 && made.chars().all(|c| c.is_ascii_hexdigit()), "{made}");
    }
    assert_ne!(with_id("").await, with_id("").await);
}
