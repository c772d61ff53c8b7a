//! What the daemon says of itself: health, the front page, the OpenAPI description.

use std::collections::BTreeSet;

use playhouse_http::endpoints;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

#[tokio::test]
async fn a_process_that_is_up_is_healthy_even_when_it_cannot_take_work() {
    let server = Server::start().await;
    assert_eq!(
        server.get("/readyz").await.json(),
        json!({"ready": true, "live_tasks": 0, "queued_tasks": 0})
    );
    server.fake.not_ready("the model is still loading");
    assert_eq!(server.get("/healthz").await.body, "ok\n");
    let answer = server.get("/readyz").await;
    assert!(answer.problem(503).contains("the model is still loading"));
    assert_eq!(answer.json()["problems"], json!(["the model is still loading"]));
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn the_front_page_lists_every_endpoint() {
    let server = Server::start().await;
    let page = server.get("/").await;
    assert_eq!(page.header("content-type"), Some("text/plain; charset=utf-8"));
    for endpoint in endpoints() {
        assert!(page.body.contains(endpoint.path) && page.body.contains(endpoint.about), "{endpoint:?}");
    }
}

/// `METHOD path` of everything described.
fn described(openapi: &Value) -> BTreeSet<String> {
    let methods = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let operations = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        operations.into_iter().map(move |method| format!("{} {path}", method.to_uppercase()))
    };
    openapi["paths"].as_object().unwrap().iter().flat_map(methods).collect()
}

#[tokio::test]
async fn the_description_and_the_router_agree_on_every_route() {
    let server = Server::start().await;
    let openapi = server.get("/openapi.json").await.json();
    let routes = endpoints().iter().map(|e| format!("{} {}", e.method, e.path)).collect::<BTreeSet<_>>();
    assert_eq!(described(&openapi), routes);
    for endpoint in endpoints() {
        let path = endpoint.path.replace("{id}", "x").replace("{topic}", "x").replace("{name}", "x");
        let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
        let answer = Answer::of(server.request(method, &path)).await;
        assert!(answer.status != 405 && !answer.body.contains("there is nothing at"), "{path}");
    }
}

/// Calls `visit` with every object in `value`.
fn walk(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(map);
            map.values().for_each(|value| walk(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

#[tokio::test]
async fn every_schema_that_is_referred_to_is_there() {
    let openapi: Value = serde_json::from_str(&playhouse_http::openapi_json()).unwrap();
    walk(&openapi, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(openapi.pointer(pointer).is_some(), "{reference}");
        }
    });
    for name in ["Task", "TaskSummary", "Submit", "Record", "Delta", "Session", "Problem", "Status"] {
        assert!(openapi["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_and_how_it_fails() {
    let openapi: Value = serde_json::from_str(&playhouse_http::openapi_json()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(operation["summary"].is_string(), "{path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{path}");
            let responses = operation["responses"].as_object().unwrap();
            if path == "/v1/chat/completions" {
                // Fails in OpenAI's words.
                assert!(responses.contains_key("4XX") && responses.contains_key("5XX"));
                continue;
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{path} {status}");
            }
            let fails =
                ["400", "401", "403", "500", "503"].iter().all(|status| responses.contains_key(*status));
            assert_eq!(fails, path.starts_with("/v1/"), "{path}");
        }
    }
}
