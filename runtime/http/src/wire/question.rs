//! What running calls ask people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A form that a running call shows to people. It goes with the call: when the call's time is over, the answer is no.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Question {
    /// Names it in the path of its answer.
    pub number: u64,
    /// Which call asks.
    pub effect_id: String,
    /// The tool that is called.
    pub tool: String,
    /// What is asked: a stranger's words.
    pub message: String,
    /// JSON Schema of the answer, which is an object.
    pub schema: Value,
    /// Since when it is open, in milliseconds since 1970.
    pub asked_ms: u64,
}

/// What the running calls of a task ask people, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuestionList {
    /// Those that nobody has answered yet.
    pub questions: Vec<Question>,
}

/// A person's answer: either of the two.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerForm {
    /// What the form asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Map<String, Value>>,
    /// `true`: no.
    pub decline: bool,
}

impl From<Vec<playhouse_api::Question>> for QuestionList {
    fn from(questions: Vec<playhouse_api::Question>) -> Self {
        Self { questions: questions.into_iter().map(Question::from).collect() }
    }
}

impl From<playhouse_api::Question> for Question {
    fn from(question: playhouse_api::Question) -> Self {
        let playhouse_api::Question { number, effect_id, tool, message, schema, asked_ms } = question;
        Self { number, effect_id: effect_id.0, tool, message, schema, asked_ms }
    }
}
