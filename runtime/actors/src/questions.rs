//! The forms that running calls show to people, until somebody answers or the call gives up.
//!
//! ```text
//! Caller ──put──▶ Questions ◀──list, answer── RuntimeApi
//!    ▲               │
//!    └────answer─────┘   dropping what `put` gave takes the form back
//! ```
//!
//! None of it is journaled: a question lives as long as the call that asks it, and the call ends with its connection. A
//! question that has to outlive the daemon is an agent's `wait_signal` or an approval.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use playhouse_api::{ApiError, ApiErrorKind, Question};
use playhouse_core::{
    id::{EffectId, TaskId},
    tool::{ToolError, ToolErrorKind},
};
use playhouse_ports::{ToolAnswer, ToolForm};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

/// Forms of one task that are open at once: a person answers one after the other.
const OPEN_OF_TASK_MAX: usize = 16;
/// Forms of all tasks that are open at once. With the next bound, they hold 32 MiB at most.
const OPEN_MAX: usize = 512;
/// Bytes of one form: its words and its schema, as JSON.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// What is open.
#[derive(Debug, Default)]
pub(crate) struct Questions(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    last: u64,
    open: BTreeMap<(TaskId, u64), Open>,
}

#[derive(Debug)]
struct Open {
    question: Question,
    form: ToolForm,
    tell: oneshot::Sender<ToolAnswer>,
}

/// A form that is shown for as long as this lives.
pub(crate) struct Shown<'a> {
    questions: &'a Questions,
    key: (TaskId, u64),
    told: oneshot::Receiver<ToolAnswer>,
}

impl Questions {
    /// Shows `form`, which a call of `task` asks at `now_ms`.
    pub(crate) fn put(
        &self,
        task: &TaskId,
        (effect_id, tool): (&EffectId, &str),
        form: ToolForm,
        now_ms: u64,
    ) -> Result<Shown<'_>, ToolError> {
        let refused = |kind, message: String| Err(ToolError::new(kind, message));
        let bytes = form.message.len() + form.schema.to_string().len();
        if bytes > FORM_BYTES_MAX {
            let told = format!("the form has {bytes} bytes, and {FORM_BYTES_MAX} are allowed");
            return refused(ToolErrorKind::InvalidInput, told);
        }
        let mut board = self.lock();
        if board.open.len() >= OPEN_MAX || board.of(task).count() >= OPEN_OF_TASK_MAX {
            return refused(ToolErrorKind::RateLimited, "too many forms wait for people already".into());
        }
        // The time, so that no number means another question after a restart.
        board.last = now_ms.max(board.last + 1);
        let number = board.last;
        let question = Question {
            number,
            effect_id: effect_id.clone(),
            tool: tool.to_owned(),
            message: form.message.clone(),
            schema: form.schema.clone(),
            asked_ms: now_ms,
        };
        let (tell, told) = oneshot::channel();
        let key = (task.clone(), number);
        board.open.insert(key.clone(), Open { question, form, tell });
        Ok(Shown { questions: self, key, told })
    }

    /// What calls of `task` ask, oldest first.
    pub(crate) fn of(&self, task: &TaskId) -> Vec<Question> {
        self.lock().of(task).map(|open| open.question.clone()).collect()
    }

    /// Gives an answer; without content it is a no.
    pub(crate) fn answer(
        &self,
        task: &TaskId,
        number: u64,
        content: Option<Map<String, Value>>,
    ) -> Result<(), ApiError> {
        let gone = || {
            let told = format!("task {task} does not ask question {number}, or not any more");
            ApiError::new(ApiErrorKind::NotFound, told)
        };
        let key = (task.clone(), number);
        // Whatever the check costs, nobody else waits for it.
        let check = self.lock().open.get(&key).map(|open| open.form.check.clone()).ok_or_else(gone)?;
        if let Some(content) = &content {
            check(content).map_err(|why| {
                ApiError::new(ApiErrorKind::BadRequest, format!("the answer does not fit the form: {why}"))
            })?;
        }
        let open = self.lock().open.remove(&key).ok_or_else(gone)?;
        let answer = content.map_or(ToolAnswer::Declined, ToolAnswer::Filled);
        open.tell.send(answer).map_err(|_| gone())
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // The board is whole after every statement, so a panic elsewhere cannot have broken it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn of(&self, task: &TaskId) -> impl Iterator<Item = &Open> {
        self.open.range((task.clone(), 0)..=(task.clone(), u64::MAX)).map(|(_, open)| open)
    }
}

