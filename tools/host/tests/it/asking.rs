//! What a call may ask the task's model, how much it may reach, and what its receipt says of both.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use playhouse_core::grant::{Bounds, Capability, LabelRule, ModelGrant};
use playhouse_core::id::EffectId;
use playhouse_core::labels::Labels;
use playhouse_core::message::{Assistant, Message};
use playhouse_core::model::{Finish, Reply, Usage};
use playhouse_core::tool::{
    Called, EffectClass, Grant, Reach, Receipt, ToolError, ToolErrorKind, ToolProgress, ToolRequest,
};
use playhouse_ports::egress::Secret;
use playhouse_ports::{ToolBox, ToolCaller, ToolQuestion, nobody};
use playhouse_tools_host::{Allow, Config, LoadError, SecretUse, ToolConfig, WasmToolBox};
use serde_json::{Value, json};

use crate::support::{base, hostile, request, tool};

const KEY: &str = "sk-test-0123456789";

/// A task whose model answers with what it was told, and with a secret it knows from elsewhere.
#[derive(Default)]
struct Parrot(Mutex<Vec<ToolQuestion>>);

#[async_trait]
impl ToolCaller for Parrot {
    fn progress(&self, _: ToolProgress) {}

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        let content = match question.messages.last() {
            Some(Message::User { content }) => format!("{content}, said the parrot with {KEY}"),
            other => panic!("a question ends with a prompt: {other:?}"),
        };
        self.0.lock().expect("no test panics in here").push(question);
        Ok(Reply {
            message: Assistant { content, ..Assistant::default() },
            usage: Usage::default(),
            finish: Finish::Stop,
            model: "parrot".into(),
        })
    }
}

const GRANTED: ModelGrant = ModelGrant { questions: 1, max_tokens: 100 };

/// A tool box with `touches`, which does one thing per call.
fn tools(change: impl FnOnce(&mut Allow)) -> Result<WasmToolBox, LoadError> {
    let notes = BTreeMap::from([("a".to_owned(), "x".repeat(50)), ("b".to_owned(), String::new())]);
    let secret = SecretUse { value: Secret::new(KEY), header: None, sign: true };
    let mut allow =
        Allow { model: Some(GRANTED), secrets: [("signing".to_owned(), secret)].into(), ..Allow::default() };
    change(&mut allow);
    let tables = [("notes".to_owned(), notes)].into();
    let config = ToolConfig { allow, tables, ..tool(hostile("asks")) };
    WasmToolBox::load(Config { tools: vec![config], ..base() })
}

fn asks(steps: Value) -> ToolRequest {
    let grant = Grant { table: Some("notes".into()), ..Grant::default() };
    ToolRequest { grant, ..request("asks", json!({ "do": steps })) }
}

async fn told(tools: &WasmToolBox, request: ToolRequest) -> Value {
    tools.metered(request, Arc::new(Parrot::default())).await.result.expect("it answers whatever comes of it")
}

#[tokio::test]
async fn a_tool_asks_the_model_as_often_as_it_may_and_sees_no_secret_in_the_answer() {
    let tools = tools(|_| {}).expect("all of it is granted");
    let parrot = Arc::new(Parrot::default());
    let steps = json!([["ask", "Be brief.", "Polly?"], ["ask", "", "again"]]);
    let answers = tools.metered(asks(steps), parrot.clone()).await.result.expect("it answers");
    let first = answers[0].as_str().expect("text");
    assert!(first.starts_with("Polly?, said the parrot with ") && !first.contains(KEY), "{first}");
    assert!(answers[1].as_str().expect("text").contains("may ask the model 1 times"), "{answers}");
    let questions = parrot.0.lock().expect("no panics").clone();
    let system = Message::System { content: "Be brief.".into() };
    let messages = vec![system, Message::user("Polly?")];
    assert_eq!(questions, [ToolQuestion { messages, max_tokens: 100 }], "no more than is granted");
}

#[tokio::test]
async fn asking_a_model_changes_nothing_so_that_a_call_may_be_made_again() {
    let tools = tools(|_| {}).expect("all of it is granted");
    assert_eq!(tools.specs()[0].effect, EffectClass::Idempotent);
}

#[tokio::test]
async fn a_question_with_a_secret_in_it_is_never_asked() {
    let tools = tools(|_| {}).expect("all of it is granted");
    let parrot = Arc::new(Parrot::default());
    for steps in [json!([["ask", KEY, "?"]]), json!([["ask", "", format!("is it {KEY}?")]])] {
        let answers = tools.metered(asks(steps), parrot.clone()).await.result.expect("it answers");
        assert!(answers[0].as_str().expect("text").contains("holds the secret `signing`"), "{answers}");
    }
    assert!(parrot.0.lock().expect("no panics").is_empty());
}

#[tokio::test]
async fn who_may_not_ask_is_told_why() {
    let refused = tools(|allow| allow.model = None).expect_err("nobody lets it ask");
    assert!(refused.to_string().contains("model"), "{refused}");
    let tools = tools(|allow| {
        allow.labels = vec![LabelRule { label: "tool:web".into(), without: [Capability::Model].into() }];
    })
    .expect("all of it is granted");
    let ask = json!([["ask", "", "?"]]);
    let outside = tools.metered(asks(ask.clone()), nobody()).await.result.expect("it answers");
    assert!(outside[0].as_str().expect("text").contains("not part of a task"), "{outside}");
    let from_web = ToolRequest { labels: Labels::of(["tool:web"]), ..asks(ask.clone()) };
    let withheld = told(&tools, from_web).await;
    assert!(withheld[0].as_str().expect("text").contains("comes from `tool:web`"), "{withheld}");
    let narrow = ModelGrant { questions: 0, max_tokens: 1 };
    let request = asks(ask);
    let narrowed = ToolRequest { grant: Grant { model: Some(narrow), ..request.grant.clone() }, ..request };
    assert!(told(&tools, narrowed).await[0].as_str().expect("text").contains("0 times"));
}

