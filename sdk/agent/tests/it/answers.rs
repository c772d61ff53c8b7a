//! Answers: text, types, repair, failure.

use playhouse::{
    Error, TaskErrorKind,
    testing::{ScriptedModel, answer},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{ask, scripted};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Sum {
    sum: i64,
}

#[tokio::test]
async fn an_answer_is_text_and_a_type() {
    let answer = ask(scripted([answer(r#"{ "sum": 5 }"#)]).returns::<Sum>()).await.unwrap();
    assert_eq!(answer.text(), r#"{ "sum": 5 }"#);
    assert_eq!(answer.typed::<Sum>().unwrap(), Sum { sum: 5 });
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_repaired_by_the_model() {
    let script = [answer("It is five."), answer(r#"{ "sum": 5 }"#)];
    let answer = ask(scripted(script).returns::<Sum>()).await.unwrap();
    assert_eq!(answer.typed::<Sum>().unwrap(), Sum { sum: 5 });
    assert_eq!(answer.steps(), 2);
}

#[tokio::test]
async fn an_answer_that_stays_unusable_fails_the_task() {
    let model = ScriptedModel::new(|_| answer("It is five."));
    let failed = ask(scripted([]).own_model(model).returns::<Sum>()).await.unwrap_err();
    assert_eq!(failed.failure(), Some(TaskErrorKind::BadModelOutput), "{failed}");
}

#[tokio::test]
async fn an_answer_of_another_type_says_what_does_not_fit() {
    let answer = ask(scripted([answer("It is five.")])).await.unwrap();
    let error = answer.typed::<Sum>().unwrap_err();
    assert!(matches!(error, Error::Answer { .. }));
    let said = error.to_string();
    for part in ["Sum", "expected value", "It is five.", "`.returns::<…>()`"] {
        assert!(said.contains(part), "`{part}` is missing: {said}");
    }
}