impl Shown<'_> {
    /// What somebody says to it.
    pub(crate) async fn answer(mut self) -> Result<ToolAnswer, ToolError> {
        let told = (&mut self.told).await;
        told.map_err(|_| ToolError::new(ToolErrorKind::Crashed, "the form got lost"))
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.questions.lock().open.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn form(message: &str) -> ToolForm {
        let check = |answer: &Map<String, Value>| {
            answer.get("sure").is_some_and(Value::is_boolean).then_some(()).ok_or("no `sure`".to_owned())
        };
        ToolForm { message: message.into(), schema: json!({}), check: Arc::new(check) }
    }

    fn task(name: &str) -> TaskId {
        TaskId::new(name).unwrap()
    }

    fn put<'a>(questions: &'a Questions, name: &str, now_ms: u64) -> Result<Shown<'a>, ToolError> {
        let task = task(name);
        questions.put(&task, (&EffectId::new(&task, 1, 0), "t"), form("Sure?"), now_ms)
    }

    #[tokio::test]
    async fn an_answer_that_does_not_fit_leaves_the_question_open() {
        let questions = Questions::default();
        let shown = put(&questions, "a", 7).unwrap();
        let number = questions.of(&task("a"))[0].number;
        let wrong = questions.answer(&task("a"), number, Some(Map::new())).unwrap_err();
        assert!(wrong.kind == ApiErrorKind::BadRequest && wrong.message.contains("no `sure`"), "{wrong:?}");
        assert_eq!(questions.of(&task("a")).len(), 1);
        let good = json!({ "sure": true }).as_object().cloned();
        questions.answer(&task("a"), number, good.clone()).unwrap();
        assert_eq!(shown.answer().await.unwrap(), ToolAnswer::Filled(good.unwrap()));
        let late = questions.answer(&task("a"), number, None).unwrap_err();
        assert_eq!(late.kind, ApiErrorKind::NotFound);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_shown() {
        let questions = Questions::default();
        let (first, second) = (put(&questions, "a", 7).unwrap(), put(&questions, "a", 7).unwrap());
        assert_eq!(questions.of(&task("a")).iter().map(|open| open.number).collect::<Vec<_>>(), [7, 8]);
        assert!(questions.of(&task("b")).is_empty());
        drop(first);
        questions.answer(&task("a"), 8, None).unwrap();
        assert_eq!(second.answer().await.unwrap(), ToolAnswer::Declined);
        assert!(questions.lock().open.is_empty());
    }

    #[test]
    fn forms_are_bounded_for_one_task_for_all_and_in_size() {
        let questions = Questions::default();
        let one: Vec<_> = (0..OPEN_OF_TASK_MAX).map(|_| put(&questions, "a", 0).unwrap()).collect();
        assert_eq!(put(&questions, "a", 0).err().unwrap().kind, ToolErrorKind::RateLimited);
        let more = (one.len()..OPEN_MAX).map(|n| put(&questions, &format!("b{}", n / 8), 0).unwrap());
        let more: Vec<_> = more.collect();
        assert_eq!(put(&questions, "c", 0).err().unwrap().kind, ToolErrorKind::RateLimited);
        drop(more);
        let (task, large) = (task("c"), form(&"x".repeat(FORM_BYTES_MAX)));
        let refused = questions.put(&task, (&EffectId::new(&task, 1, 0), "t"), large, 0).err().unwrap();
        assert_eq!(refused.kind, ToolErrorKind::InvalidInput);
    }
}
