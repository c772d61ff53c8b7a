//! The supervision tree on the wire.

use playhouse_api::{ApiError, ApiErrorKind};
use playhouse_core::id::Tenant;
use playhouse_http::{ApiKey, Options};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Server};

#[tokio::test]
async fn the_tree_is_shown_with_what_each_actor_says_of_itself() {
    let server = Server::start().await;
    let tree = server.get("/v1/tree").await;
    assert_eq!(
        tree.json(),
        json!({
            "id": "root", "kind": "rest_for_one", "status": "running", "restarts": 0, "up_ms": 7000,
            "children": [{
                "id": "tools", "kind": "actor", "status": "running", "restarts": 2, "last_exit": "a bug",
                "up_ms": 12, "queue_depth": 3, "state": "3 running, 5 waiting", "last_message": "Call",
            }],
            "hidden": 4,
        })
    );
}

#[tokio::test]
async fn the_tree_wants_a_key_where_there_are_keys() {
    let keys = vec![ApiKey::plain("s3cret", Tenant::local())];
    let server = Server::start_with(Options { keys, ..Options::default() }).await;
    server.get("/v1/tree").await.problem(401);
    let with_key = Answer::of(server.request(Method::GET, "/v1/tree").bearer_auth("s3cret")).await;
    assert_eq!(with_key.status, 200);
}

#[tokio::test]
async fn a_tree_that_cannot_be_seen_now_says_when_to_look_again() {
    let server = Server::start().await;
    server.fake.refuse_next(ApiError::new(ApiErrorKind::Unavailable, "it is being started"));
    let answer = server.get("/v1/tree").await;
    assert!(answer.problem(503).contains("being started"));
    assert_eq!(answer.header("retry-after"), Some("1"));
}
