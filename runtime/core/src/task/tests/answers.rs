//! Transcripts of what a model says: answers, and what becomes of those that cannot be used.

use insta::assert_snapshot;

use super::{
    fixture::{reply, spec, wants_json},
    run::Run,
};
use crate::{
    agent::Limits,
    id::SessionId,
    labels::Labels,
    message::Message,
    model::{Finish, ModelError, ModelErrorKind},
    task::{Input, Task, TaskSpec},
};

#[test]
fn a_plain_answer_ends_the_task() {
    let mut run = Run::queued(spec(Limits::default()));
    run.begin().says(1, "878 km");
    assert_snapshot!(run.transcript(), @r#"
    > begin after 0 messages
      + started
      + model asked 1.1
      ! wake at 301000 ms
      ! ask model 1.1
    > model 1.1 replies "878 km"
      + model replied 1 "878 km"
      + finished: done "878 km"
      ! conclude: done "878 km"
    "#);
}

#[test]
fn an_empty_reply_is_repaired() {
    let mut run = Run::begun();
    run.says(1, " ").says(2, "878 km");
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies " "
      + model replied 1 " "
      + repair asked: Your reply was empty. Answer the question, or call a tool.
      + model asked 2.1
      ! ask model 2.1
    > model 2.1 replies "878 km"
      + model replied 2 "878 km"
      + finished: done "878 km"
      ! conclude: done "878 km"
    "#);
    assert_snapshot!(run.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: " "
    user: Your reply was empty. Answer the question, or call a tool.
    assistant: "878 km"
    "#);
}

#[test]
fn a_model_that_stays_empty_is_given_up_after_the_repairs_allowed() {
    let mut run = Run::begun();
    run.says(1, "").says(2, "").says(3, "");
    assert_snapshot!(run.transcript(), @r"
    > model 1.1 replies
      + model replied 1
      + repair asked: Your reply was empty. Answer the question, or call a tool.
      + model asked 2.1
      ! ask model 2.1
    > model 2.1 replies
      + model replied 2
      + repair asked: Your reply was empty. Answer the question, or call a tool.
      + model asked 3.1
      ! ask model 3.1
    > model 3.1 replies
      + model replied 3
      + finished: failed bad_model_output: the model kept giving replies that cannot be used; the last problem: Your reply was empty. Answer the question, or call a tool.
      ! conclude: failed bad_model_output: the model kept giving replies that cannot be used; the last problem: Your reply was empty. Answer the question, or call a tool.
    ");
}

#[test]
fn an_answer_that_must_be_json_is_repaired_when_it_is_not() {
    let mut run = Run::queued(wants_json(spec(Limits::default())));
    run.begin().transcript();
    run.says(1, "878 km").says(2, r#"{"km": 878}"#);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies "878 km"
      + model replied 1 "878 km"
      + repair asked: Your reply must be JSON only, but it is not: trailing characters at line 1 column 5.
      + model asked 2.1
      ! ask model 2.1
    > model 2.1 replies "{\"km\": 878}"
      + model replied 2 "{\"km\": 878}"
      + finished: done "{\"km\": 878}"
      ! conclude: done "{\"km\": 878}"
    "#);
}

#[test]
fn a_truncated_answer_is_not_passed_off_as_one() {
    let mut run = Run::begun();
    run.replied(1, reply("878 kilo", vec![], Finish::Length));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies "878 kilo" (length)
      + model replied 1 "878 kilo"
      + finished: failed truncated: the answer was cut after 5 tokens; raise `sampling.max_tokens` (256) of the agent
      ! conclude: failed truncated: the answer was cut after 5 tokens; raise `sampling.max_tokens` (256) of the agent
    "#);
}

#[test]
fn a_withheld_answer_fails_the_task() {
    let mut run = Run::begun();
    run.replied(1, reply("", vec![], Finish::ContentFilter));
    assert_snapshot!(run.transcript(), @r"
    > model 1.1 replies (content_filter)
      + model replied 1
      + finished: failed model: the provider withheld the answer for its content policy
      ! conclude: failed model: the provider withheld the answer for its content policy
    ");
}

#[test]
fn a_failing_model_is_asked_again_ever_later() {
    let mut run = Run::begun();
    run.model_fails(1, ModelErrorKind::Network).model_fails(2, ModelErrorKind::RateLimited);
    run.input(Input::ModelReplied { step: 1, attempt: 3, result: Ok(reply("878 km", vec![], Finish::Stop)) });
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 fails: network
      + model failed 1.1: network
      + model asked 1.2
      ! ask model 1.2 after 252 ms
    > model 1.2 fails: rate_limited
      + model failed 1.2: rate_limited
      + model asked 1.3
      ! ask model 1.3 after 464 ms
    > model 1.3 replies "878 km"
      + model replied 1 "878 km"
      + finished: done "878 km"
      ! conclude: done "878 km"
    "#);
}

#[test]
fn a_model_that_keeps_failing_is_given_up() {
    let mut run = Run::begun();
    for attempt in 1..=5 {
        run.transcript();
        run.model_fails(attempt, ModelErrorKind::Unavailable);
    }
    assert_snapshot!(run.transcript(), @r"
    > model 1.5 fails: unavailable
      + model failed 1.5: unavailable
      + finished: failed model: the model is out (after 5 attempts)
      ! conclude: failed model: the model is out (after 5 attempts)
    ");
}

#[test]
fn the_providers_advice_on_when_to_come_back_is_followed() {
    let mut run = Run::begun();
    let advice = ModelError {
        retry_after_ms: Some(30_000),
        ..ModelError::new(ModelErrorKind::RateLimited, "slow down")
    };
    run.input(Input::ModelReplied { step: 1, attempt: 1, result: Err(advice) });
    assert_snapshot!(run.transcript(), @r"
    > model 1.1 fails: rate_limited
      + model failed 1.1: rate_limited
      + model asked 1.2
      ! ask model 1.2 after 30000 ms
    ");
}

#[test]
fn a_prompt_too_large_for_the_model_fails_with_a_kind_of_its_own() {
    let mut run = Run::begun();
    run.model_fails(1, ModelErrorKind::ContextOverflow);
    assert_snapshot!(run.transcript(), @r"
    > model 1.1 fails: context_overflow
      + model failed 1.1: context_overflow
      + finished: failed context_overflow: the model is out
      ! conclude: failed context_overflow: the model is out
    ");
}

#[test]
fn what_was_paid_is_counted_whatever_the_end() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "nope", "{}")]).says(2, "");
    run.cancel();
    let view = run.task().view(0);
    assert_eq!((view.usage.input_tokens, view.usage.output_tokens), (20, 10));
}

#[test]
fn the_past_of_a_session_is_asked_with_but_not_added_again() {
    let session = Some(SessionId::new("trip").unwrap());
    let mut task = Task::new(TaskSpec { session, ..spec(Limits::default()) });
    let history = vec![Message::user("I am in Munich.")];
    task.step(2_000, Input::Begin { history, dropped_turns: 3, labels: Labels::default() });
    assert_eq!(
        task.request().messages[1..],
        [Message::user("I am in Munich."), Message::user("How far is Berlin?")]
    );
    assert_eq!(task.turn(9), None, "only a task that is done adds a turn");
    let answer = reply("504 km", vec![], Finish::Stop);
    task.step(2_000, Input::ModelReplied { step: 1, attempt: 1, result: Ok(answer.clone()) });
    let turn = task.turn(9).expect("the task is done");
    assert_eq!(turn.messages, [Message::user("How far is Berlin?"), Message::Assistant(answer.message)]);
}
