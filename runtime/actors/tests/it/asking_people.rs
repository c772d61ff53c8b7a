//! Tools that ask a person while they run.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use playhouse_api::{ApiErrorKind, Caller, Question, RuntimeApi};
use playhouse_core::{
    id::{TaskId, Tenant},
    message::Message,
    model::{ChatRequest, ModelError, Reply},
    tool::{Called, EffectClass, Grant, ToolError, ToolRequest, ToolSpec},
};
use playhouse_ports::{ToolAnswer, ToolBox, ToolCaller, ToolForm};
use playhouse_testkit::{FnTools, ScriptedModel, agent, answer, call_tool};
use serde_json::{Map, Value, json};

use crate::house::{House, Plan};

/// One tool that asks a person for `sure`, which is true or false, and gives back what it was told.
struct Careful(FnTools);

#[async_trait]
impl ToolBox for Careful {
    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.0.specs()
    }

    fn permits(&self, tool: &str, grant: &Grant) -> Result<(), ToolError> {
        self.0.permits(tool, grant)
    }

    async fn call(&self, request: ToolRequest) -> Result<Value, ToolError> {
        self.0.call(request).await
    }

    async fn metered(&self, _: ToolRequest, caller: Arc<dyn ToolCaller>) -> Called {
        let check = |answer: &Map<String, Value>| match answer.get("sure") {
            Some(Value::Bool(_)) => Ok(()),
            _ => Err("`sure` is true or false".to_owned()),
        };
        let form = ToolForm { message: "Sure?".into(), schema: json!({}), check: Arc::new(check) };
        let said = caller.ask_person(form).await;
        said.map(|said| match said {
            ToolAnswer::Filled(fields) => Value::Object(fields),
            ToolAnswer::Declined => json!("declined"),
        })
        .into()
    }
}

/// Calls the tool once, and ends with what the tool gave.
fn script(request: &ChatRequest) -> Result<Reply, ModelError> {
    match request.messages.last() {
        Some(Message::Tool { content, .. }) => answer(content),
        _ => call_tool("careful", json!({})),
    }
}

async fn house() -> House {
    let tools = FnTools::new().with("careful", EffectClass::Idempotent, Ok);
    let mut plan = Plan::new(&ScriptedModel::new(script));
    plan.agent = agent("assistant", ["careful"]);
    plan.around.tools = Some(Arc::new(Careful(tools)));
    plan.build().await
}

/// The question of the task's call, once it is there.
async fn asked(house: &House, task: &TaskId) -> Question {
    loop {
        let open = house.runtime.questions(&Caller::local(), task).await.unwrap();
        if let Some(question) = open.into_iter().next() {
            return question;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn sure(value: Value) -> Option<Map<String, Value>> {
    json!({ "sure": value }).as_object().cloned()
}

#[tokio::test]
async fn a_person_answers_a_running_call_and_an_unfit_answer_leaves_it_waiting() {
    let (house, local) = (house().await, Caller::local());
    let task = house.submit("go").await.unwrap();
    let question = asked(&house, &task).await;
    assert_eq!((question.tool.as_str(), question.message.as_str()), ("careful", "Sure?"));
    assert_eq!(question.effect_id.to_string(), format!("{task}/1.0"));
    let unfit = house.runtime.answer(&local, &task, question.number, sure(json!("yes"))).await.unwrap_err();
    assert!(unfit.kind == ApiErrorKind::BadRequest && unfit.message.contains("true or false"), "{unfit:?}");
    assert_eq!(asked(&house, &task).await, question);
    house.runtime.answer(&local, &task, question.number, sure(json!(true))).await.unwrap();
    assert_eq!(house.finish(&task).await.output.as_deref(), Some(r#"{"sure":true}"#));
    let late = house.runtime.answer(&local, &task, question.number, None).await.unwrap_err();
    assert_eq!(late.kind, ApiErrorKind::NotFound);
    house.stop().await;
}

#[tokio::test]
async fn a_person_may_say_no() {
    let house = house().await;
    let task = house.submit("go").await.unwrap();
    let number = asked(&house, &task).await.number;
    house.runtime.answer(&Caller::local(), &task, number, None).await.unwrap();
    assert_eq!(house.finish(&task).await.output.as_deref(), Some("\"declined\""));
    house.stop().await;
}

#[tokio::test]
async fn a_cancelled_task_asks_nobody_any_more() {
    let (house, local) = (house().await, Caller::local());
    let task = house.submit("go").await.unwrap();
    asked(&house, &task).await;
    house.runtime.cancel(&local, &task, "enough".into()).await.unwrap();
    house.finish(&task).await;
    while !house.runtime.questions(&local, &task).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    house.stop().await;
}

#[tokio::test]
async fn the_questions_of_others_do_not_exist() {
    let house = house().await;
    let task = house.submit("go").await.unwrap();
    let number = asked(&house, &task).await.number;
    let stranger = Caller { tenant: Tenant::new("stranger").unwrap() };
    let seen = house.runtime.questions(&stranger, &task).await.unwrap_err();
    let told = house.runtime.answer(&stranger, &task, number, sure(json!(true))).await.unwrap_err();
    assert_eq!((seen.kind, told.kind), (ApiErrorKind::NotFound, ApiErrorKind::NotFound));
    assert_eq!(asked(&house, &task).await.number, number, "and it still waits");
    house.stop().await;
}
