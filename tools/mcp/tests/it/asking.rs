//! What a server may ask and say while a call is under way, and what it is answered.

use std::sync::Arc;

use playhouse_core::{
    message::Message,
    tool::{EffectClass, ToolErrorKind},
};
use playhouse_ports::ToolBox;
use playhouse_tools_mcp::{Sampling, ServerConfig};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    good::http,
    kit::{CALL_MS, Stage, Witness, expect, hostile, request, stdio, until},
};

/// The same server with answers to its form, and a model.
fn open(config: ServerConfig) -> ServerConfig {
    let answers = [("sure".to_owned(), json!(true))].into();
    ServerConfig { answers, sampling: Some(Sampling { max_tokens: 8, questions: 2 }), ..config }
}

#[tokio::test]
async fn a_server_that_asks_is_declined_by_default() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    let caller = Arc::default();
    let said = stage.call_for(&caller, "ask", json!({})).await.unwrap();
    assert!(said["elicited"]["error"].is_string() || said["elicited"]["action"] == "decline", "{said}");
    assert!(said["sampled"][0]["error"].is_string(), "{said}");
    assert!(caller.asked().is_empty());
}

/// It is answered by its operator and by the model of whoever calls it, who is told.
async fn answers(config: ServerConfig) {
    let stage = Stage::run(open(config)).ready().await;
    let caller = Arc::default();
    let said = stage.call_for(&caller, "ask", json!({ "text": "hi", "times": 3 })).await.unwrap();
    assert_eq!(said["elicited"], json!({ "action": "accept", "content": { "sure": true } }));
    assert_eq!((&said["sampled"][0]["text"], &said["sampled"][1]["text"]), (&json!("HI"), &json!("HI")));
    assert!(said["sampled"][2]["error"].as_str().unwrap().contains("2 times"), "{said}");
    let asked = caller.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        (asked[0].max_tokens, &asked[0].messages[..]),
        (8, &[Message::User { content: "hi".into() }][..])
    );
    let told = caller.told();
    assert_eq!(told, [(0, 0, "s asks \u{201C}Really?\u{201D}: told `sure`".to_owned())]);
    let nobody = stage.call("ask", json!({})).await.unwrap();
    assert!(nobody["sampled"][0]["error"].as_str().unwrap().contains("nobody"), "{nobody}");
}

#[tokio::test]
async fn a_server_is_answered_within_its_policy_over_stdio() {
    answers(stdio("official", &[])).await;
}

#[tokio::test]
async fn a_server_is_answered_within_its_policy_over_http() {
    let mut jobs = JoinSet::new();
    answers(http(&mut jobs).await).await;
}

#[tokio::test]
async fn a_server_of_the_newest_protocol_asks_in_its_answer() {
    let config =
        ServerConfig { answers: [("region".to_owned(), json!("eu"))].into(), ..hostile("modern-asks") };
    let stage = Stage::run(ServerConfig { sampling: Some(Sampling::default()), ..config }).ready().await;
    let caller = Arc::default();
    let said = stage.call_for(&caller, "t", json!({})).await.unwrap();
    let said: serde_json::Value = serde_json::from_str(said.as_str().unwrap()).unwrap();
    assert_eq!(said["form"], json!({ "action": "accept", "content": { "region": "eu" } }));
    assert_eq!(said["model"]["content"]["text"], "WHO?");
    assert_eq!((caller.asked().len(), caller.told().len()), (1, 1));
}

