//! What a component that was adapted finds around itself, and how its calls end.

use playhouse_assembly::tools::Allow;
use playhouse_core::tool::{EffectClass, ToolErrorKind};
use playhouse_ports::ToolBox;
use serde_json::json;

use crate::house::{House, NAME};

#[tokio::test]
async fn a_component_that_makes_no_requests_is_pure_and_answers_what_it_is_asked() {
    let house = House::with("greets", Allow::default());
    let spec = &house.tools.specs()[0];
    assert_eq!((spec.name.as_str(), spec.effect), (NAME, EffectClass::Pure));
    let headers = json!([{"name": "x-a", "value": "1"}]);
    let answer = house
        .call(json!({"method": "PUT", "path": "/a?b=c", "headers": headers, "body": "é"}))
        .await
        .unwrap();
    assert_eq!(answer, json!({"status": 201, "headers": headers, "body": "Method::Put /a?b=c é"}));
    let answer = house.call(json!({"path": "/bytes"})).await.unwrap();
    assert_eq!(answer, json!({"status": 200, "headers": [], "body_base64": "//4="}));
}

#[tokio::test]
async fn arguments_that_are_no_request_are_refused_before_the_component_sees_them() {
    let house = House::with("greets", Allow::default());
    for arguments in [
        json!({}),
        json!({"path": "a"}),
        json!({"path": "http://example.com/"}),
        json!({"path": "/a b"}),
        json!({"path": "/", "method": "get it"}),
        json!({"path": "/", "cookies": []}),
    ] {
        let refused = house.call(arguments.clone()).await.unwrap_err();
        assert_eq!(refused.kind, ToolErrorKind::InvalidInput, "{arguments}: {refused}");
    }
}

#[tokio::test]
async fn there_is_nothing_around_it_and_a_sleep_takes_no_time() {
    let house = House::with("relays", Allow { http: one_place(), ..Allow::default() });
    for (path, said) in [
        ("/surroundings", "0 0 true"),
        ("/sleep", "slept true, wall clock moved false"),
        ("/headers", "false false false false true"),
        ("/print", "printed"),
        ("/large", "refused"),
    ] {
        let answer = house.post(path, "a |line\nand half of one").await.unwrap();
        assert_eq!(answer["body"], said, "{path}");
    }
    let random = house.post("/random", "").await.unwrap();
    assert_eq!(random, house.post("/random", "").await.unwrap(), "a call that is repeated gets the same");
    assert_eq!(random["body"].as_str().unwrap().split(", ").count(), 1_000);
}

#[tokio::test]
async fn no_socket_is_opened_and_no_name_is_looked_up_and_the_answer_says_so() {
    let house = House::with("dials", Allow::default());
    assert_eq!(house.tools.specs()[0].effect, EffectClass::Pure);
    let answer = house.post("/", "").await.unwrap();
    let body = answer["body"].as_str().unwrap();
    assert!(body.matches("access-denied").count() == 3 && !body.contains("Ok"), "{answer}");
    let problems = answer["problems"].as_array().unwrap();
    assert_eq!(
        problems[0],
        "the address of `example.com`: no tool opens sockets; requests go by `wasi:http`"
    );
    assert_eq!(problems.len(), 3);
}

#[tokio::test]
async fn a_component_that_does_not_answer_fails_with_the_reason() {
    let house = House::with("relays", Allow { http: one_place(), ..Allow::default() });
    for (path, reason) in [
        ("/silent", "returned without an answer"),
        ("/half", "did not finish the body of its answer"),
        ("/error", "answered with an error: ErrorCode::LoopDetected"),
    ] {
        let failed = house.post(path, "").await.unwrap_err();
        assert!(
            failed.kind == ToolErrorKind::Failed && failed.message.contains(reason),
            "{path}: {failed:?}"
        );
    }
    assert_eq!(house.post("/exit", "").await.unwrap_err().kind, ToolErrorKind::Crashed);
    assert_eq!(house.post("/spin", "").await.unwrap_err().kind, ToolErrorKind::OutOfFuel);
    assert_eq!(
        house.post("/print", "").await.unwrap()["body"],
        "printed",
        "and the next call is as good as the first"
    );
}

#[tokio::test]
async fn a_component_with_the_whole_standard_library_of_rust_finds_a_world_that_is_empty() {
    let house = House::with("wanders", Allow::default());
    assert_eq!(house.tools.specs()[0].effect, EffectClass::Idempotent);
    let answer = house.call(json!({"path": "/"})).await.unwrap();
    assert_eq!(answer["body"], "0 0 true Err(NotFound) true", "{answer}");
}

/// Some place, so that the component may be loaded.
fn one_place() -> playhouse_core::egress::HttpGrant {
    crate::house::allowing(vec![crate::house::rule("localhost:1", true)]).http
}
