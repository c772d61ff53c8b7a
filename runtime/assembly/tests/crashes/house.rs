//! The life of the child: a house, some tasks, and a word to the receiver about everything that counts.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, future::join_all};
use playhouse_api::{Caller, RuntimeApi, Submission, TaskEvent};
use playhouse_assembly::{Config, Extras, House, Runtime};
use playhouse_core::{
    message::Message,
    model::{ChatRequest, ModelError, Reply},
    task::Event,
    tool::{Annotations, EffectClass, Grant, ToolError, ToolErrorKind, ToolRequest, ToolSpec},
};
use playhouse_ports::ToolBox;
use playhouse_testkit::{ScriptedModel, agent, answer, call_tool, call_tools};
use serde_json::{Value, json};

use crate::receiver::tell;

/// Tasks of one life.
pub(crate) const TASKS: usize = 3;

/// Everything the child does; returns when every task has ended.
pub(crate) fn live(receiver: &str, data: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let house = House::build(&config(data), extras(receiver)).await.unwrap().start().await.unwrap();
        let tasks = (0..TASKS).map(|n| see_to_its_end(house.runtime.clone(), receiver.to_owned(), n));
        join_all(tasks).await;
        house.stop().await;
    });
}

async fn see_to_its_end(runtime: Runtime, receiver: String, n: usize) {
    let submission = Submission {
        agent: "clerk".into(),
        input: format!("go {n}"),
        idempotency_key: Some(format!("key-{n}")),
        ..Submission::default()
    };
    let task = runtime.submit(&Caller::local(), submission).await.unwrap().task.head.task;
    tell(&receiver, &format!("acknowledged {task}"));
    let mut events = runtime.events(&Caller::local(), &task, 0, false).await.unwrap();
    while let Some(event) = events.next().await {
        let TaskEvent::Record(record) = event.unwrap() else { continue };
        match record.event {
            Event::ToolDone { effect_id, .. } => drop(tell(&receiver, &format!("completed {effect_id}"))),
            Event::OutcomeUnknown { effect_id } => drop(tell(&receiver, &format!("unknown {effect_id}"))),
            _ => {}
        }
    }
    let status = runtime.task(&Caller::local(), &task).await.unwrap().head.status;
    let status = serde_json::to_value(status).unwrap();
    tell(&receiver, &format!("ended {task} {}", status.as_str().unwrap()));
}

/// What is shipped but for the model, with which nothing is asked here.
fn config(data: &str) -> Config {
    let mut config = Config::shipped();
    config.models.remove("nano");
    config.default_model = "scripted".into();
    config.data = Some(data.into());
    config
}

fn extras(receiver: &str) -> Extras {
    let tools = Tools { receiver: receiver.to_owned() };
    let mut clerk = agent("clerk", ["pay", "book", "look", "move", "run_task"]);
    clerk.policy.agents = vec!["helper".into()];
    let model = ScriptedModel::new(script);
    Extras {
        tools: vec![Arc::new(tools)],
        models: vec![("scripted".into(), Arc::new(model))],
        agents: vec![clerk, agent("helper", [])],
        worker: None,
    }
}

/// Every tool at once, then a task for another, then the answer.
fn script(request: &ChatRequest) -> Result<Reply, ModelError> {
    let says = |message: &Message| matches!(message, Message::User { content } if content == "help");
    let replies = request.messages.iter().filter(|message| matches!(message, Message::Assistant(_))).count();
    match replies {
        _ if request.messages.iter().any(says) => answer("helped"),
        0 => call_tools(["pay", "book", "look", "move"].map(|tool| (tool, json!({})))),
        1 => call_tool("run_task", json!({ "agent": "helper", "input": "help" })),
        _ => answer("fine"),
    }
}

/// One tool of each effect class; every start is told to the receiver before anything else.
struct Tools {
    receiver: String,
}

const TOOLS: [(&str, EffectClass); 4] = [
    ("pay", EffectClass::Once),
    ("book", EffectClass::Idempotent),
    ("look", EffectClass::Pure),
    ("move", EffectClass::Checkable),
];

#[async_trait]
impl ToolBox for Tools {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        let spec = |(name, effect): (&str, EffectClass)| {
            Arc::new(ToolSpec {
                name: name.into(),
                version: "1.0.0".into(),
                description: format!("the test's {name}"),
                input_schema: json!({ "type": "object" }),
                output_schema: json!({}),
                effect,
                annotations: Annotations::promised(effect),
                digest: format!("digest-of-{name}"),
            })
        };
        TOOLS.map(spec).to_vec()
    }

    fn permits(&self, _: &str, _: &Grant) -> Result<(), ToolError> {
        Ok(())
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.say(format!("start {} {}", request.tool, request.effect_id)).await?;
        Ok(json!("done"))
    }

    async fn check(&self, request: ToolRequest) -> Result<Option<Value>, ToolError> {
        let happened = self.say(format!("did {} {}", request.tool, request.effect_id)).await? == "yes";
        Ok(happened.then(|| json!("done")))
    }
}

impl Tools {
    async fn say(&self, line: String) -> Result<String, ToolError> {
        let receiver = self.receiver.clone();
        let told = tokio::task::spawn_blocking(move || tell(&receiver, &line)).await;
        told.map_err(|error| ToolError::new(ToolErrorKind::Crashed, error.to_string()))
    }
}