/// Each of many calls at once has its own model asked, and no other.
async fn asks_the_right_one(config: ServerConfig) {
    let stage = Stage::run(open(config)).ready().await;
    let callers: Vec<Arc<Witness>> = (0..6).map(|_| Arc::default()).collect();
    let calls = callers.iter().enumerate().map(|(n, caller)| {
        let words = format!("question {n}");
        let stage = &stage;
        async move {
            let said = stage.call_for(caller, "ask", json!({ "text": words })).await.unwrap();
            assert_eq!(said["sampled"][0]["text"], words.to_uppercase());
            let asked = caller.asked();
            assert!(asked.len() == 1 && asked[0].messages == [Message::User { content: words }], "{asked:?}");
        }
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn questions_of_calls_at_once_reach_each_its_own_caller_over_stdio() {
    asks_the_right_one(stdio("official", &[])).await;
}

#[tokio::test]
async fn questions_of_calls_at_once_reach_each_its_own_caller_over_http() {
    let mut jobs = JoinSet::new();
    asks_the_right_one(http(&mut jobs).await).await;
}

#[tokio::test]
async fn a_model_does_not_think_on_for_a_call_that_has_ended() {
    let stage = Stage::run(open(stdio("official", &[]))).ready().await;
    let caller = Arc::new(Witness { slow: true, ..Witness::default() });
    let late = stage.tools.metered(request("ask", json!({}), 300), caller.clone()).await.result.unwrap_err();
    expect(&late, ToolErrorKind::Timeout, "within 300 ms");
    until("the thought is dropped", async || caller.given_up.load(std::sync::atomic::Ordering::SeqCst) == 1)
        .await;
    assert_eq!(stage.call("echo", json!({ "text": "still here" })).await.unwrap(), "still here");
}

#[tokio::test]
async fn whoever_calls_is_told_how_far_it_is() {
    let mut jobs = JoinSet::new();
    for config in [stdio("official", &[]), http(&mut jobs).await] {
        let (stage, caller) = (Stage::run(config).ready().await, Arc::default());
        stage.call_for(&caller, "chatty", json!({ "ms": 100 })).await.unwrap();
        let steps: Vec<u64> = caller.told().iter().map(|(done, _, _)| *done).collect();
        assert!(steps.len() > 3 && steps.is_sorted() && steps[0] == 0, "{steps:?}");
    }
}

#[tokio::test]
async fn resources_and_prompts_are_tools_when_they_are_asked_for() {
    let mut jobs = JoinSet::new();
    for config in [stdio("official", &[]), http(&mut jobs).await] {
        let stage = Stage::run(ServerConfig { resources: true, prompts: true, ..config }).ready().await;
        let specs = stage.tools.specs();
        let effect = |name: &str| specs.iter().find(|spec| spec.name == name).unwrap().effect;
        assert_eq!(effect("s__read_resource"), EffectClass::Idempotent);
        assert!(specs.is_sorted_by(|a, b| a.name < b.name));
        stage.tools.permits("s__get_prompt", &Default::default()).unwrap();
        let listed = stage.call("list_resources", json!({})).await.unwrap();
        let memo = json!({ "uri": "memo://one", "name": "one", "description": "A memo.", "mime_type": "text/plain" });
        assert_eq!(listed["resources"], json!([memo, { "uri_template": "memo://{name}", "name": "memos" }]));
        let read = async |uri: &str| stage.call("read_resource", json!({ "uri": uri })).await;
        assert_eq!(read("memo://one").await.unwrap()[0]["text"], "buy milk");
        expect(&read("memo://two").await.unwrap_err(), ToolErrorKind::NotFound, "no memo memo://two");
        expect(&read("memo://long").await.unwrap_err(), ToolErrorKind::BadOutput, "bytes");
        for unlisted in ["file:///etc/passwd", "memo://a/b", "memo://..", ""] {
            expect(&read(unlisted).await.unwrap_err(), ToolErrorKind::Denied, "fits no template");
        }
        let prompts = stage.call("list_prompts", json!({ "from": 0 })).await.unwrap();
        let who = json!([{ "name": "who", "required": true }]);
        assert_eq!(
            prompts["prompts"],
            json!([{ "name": "greet", "description": "Greets.", "arguments": who }])
        );
        let asked = json!({ "name": "greet", "arguments": { "who": "Ada" } });
        let prompt = stage.call("get_prompt", asked).await.unwrap();
        assert_eq!(
            (&prompt[0]["role"], &prompt[0]["content"]["text"]),
            (&json!("user"), &json!("Greet Ada."))
        );
        let unfit = stage.call("get_prompt", json!({ "name": "greet", "arguments": { "who": 1 } })).await;
        expect(&unfit.unwrap_err(), ToolErrorKind::InvalidInput, "who");
    }
}

#[tokio::test]
async fn without_leave_there_are_no_such_tools() {
    let stage = Stage::run(stdio("official", &[])).ready().await;
    for tool in ["list_resources", "read_resource", "list_prompts", "get_prompt"] {
        expect(&stage.call(tool, json!({})).await.unwrap_err(), ToolErrorKind::UnknownTool, "no tool");
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_lets_its_server_end_in_order() {
    let stage = Stage::run(hostile("farewell")).ready().await;
    let (tools, work) = (stage.tools.clone(), stage.work());
    let folder = stage.folder.clone();
    assert_eq!(stage.call_within("t", json!({}), CALL_MS).await.unwrap(), "ok");
    drop(stage);
    tools.close().await;
    assert_eq!(std::fs::read_to_string(work.join("farewell")).unwrap(), "stdin was closed");
    drop(folder);
}
