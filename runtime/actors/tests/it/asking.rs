//! Tools that ask the model of the task that calls them, and say how far they are.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use playhouse_api::{Caller, RuntimeApi, TaskEvent};
use playhouse_core::{
    message::Message,
    model::{ChatRequest, ModelError, Reply},
    task::{Event, Status},
    tool::{Called, EffectClass, Grant, ToolError, ToolProgress, ToolRequest, ToolSpec},
};
use playhouse_ports::{ToolBox, ToolCaller, ToolQuestion};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::house::{House, Plan};

/// What a tool asks, so that the script knows it.
const QUESTION: &str = "Is this urgent?";

/// One tool that asks as often as its arguments say, at once, and gives back what it heard.
struct Curious(FnTools);

impl Curious {
    fn new() -> Self {
        Self(FnTools::new().with("curious", EffectClass::Idempotent, Ok))
    }
}

#[async_trait]
impl ToolBox for Curious {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.0.specs()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        self.0.permits(tool, grant)
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.0.call(request).await
    }

    async fn metered(&self, request: ToolRequest, caller: Arc<dyn ToolCaller>) -> Called {
        let times = request.arguments["times"].as_u64().unwrap();
        caller.progress(ToolProgress::Report { done: 0, total: times, message: "asking".into() });
        let ask = |_| {
            let question = ToolQuestion { messages: vec![Message::user(QUESTION)], max_tokens: 1_000_000 };
            caller.ask(question)
        };
        let heard = futures_util::future::join_all((0..times).map(ask)).await;
        let text = |answer: Result<Reply, ToolError>| match answer {
            Ok(reply) => reply.message.content,
            Err(error) => error.message,
        };
        Ok(json!(heard.into_iter().map(text).collect::<Vec<_>>())).into()
    }
}

fn is_question(request: &ChatRequest) -> bool {
    matches!(request.messages.as_slice(), [Message::User { content }] if content == QUESTION)
}

/// Calls the tool once, and ends with what the tool gave.
fn script(request: &ChatRequest, times: u64) -> Result<Reply, ModelError> {
    match request.messages.last() {
        _ if is_question(request) => {
            assert!(request.tools.is_empty(), "an answer to a tool calls no tools");
            assert!(request.sampling.max_tokens <= 256, "{:?}", request.sampling);
            answer("yes")
        }
        Some(Message::Tool { content, .. }) => answer(content),
        _ => call_tool("curious", json!({ "times": times })),
    }
}

async fn house(model: &ScriptedModel, change: impl FnOnce(&mut Plan)) -> House {
    let mut plan = Plan::new(model);
    plan.agent = agent("assistant", ["curious"]);
    plan.around.tools = Some(Arc::new(Curious::new()));
    change(&mut plan);
    plan.build().await
}

#[tokio::test]
async fn a_tool_asks_the_model_of_its_task_and_the_task_pays() {
    let model = ScriptedModel::new(|request| script(request, 3));
    let house = house(&model, |_| {}).await;
    let task = house.submit("look").await.unwrap();
    let view = house.finish(&task).await;
    assert_eq!(view.output.as_deref(), Some(r#"["yes","yes","yes"]"#));
    assert_eq!(model.asked(), 5, "two steps, three questions");
    let events = house.events(&task, 0).await;
    let consulted = events.iter().find_map(|event| match event {
        Event::Consulted { usage, model, .. } => Some((usage.total(), model.clone())),
        _ => None,
    });
    let (tokens, of) = consulted.unwrap();
    let of_steps: u64 = events
        .iter()
        .filter_map(|event| match event {
            Event::ModelReplied { reply, .. } => Some(reply.usage.total()),
            _ => None,
        })
        .sum();
    assert!(tokens > 0, "the script's replies have tokens");
    assert_eq!(view.usage.total(), of_steps + tokens);
    assert!(
        events.iter().any(|event| matches!(event, Event::ModelReplied { reply, .. } if reply.model == of))
    );
    house.stop().await;
}

#[tokio::test]
async fn a_tool_is_refused_when_its_task_has_no_tokens_left() {
    let model = ScriptedModel::new(|request| script(request, 1));
    let replied = script(&some_request(), 1).unwrap();
    // What the first step takes, and not one more.
    let all = replied.usage.total();
    let house = house(&model, |plan| plan.agent.limits.tokens = Some(all)).await;
    let task = house.submit("look").await.unwrap();
    let view = house.finish(&task).await;
    assert_eq!(model.asked(), 1, "the question never left");
    assert_eq!(view.head.status, Status::Failed);
    let events = house.events(&task, 0).await;
    let told = events.iter().find_map(|event| match event {
        Event::ToolDone { output, .. } => Some(output.to_string()),
        _ => None,
    });
    assert!(told.unwrap().contains("no tokens left"));
    house.stop().await;
}

#[tokio::test]
async fn a_cancelled_task_gives_up_what_its_tool_asks() {
    let gate = Arc::new(Semaphore::new(1));
    let model = ScriptedModel::new(|request| script(request, 2)).gated(gate);
    let house = house(&model, |_| {}).await;
    let task = house.submit("look").await.unwrap();
    // One permit for the step; both questions wait in the model.
    while model.running() < 2 {
        tokio::task::yield_now().await;
    }
    house.runtime.cancel(&Caller::local(), &task, "enough".into()).await.unwrap();
    house.finish(&task).await;
    while model.running() > 0 {
        tokio::task::yield_now().await;
    }
    house.stop().await;
}

#[tokio::test]
async fn those_who_watch_see_how_far_a_tool_is_if_they_want_to() {
    let gate = Arc::new(Semaphore::new(0));
    let model = ScriptedModel::new(|request| script(request, 1)).gated(gate.clone());
    let house = house(&model, |_| {}).await;
    let task = house.submit("look").await.unwrap();
    let watch = |deltas| {
        let (house, task) = (&house, &task);
        async move { house.runtime.events(&Caller::local(), task, 0, deltas).await.unwrap() }
    };
    let (eager, calm) = (watch(true).await, watch(false).await);
    gate.add_permits(3);
    let seen: Vec<_> = eager.collect().await;
    let said = seen.iter().find_map(|event| match event.as_ref().unwrap() {
        TaskEvent::Progress { tool, progress, effect_id } => {
            Some((tool.clone(), progress.clone(), effect_id.to_string()))
        }
        _ => None,
    });
    let report = ToolProgress::Report { done: 0, total: 1, message: "asking".into() };
    assert_eq!(said, Some(("curious".into(), report, format!("{task}/1.0"))));
    let seen: Vec<_> = calm.collect().await;
    assert!(seen.iter().all(|event| matches!(event, Ok(TaskEvent::Record(_)))));
    house.stop().await;
}

fn some_request() -> ChatRequest {
    ChatRequest {
        conversation: String::new(),
        messages: Arc::default(),
        tools: Vec::new(),
        sampling: Default::default(),
        response_schema: None,
    }
}
