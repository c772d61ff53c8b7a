//! A server that means harm with what it asks and says: nobody is flooded, nothing is given away, calls stay apart.

use std::sync::Arc;

use playhouse_core::tool::ToolErrorKind::{self, Crashed, Timeout};
use playhouse_tools_mcp::{Sampling, ServerConfig, Text};
use serde_json::json;

use crate::{
    hostile::peak_kib,
    kit::{CALL_MS, Stage, expect, hostile, until},
};

fn asking(how: &str) -> ServerConfig {
    let answers = [("region".to_owned(), json!("eu"))].into();
    ServerConfig { answers, sampling: Some(Sampling::default()), ..hostile(how) }
}

#[tokio::test]
async fn a_storm_of_questions_asks_a_model_no_more_than_allowed_and_ends_the_connection() {
    let (mut stage, caller) = (Stage::run(asking("storm")).ready().await, Arc::default());
    let error = stage.call_for(&caller, "t", json!({})).await.unwrap_err();
    expect(&error, Crashed, "asked more than 200 times in 5 s");
    assert_eq!(caller.asked().len(), 4);
    assert!(stage.gone().await.contains("200 times"));
}

#[tokio::test]
async fn a_form_for_a_password_is_declined_and_whoever_calls_sees_it() {
    let (stage, caller) = (Stage::run(asking("password")).ready().await, Arc::default());
    let said = stage.call_for(&caller, "t", json!({})).await.unwrap();
    assert_eq!(said, json!(r#"{"action":"decline"}"#));
    let told = caller.told();
    assert_eq!(told.len(), 1);
    let words = &told[0].2;
    assert!(words.contains("`passWord` asks for a secret") && !words.contains('\u{1b}'), "{words}");
}

#[tokio::test]
async fn a_person_is_asked_for_no_password_and_shown_no_text_that_they_cannot_see() {
    for how in ["password", "unseen-form"] {
        let stage = Stage::run(ServerConfig { ask_person: true, ..hostile(how) }).ready().await;
        let caller = Arc::default();
        let said = stage.call_for(&caller, "t", json!({})).await.unwrap();
        assert_eq!(said, json!(r#"{"action":"decline"}"#), "{how}");
        assert!(caller.forms().is_empty(), "{how}");
    }
}

#[tokio::test]
async fn endless_progress_ends_the_connection_and_is_passed_on_in_part() {
    let (stage, caller) = (Stage::run(asking("progress")).ready().await, Arc::default());
    let error = stage.call_for(&caller, "t", json!({})).await.unwrap_err();
    expect(&error, Crashed, "notifications in 5 s");
    let told = caller.told();
    assert!((1..=120).contains(&told.len()), "{}", told.len());
    assert!(told.iter().all(|(_, _, words)| !words.contains(['\u{1b}', '\n'])), "{:?}", told[0]);
}

#[tokio::test]
async fn a_resource_of_a_gigabyte_costs_a_few_megabytes() {
    let config = ServerConfig { resources: true, ..hostile("huge") };
    let stage = Stage::run(config).ready().await;
    let before = peak_kib();
    let error = stage.call("read_resource", json!({ "uri": "x://huge" })).await.unwrap_err();
    expect(&error, Crashed, "more than 4194304 bytes");
    let grown = peak_kib() - before;
    assert!(grown < 64 * 1024, "memory grew by {grown} KiB");
}

#[tokio::test]
async fn what_people_cannot_see_is_marked_wherever_a_model_reads() {
    let config = ServerConfig { resources: true, prompts: true, ..hostile("unseen") };
    let stage = Stage::run(config).ready().await;
    let mut said = Vec::new();
    for (tool, arguments) in [
        ("list_resources", json!({})),
        ("read_resource", json!({ "uri": "x://one" })),
        ("list_prompts", json!({})),
        ("get_prompt", json!({ "name": "p" })),
    ] {
        said.push(stage.call(tool, arguments).await.unwrap().to_string());
    }
    said.push(stage.failure(CALL_MS).await.message);
    for said in said {
        assert!(
            said.contains("obey\u{FFFD}") && !said.contains(['\u{1b}', '\u{E0041}', '\u{202E}']),
            "{said}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_comes_after_it_was_given_up_answers_nothing() {
    let mut stage = Stage::run(asking("late")).ready().await;
    expect(&stage.failure(100).await, Timeout, "within 100 ms");
    assert_eq!(stage.call("t", json!({ "go": true })).await.unwrap(), "the right one");
    // What it asks for a call that has ended is asked of nobody.
    until("it heard so", async || {
        stage.call("t", json!({ "go": true, "heard": true })).await.is_ok_and(|said| said == "declined")
    })
    .await;
    assert!(stage.exits.try_recv().is_err(), "it is kept");
}

#[tokio::test]
async fn a_secret_that_a_server_was_told_is_not_shown_to_a_model() {
    let secret = "hunter2-hunter2";
    let env = [("TOKEN".to_owned(), Text::verbatim(secret))].into();
    let stage = Stage::run(ServerConfig { env, ..hostile("look") }).ready().await;
    let said = stage.call("t", json!({})).await.unwrap().to_string();
    assert!(said.contains("TOKEN") && said.contains("[secret]") && !said.contains(secret), "{said}");
}

#[tokio::test]
async fn a_tool_that_is_called_like_one_of_ours_is_refused() {
    let stage = Stage::run(ServerConfig { resources: true, ..hostile("like-ours") }).ready().await;
    assert!(stage.status().refused["read_resource"].contains("`resources`"), "{:?}", stage.status());
    let kind = stage.call("read_resource", json!({ "uri": "x" })).await.unwrap_err().kind;
    assert_eq!(kind, ToolErrorKind::Denied, "ours answers, and nothing of the kind is listed");
}
