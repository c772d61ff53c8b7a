//! A server's form that a person answers, who may take their time but not more than the call has.

use std::sync::{Arc, atomic::Ordering};

use playhouse_ports::{ToolAnswer, ToolBox};
use playhouse_tools_mcp::{Sampling, ServerConfig};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    good::http,
    kit::{Stage, Witness, hostile, request, stdio},
};

/// Somebody who fills every form in with `answer`, or says no.
fn person(answer: &Value) -> Arc<Witness> {
    let said = answer.as_object().cloned().map_or(ToolAnswer::Declined, ToolAnswer::Filled);
    Arc::new(Witness { person: Some(said), ..Witness::default() })
}

fn open(config: ServerConfig) -> ServerConfig {
    ServerConfig { ask_person: true, ..config }
}

/// What the server heard to its form.
async fn heard(config: ServerConfig, caller: &Arc<Witness>) -> Value {
    let stage = Stage::run(config).ready().await;
    stage.call_for(caller, "ask", json!({})).await.unwrap()["elicited"].clone()
}

#[tokio::test]
async fn a_person_fills_in_what_a_server_asks_over_stdio_and_over_http() {
    let mut jobs = JoinSet::new();
    for config in [stdio("official", &[]), http(&mut jobs).await] {
        let caller = person(&json!({ "sure": false }));
        let said = heard(open(config), &caller).await;
        assert_eq!(said, json!({ "action": "accept", "content": { "sure": false } }));
        let (message, schema) = caller.forms().remove(0);
        assert_eq!((&*message, &schema["properties"]["sure"]["type"]), ("Really?", &json!("boolean")));
        let told: Vec<String> = caller.told().into_iter().map(|(_, _, told)| told).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        assert_eq!(
            told,
            ["s waits for a person: \u{201C}Really?\u{201D}", "s asks \u{201C}Really?\u{201D}: told `sure`"]
        );
    }
}

#[tokio::test]
async fn a_server_of_the_newest_protocol_hears_a_person_too() {
    let config = ServerConfig { sampling: Some(Sampling::default()), ..open(hostile("modern-asks")) };
    let (stage, caller) = (Stage::run(config).ready().await, person(&json!(null)));
    let said = stage.call_for(&caller, "t", json!({})).await.unwrap();
    let said: Value = serde_json::from_str(said.as_str().unwrap()).unwrap();
    assert_eq!((&said["form"]["action"], &*caller.forms()[0].0), (&json!("decline"), "Where?"));
}

#[tokio::test]
async fn a_person_may_say_no_and_is_not_asked_what_the_operator_has_answered() {
    let caller = person(&json!(null));
    assert_eq!(heard(open(stdio("official", &[])), &caller).await["action"], "decline");
    assert!(caller.told().last().unwrap().2.contains("declined: a person said no"));
    let answers = [("sure".to_owned(), json!(true))].into();
    let config = ServerConfig { answers, ..open(stdio("official", &[])) };
    let caller = person(&json!(null));
    assert_eq!(heard(config, &caller).await["content"], json!({ "sure": true }));
    assert!(caller.forms().is_empty());
    let caller = person(&json!({ "sure": true }));
    let said = heard(stdio("official", &[]), &caller).await;
    assert!(said["action"] != "accept" && caller.forms().is_empty(), "not without leave: {said}");
}

#[tokio::test]
async fn a_form_that_nobody_answers_is_declined_while_the_call_still_has_time() {
    let stage = Stage::run(open(stdio("official", &[]))).ready().await;
    let caller: Arc<Witness> = Arc::default();
    let called = stage.tools.metered(request("ask", json!({}), 2_500), caller.clone()).await;
    let said = called.result.expect("the call ends by itself");
    assert_eq!(said["elicited"]["action"], "decline");
    assert_eq!(caller.given_up.load(Ordering::SeqCst), 1, "the form was taken back");
    assert!(caller.told().last().unwrap().2.contains("no person answered in time"));
}
