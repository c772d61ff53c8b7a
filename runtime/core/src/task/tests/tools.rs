//! Transcripts of tool calls: admitted, refused, failed, settled in any order.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::json;

use super::{
    fixture::{effect, spec},
    run::Run,
};
use crate::{
    agent::Limits,
    message::Message,
    task::{Event, Input},
    tool::{ToolError, ToolErrorKind},
};

#[test]
fn a_tool_is_called_and_its_output_shown_to_the_model() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", r#"{"city":"Berlin"}"#)]);
    run.tool(1, 0, json!({ "km": 878 }));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies lookup({"city":"Berlin"}) as "c1"
      + model replied 1 lookup({"city":"Berlin"}) as "c1"
      + tool asked t1/1.0 lookup({"city":"Berlin"}), pure, epoch 0
      ! call t1/1.0 lookup({"city":"Berlin"}), pure, epoch 0
    > tool t1/1.0 gives {"km":878}
      + tool done t1/1.0: {"km":878}
      + model asked 2.1
      ! ask model 2.1
    "#);
    assert_snapshot!(run.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: lookup({"city":"Berlin"}) as "c1"
    lookup as c1: {"km":878}
    "#);
}

#[test]
fn parallel_results_are_shown_in_the_models_order() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "1"), ("c2", "book", "2"), ("c3", "mail", "3")]);
    run.tool(1, 2, json!("third")).tool(1, 0, json!("first")).tool(1, 1, json!("second"));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies lookup(1) as "c1" book(2) as "c2" mail(3) as "c3"
      + model replied 1 lookup(1) as "c1" book(2) as "c2" mail(3) as "c3"
      + tool asked t1/1.0 lookup(1), pure, epoch 0
      + tool asked t1/1.1 book(2), idempotent, epoch 0
      + tool asked t1/1.2 mail(3), once, epoch 0
      ! call t1/1.0 lookup(1), pure, epoch 0
      ! call t1/1.1 book(2), idempotent, epoch 0
      ! call t1/1.2 mail(3), once, epoch 0
    > tool t1/1.2 gives "third"
      + tool done t1/1.2: "third"
    > tool t1/1.0 gives "first"
      + tool done t1/1.0: "first"
    > tool t1/1.1 gives "second"
      + tool done t1/1.1: "second"
      + model asked 2.1
      ! ask model 2.1
    "#);
    assert_snapshot!(run.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: lookup(1) as "c1" book(2) as "c2" mail(3) as "c3"
    lookup as c1: "first"
    book as c2: "second"
    mail as c3: "third"
    "#);
}