async fn receipt(tools: &WasmToolBox, request: ToolRequest) -> Receipt {
    tools.metered(request, nobody()).await.receipt.expect("it ran")
}

#[tokio::test]
async fn the_receipt_says_what_was_reached_and_stands_for_all_that_was_heard() {
    let tools = tools(|_| {}).expect("all of it is granted");
    let get = |key| asks(json!([["get", key]]));
    let (a, again, b) =
        (receipt(&tools, get("a")).await, receipt(&tools, get("a")).await, receipt(&tools, get("b")).await);
    assert_eq!(a.heard, again.heard, "what was heard is the same");
    assert_ne!(a.heard, b.heard);
    assert_eq!(a.reached, Reach { calls: 1, bytes: 51 }, "a key of one byte, a value of fifty");
    let silent = receipt(&tools, asks(json!([]))).await;
    assert_eq!((silent.heard, silent.reached), (None, Reach::default()));
}

async fn refused(tools: &WasmToolBox, request: ToolRequest) -> ToolError {
    tools.metered(request, nobody()).await.result.expect_err("that is too much")
}

#[tokio::test]
async fn a_call_reaches_no_further_than_its_bounds() {
    let get = json!(["get", "a"]);
    let twice = tools(|allow| allow.per_call.calls = Some(2)).expect("all of it is granted");
    assert!(twice.call(asks(json!([get, get]))).await.is_ok());
    let error = refused(&twice, asks(json!([get, get, get]))).await;
    assert_eq!(error.kind, ToolErrorKind::Denied);
    assert!(error.message.contains("2 calls into the host in one call"), "{error}");
    let small = tools(|allow| allow.per_call.bytes = Some(51)).expect("all of it is granted");
    assert!(small.call(asks(json!([get]))).await.is_ok());
    assert!(refused(&small, asks(json!([get, get]))).await.message.contains("51 bytes in one call"));
    // An agent narrows, and never widens.
    let of_agent = |calls| {
        let request = asks(json!([get, get]));
        let per_call = Bounds { calls: Some(calls), bytes: None };
        ToolRequest { grant: Grant { per_call, ..request.grant.clone() }, ..request }
    };
    assert!(refused(&twice, of_agent(1)).await.message.contains("1 call into the host"));
    assert!(refused(&small, of_agent(9)).await.message.contains("51 bytes"));
}

#[tokio::test]
async fn a_task_reaches_no_further_than_its_bounds_however_many_calls_it_makes() {
    let tools = tools(|allow| allow.per_task.calls = Some(3)).expect("all of it is granted");
    let call = |calls| {
        let request = asks(json!([["get", "a"], ["get", "a"]]));
        let effect_id = EffectId::new(&request.task, calls, 0);
        ToolRequest { effect_id, reached: Reach { calls: calls.into(), bytes: 0 }, ..request }
    };
    assert!(tools.call(call(1)).await.is_ok());
    let Called { result, receipt, .. } = tools.metered(call(2), nobody()).await;
    assert!(result.expect_err("the third of them").message.contains("3 calls into the host in one task"));
    assert_eq!(receipt.expect("it ran").reached.calls, 1, "what it reached counts although it was ended");
}

/// A task whose model answers two questions once both are asked.
struct Pair(tokio::sync::Barrier);

#[async_trait]
impl ToolCaller for Pair {
    fn progress(&self, _: ToolProgress) {}

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        self.0.wait().await;
        Parrot::default().ask(question).await
    }
}

#[tokio::test]
async fn calls_that_run_at_the_same_time_reach_together_no_further_than_their_task_may() {
    let tools = tools(|allow| allow.per_task.calls = Some(6)).expect("all of it is granted");
    let pair = Arc::new(Pair(tokio::sync::Barrier::new(2)));
    let before = Reach { calls: 2, bytes: 0 };
    let call = || {
        let steps = json!([["ask", "", "?"], ["get", "a"], ["get", "a"]]);
        tools.metered(ToolRequest { reached: before, ..asks(steps) }, pair.clone())
    };
    // Two before, a question of each while the other runs, and two more of the four that they are after.
    let (one, other) = tokio::join!(call(), call());
    let reached = |called: &Called| called.receipt.as_ref().expect("it ran").reached.calls;
    assert_eq!(reached(&one) + reached(&other), 4);
    let refused: Vec<_> = [one, other].into_iter().filter_map(|called| called.result.err()).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|error| error.message.contains("6 calls into the host in one task")));
    // A third call of the same reply begins when they are over: it was told of neither.
    let sibling = ToolRequest { reached: before, ..asks(json!([["get", "a"]])) };
    assert!(tools.call(sibling).await.is_err());
    // The next step counts from what its task says.
    let next = asks(json!([["get", "a"]]));
    let effect_id = EffectId::new(&next.task, 2, 0);
    let next = ToolRequest { effect_id, reached: Reach { calls: 5, bytes: 0 }, ..next };
    assert!(tools.call(next).await.is_ok());
}
