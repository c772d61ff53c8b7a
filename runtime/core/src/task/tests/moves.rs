//! What a world may do to a task, as data that proptest can make up and shrink.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::fixture::{TOOLS, call, reply};
use crate::{
    agent::Limits,
    message::ToolCall,
    model::{Finish, ModelError, ModelErrorKind, Reply},
    tool::{ToolError, ToolErrorKind},
};

/// One thing that happens, and where the process dies while it is dealt with, if it does.
#[derive(Debug, Clone)]
pub(super) struct Move {
    pub(super) action: Action,
    pub(super) crash: Option<CrashPoint>,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    /// Whatever goes the task's way: its turn comes, or one of its open jobs ends as `Answer` says.
    Answer(Index, Answer),
    /// Something that already arrived arrives again.
    Repeat(Index),
    /// An answer to a question that was never asked.
    Stray(Answer),
    Cancel,
    TimeIsUp,
    Quarantine,
}

/// Between a decision and its last effect there are these places to die.
#[derive(Debug, Clone, Copy)]
pub(super) enum CrashPoint {
    /// Nothing of the step is known afterwards.
    BeforeAppend,
    /// The step is durable, but only so many of its effects were performed.
    AfterEffects(usize),
}

/// How a job ends: the half that fits its kind is used.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) model: Result<Reply, ModelError>,
    pub(super) tool: Result<Value, ToolError>,
    /// Whether a check can be made at all; what it says is the truth.
    pub(super) check_works: bool,
}

pub(super) fn limits() -> impl Strategy<Value = Limits> {
    (1u32..6, 0u32..4, 0u32..3, 0u32..3, 2usize..40).prop_map(
        |(steps, parallel_tools, model_retries, repairs, result_bytes)| Limits {
            steps,
            parallel_tools,
            model_retries,
            repairs,
            result_bytes,
            ..Limits::default()
        },
    )
}

pub(super) fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (action(), crash()).prop_map(|(action, crash)| Move { action, crash });
    prop::collection::vec(one, 1..40)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        30 => (any::<Index>(), answer()).prop_map(|(job, answer)| Action::Answer(job, answer)),
        8 => any::<Index>().prop_map(Action::Repeat),
        2 => answer().prop_map(Action::Stray),
        1 => prop_oneof![Just(Action::Cancel), Just(Action::TimeIsUp), Just(Action::Quarantine)],
    ]
}

fn crash() -> impl Strategy<Value = Option<CrashPoint>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(CrashPoint::BeforeAppend)),
        2 => (0usize..3).prop_map(|count| Some(CrashPoint::AfterEffects(count))),
    ]
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    (model(), tool(), prop::bool::weighted(0.8)).prop_map(|(model, tool, check_works)| Answer {
        model,
        tool,
        check_works,
    })
}

fn model() -> impl Strategy<Value = Result<Reply, ModelError>> {
    let calls = prop::collection::vec(tool_call(), 1..5);
    let errors = [
        ModelErrorKind::Network,
        ModelErrorKind::RateLimited,
        ModelErrorKind::Auth,
        ModelErrorKind::ContextOverflow,
    ];
    prop_oneof![
        20 => calls.prop_map(|calls| Ok(reply("", calls, Finish::ToolCalls))),
        2 => Just(Ok(reply("878 km", vec![], Finish::Stop))),
        2 => Just(Ok(reply("", vec![], Finish::Stop))),
        1 => Just(Ok(reply("878 ki", vec![], Finish::Length))),
        2 => prop::sample::select(errors.to_vec()).prop_map(|kind| Err(ModelError::new(kind, "no"))),
    ]
}

/// Calls as models make them: tools that exist and one that does not, ids that repeat or are missing,
/// arguments that are JSON or nearly so.
fn tool_call() -> impl Strategy<Value = ToolCall> {
    let names: Vec<_> = TOOLS.iter().map(|(name, _)| *name).chain(["search"]).collect();
    let ids = vec!["", "a", "b", "call_1_1", "call_2_1"];
    let arguments = vec!["{}", r#"{"city":"Berlin"}"#, "[1, 2.5, null]", "[]", "878", "{city:"];
    let select = prop::sample::select::<&str>;
    (select(ids), select(names), select(arguments))
        .prop_map(|(id, name, arguments)| call(id, name, arguments))
}

fn tool() -> impl Strategy<Value = Result<Value, ToolError>> {
    let kinds = [ToolErrorKind::InvalidInput, ToolErrorKind::Timeout, ToolErrorKind::Crashed];
    prop_oneof![
        Just(Ok(json!(878))),
        Just(Ok(Value::Null)),
        "[a-zäöü ]{0,60}".prop_map(|text| Ok(json!({ "text": text }))),
        prop::sample::select(kinds.to_vec()).prop_map(|kind| Err(ToolError::new(kind, "no"))),
    ]
}