#[test]
fn one_step_leads_to_another() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!(878));
    run.calls(2, [("c1", "book", r#"{"km":878}"#)]).tool(2, 0, json!("ok"));
    run.says(3, "booked");
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies lookup({}) as "c1"
      + model replied 1 lookup({}) as "c1"
      + tool asked t1/1.0 lookup({}), pure, epoch 0
      ! call t1/1.0 lookup({}), pure, epoch 0
    > tool t1/1.0 gives 878
      + tool done t1/1.0: 878
      + model asked 2.1
      ! ask model 2.1
    > model 2.1 replies book({"km":878}) as "c1"
      + model replied 2 book({"km":878}) as "c1"
      + tool asked t1/2.0 book({"km":878}), idempotent, epoch 0
      ! call t1/2.0 book({"km":878}), idempotent, epoch 0
    > tool t1/2.0 gives "ok"
      + tool done t1/2.0: "ok"
      + model asked 3.1
      ! ask model 3.1
    > model 3.1 replies "booked"
      + model replied 3 "booked"
      + finished: done "booked"
      ! conclude: done "booked"
    "#);
}

#[test]
fn what_cannot_be_called_is_refused_and_the_rest_is_done() {
    let mut spec = spec(Limits { parallel_tools: 3, ..Limits::default() });
    Arc::make_mut(&mut spec.pinned.tools[1]).input_schema = json!({ "properties": { "from": {}, "km": {} } });
    let mut run = Run::queued(spec);
    run.begin().transcript();
    run.calls(
        1,
        [("c1", "search", "{}"), ("c2", "book", "{km: 1"), ("c3", "lookup", "{}"), ("c4", "lookup", "{}")],
    );
    run.tool(1, 2, json!(878));
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies search({}) as "c1" book(malformed {km: 1) as "c2" lookup({}) as "c3" lookup({}) as "c4"
      + model replied 1 search({}) as "c1" book(malformed {km: 1) as "c2" lookup({}) as "c3" lookup({}) as "c4"
      + tool refused search as c1: unknown-tool: there is no tool `search`; the tools are: lookup, book, transfer, mail
      + tool refused book as c2: invalid-input: the arguments are not valid JSON: key must be a string at line 1 column 2; write one JSON object, with quotes around names and texts: {"from": …, "km": …}
      + tool asked t1/1.2 lookup({}), pure, epoch 0
      + tool refused lookup as c4: rate-limited: at most 3 calls fit in one turn; ask again for this one
      ! call t1/1.2 lookup({}), pure, epoch 0
    > tool t1/1.2 gives 878
      + tool done t1/1.2: 878
      + model asked 2.1
      ! ask model 2.1
    "#);
    assert_snapshot!(run.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: search({}) as "c1" book(malformed {km: 1) as "c2" lookup({}) as "c3" lookup({}) as "c4"
    search as c1: {"error":"there is no tool `search`; the tools are: lookup, book, transfer, mail","kind":"unknown-tool"}
    book as c2: {"error":"the arguments are not valid JSON: key must be a string at line 1 column 2; write one JSON object, with quotes around names and texts: {\"from\": …, \"km\": …}","kind":"invalid-input"}
    lookup as c3: 878
    lookup as c4: {"error":"at most 3 calls fit in one turn; ask again for this one","kind":"rate-limited"}
    "#);
}

#[test]
fn a_model_whose_calls_are_all_refused_is_given_up_after_the_repairs_allowed() {
    let mut run = Run::begun();
    for step in 1..=3 {
        run.calls(step, [("c1", "search", "{}")]);
    }
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies search({}) as "c1"
      + model replied 1 search({}) as "c1"
      + tool refused search as c1: unknown-tool: there is no tool `search`; the tools are: lookup, book, transfer, mail
      + model asked 2.1
      ! ask model 2.1
    > model 2.1 replies search({}) as "c1"
      + model replied 2 search({}) as "c1"
      + tool refused search as c1: unknown-tool: there is no tool `search`; the tools are: lookup, book, transfer, mail
      + model asked 3.1
      ! ask model 3.1
    > model 3.1 replies search({}) as "c1"
      + model replied 3 search({}) as "c1"
      + tool refused search as c1: unknown-tool: there is no tool `search`; the tools are: lookup, book, transfer, mail
      + finished: failed bad_model_output: the model kept giving replies that cannot be used; the last problem: there is no tool `search`; the tools are: lookup, book, transfer, mail
      ! conclude: failed bad_model_output: the model kept giving replies that cannot be used; the last problem: there is no tool `search`; the tools are: lookup, book, transfer, mail
    "#);
}

#[test]
fn a_usable_step_in_between_renews_the_repairs() {
    let mut run = Run::begun();
    run.says(1, "").says(2, "").calls(3, [("c1", "lookup", "{}")]).tool(3, 0, json!(1));
    run.says(4, "").says(5, "");
    assert_eq!(run.task().outcome(), None);
}

#[test]
fn an_error_of_a_tool_is_a_value_the_model_can_act_on() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "book", "{}")]);
    let result = Err(ToolError::new(ToolErrorKind::InvalidInput, "`city` is missing"));
    run.input(Input::ToolReplied { effect_id: effect(1, 0), called: result.into() });
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies book({}) as "c1"
      + model replied 1 book({}) as "c1"
      + tool asked t1/1.0 book({}), idempotent, epoch 0
      ! call t1/1.0 book({}), idempotent, epoch 0
    > tool t1/1.0 fails: invalid-input: `city` is missing
      + tool failed t1/1.0: invalid-input: `city` is missing
      + model asked 2.1
      ! ask model 2.1
    "#);
    assert_snapshot!(run.prompt(), @r#"
    system: Be brief.
    user: How far is Berlin?
    assistant: book({}) as "c1"
    book as c1: {"error":"`city` is missing","kind":"invalid-input"}
    "#);
}

#[test]
fn a_large_result_is_cut_between_characters_and_says_so() {
    let mut run = Run::queued(spec(Limits { result_bytes: 10, ..Limits::default() }));
    run.begin().calls(1, [("c1", "lookup", "{}")]).tool(1, 0, json!("12345678éé"));
    let request = run.task().request();
    let Some(Message::Tool { content, .. }) = request.messages.last() else { panic!("{request:?}") };
    assert_eq!(content, "\"12345678 … [cut: 9 of 14 bytes shown]");
}

#[test]
fn calls_without_an_id_of_their_own_get_one() {
    let mut run = Run::begun();
    run.calls(1, [("", "lookup", "1"), ("c", "lookup", "2"), ("c", "lookup", "3")]);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies lookup(1) as "" lookup(2) as "c" lookup(3) as "c"
      + model replied 1 lookup(1) as "call_1_0" lookup(2) as "c" lookup(3) as "call_1_2"
      + tool asked t1/1.0 lookup(1), pure, epoch 0
      + tool asked t1/1.1 lookup(2), pure, epoch 0
      + tool asked t1/1.2 lookup(3), pure, epoch 0
      ! call t1/1.0 lookup(1), pure, epoch 0
      ! call t1/1.1 lookup(2), pure, epoch 0
      ! call t1/1.2 lookup(3), pure, epoch 0
    "#);
}

#[test]
fn an_id_given_to_a_call_is_never_one_that_the_model_used() {
    let mut run = Run::begun();
    run.calls(1, [("call_1_1", "lookup", "1"), ("", "lookup", "2"), ("call_1_1'", "lookup", "3")]);
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies lookup(1) as "call_1_1" lookup(2) as "" lookup(3) as "call_1_1'"
      + model replied 1 lookup(1) as "call_1_1" lookup(2) as "call_1_1_" lookup(3) as "call_1_1'"
      + tool asked t1/1.0 lookup(1), pure, epoch 0
      + tool asked t1/1.1 lookup(2), pure, epoch 0
      + tool asked t1/1.2 lookup(3), pure, epoch 0
      ! call t1/1.0 lookup(1), pure, epoch 0
      ! call t1/1.1 lookup(2), pure, epoch 0
      ! call t1/1.2 lookup(3), pure, epoch 0
    "#);
}

#[test]
fn a_second_result_for_the_same_call_is_ignored() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{}"), ("c2", "lookup", "{}")]).transcript();
    run.tool(1, 0, json!("first")).tool(1, 0, json!("again"));
    run.input(Input::ToolReplied { effect_id: effect(7, 7), called: Ok(json!("whose?")).into() });
    assert_snapshot!(run.transcript(), @r#"
    > tool t1/1.0 gives "first"
      + tool done t1/1.0: "first"
    > tool t1/1.0 gives "again"
    > tool t1/7.7 gives "whose?"
    "#);
}

#[test]
fn a_late_reply_of_the_model_is_ignored() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{}")]).transcript();
    run.says(1, "never mind").tool(1, 0, json!(878)).says(1, "never mind").says(3, "too early");
    assert_snapshot!(run.transcript(), @r#"
    > model 1.1 replies "never mind"
    > tool t1/1.0 gives 878
      + tool done t1/1.0: 878
      + model asked 2.1
      ! ask model 2.1
    > model 1.1 replies "never mind"
    > model 3.1 replies "too early"
    "#);
}

#[test]
fn arguments_are_put_right_before_the_call_and_the_journal_says_so() {
    let mut run = Run::begun();
    run.calls(1, [("c1", "lookup", "{\"n\": 1,}")]);
    let Some(Event::ToolAsked(intent)) = run.records().last().map(|record| &record.event) else {
        panic!("{:?}", run.records())
    };
    assert_eq!((&intent.arguments, intent.repairs.len()), (&json!({ "n": 1 }), 1));
    assert_eq!(
        intent.args_digest,
        crate::digest::of_value(&json!({ "n": 1 })),
        "a person agrees to what is called"
    );
    run.transcript();
}

#[test]
fn an_agent_may_insist_on_what_the_model_wrote() {
    let mut spec = super::fixture::spec(Limits::default());
    let mut agent = (*spec.pinned.agent).clone();
    agent.policy.strict_arguments = true;
    spec.pinned.agent = std::sync::Arc::new(agent);
    let mut run = Run::of(spec);
    run.calls(1, [("c1", "lookup", "{\"n\": 1,}")]);
    assert!(run.records().iter().any(|record| matches!(record.event, Event::ToolRefused { .. })));
    run.transcript();
}
