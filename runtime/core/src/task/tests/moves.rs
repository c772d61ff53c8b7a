//! What a world may do to a task, as data that proptest can make up and shrink.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::fixture::{TOOLS, able, asked, asking, call, receipt, reply, retrying, undoing, wants_json, with};
use crate::{
    agent::Limits,
    message::ToolCall,
    model::{Finish, ModelError, ModelErrorKind, Price, Reply},
    policy::{OnUnknown, Retry},
    task::TaskSpec,
    tool::{Called, ToolError, ToolErrorKind},
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
    /// A person decides about one of the calls of the view, or about one that nobody asks about.
    Decide(Index, Ruling),
    /// A message from outside; few ids, so that they repeat.
    Signal {
        id: u8,
        name: &'static str,
    },
    Pause,
    Unpause,
    /// The clock moves by so many milliseconds, perhaps back, and is looked at, or not.
    Clock {
        by_ms: i64,
        look: bool,
    },
    /// The actor of a parked task goes, and another comes.
    Passivate,
    Cancel,
    TimeIsUp,
    Quarantine,
}

/// What a person says, and about which arguments.
#[derive(Debug, Clone)]
pub(super) struct Ruling {
    pub(super) word: Word,
    /// Whether the person saw the arguments as they are.
    pub(super) seen: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Word {
    Approve,
    Change,
    Deny,
    Happened,
    Retry,
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
    /// What the call took, if it is metered.
    pub(super) fuel: Option<u64>,
    /// Tokens of what the call asked the model, if it did.
    pub(super) asked: Option<u64>,
}

impl Answer {
    /// The end of a call.
    pub(super) fn called(&self) -> Called {
        let Self { tool, fuel, asked: tokens, .. } = self;
        Called { result: tool.clone(), receipt: fuel.map(receipt), asked: tokens.map(asked) }
    }
}

/// A submission of an agent that may do anything, with limits that are hit, and a policy of any kind.
pub(super) fn submission() -> impl Strategy<Value = TaskSpec> {
    let fuel = prop::option::of(20u64..4_000);
    let budgets = (prop::option::of(20u64..400), prop::option::of(20u64..4_000), fuel, 0u32..8, 0u32..3);
    let times = (prop::sample::select(vec![20_000, 300_000]), prop::option::of(2_500u64..200_000));
    (limits(), budgets, times, habits(), any::<bool>()).prop_map(|(limits, budgets, times, habits, json)| {
        let (tokens, cost_microusd, fuel, children, depth) = budgets;
        let (time_ms, until_ms) = times;
        let limits = Limits { tokens, cost_microusd, fuel, children, depth, time_ms, ..limits };
        let mut spec = habits.of(able(limits));
        spec.until_ms = until_ms;
        spec.pinned.price = Some(Price { input: 1_000_000, cached: None, output: 3_000_000 });
        if json { wants_json(spec) } else { spec }
    })
}

fn limits() -> impl Strategy<Value = Limits> {
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

/// What an agent's author decided: which calls need agreement, which are taken back by which, how often a
/// failed one is tried again, and whether a person hears of an unknown outcome.
#[derive(Debug, Clone)]
struct Habits {
    asked: Vec<&'static str>,
    undone: Vec<(&'static str, &'static str)>,
    times: u32,
    person: bool,
}

impl Habits {
    fn of(&self, mut spec: TaskSpec) -> TaskSpec {
        for tool in &self.asked {
            spec = asking(spec, tool);
        }
        for (tool, by) in &self.undone {
            spec = undoing(spec, tool, by);
        }
        let retry = Retry { times: self.times, backoff_ms: 100, backoff_max_ms: 1_000, budget_ms: 1_000 };
        for (tool, _) in TOOLS {
            spec = retrying(spec, tool, retry);
        }
        let on_unknown = if self.person { OnUnknown::Person } else { OnUnknown::Model };
        with(spec, |agent| agent.policy.on_unknown = on_unknown)
    }
}

fn habits() -> impl Strategy<Value = Habits> {
    let asked = vec!["mail", "transfer", "book", "sleep", "run_task", "map_tasks"];
    let select = prop::sample::select::<&str>;
    let undone = (select(vec!["book", "mail", "lookup"]), select(vec!["lookup", "book", "transfer", "mail"]));
    let some = (prop::sample::subsequence(asked, 0..=3), prop::collection::vec(undone, 0..3));
    (some, 0u32..3, any::<bool>()).prop_map(|((asked, undone), times, person)| Habits {
        asked,
        undone,
        times,
        person,
    })
}

pub(super) fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (action(), crash()).prop_map(|(action, crash)| Move { action, crash });
    prop::collection::vec(one, 1..40)
}

fn action() -> impl Strategy<Value = Action> {
    let times = vec![-5_000, 1, 900, 30_000, 61_000, 400_000, 90_000_000];
    let clock = (prop::sample::select(times), any::<bool>());
    let signal = (0u8..5, prop::sample::select(vec!["paid", "called", "sold"]));
    prop_oneof![
        30 => (any::<Index>(), answer()).prop_map(|(job, answer)| Action::Answer(job, answer)),
        8 => any::<Index>().prop_map(Action::Repeat),
        2 => answer().prop_map(Action::Stray),
        6 => (any::<Index>(), ruling()).prop_map(|(which, ruling)| Action::Decide(which, ruling)),
        4 => signal.prop_map(|(id, name)| Action::Signal { id, name }),
        2 => Just(Action::Pause),
        3 => Just(Action::Unpause),
        4 => clock.prop_map(|(by_ms, look)| Action::Clock { by_ms, look }),
        2 => Just(Action::Passivate),
        1 => prop_oneof![Just(Action::Cancel), Just(Action::TimeIsUp), Just(Action::Quarantine)],
    ]
}

fn ruling() -> impl Strategy<Value = Ruling> {
    use Word::{Approve, Change, Deny, Happened, Retry};
    let words = prop::sample::select(vec![Approve, Approve, Change, Deny, Happened, Retry]);
    (words, prop::bool::weighted(0.9)).prop_map(|(word, seen)| Ruling { word, seen })
}

fn crash() -> impl Strategy<Value = Option<CrashPoint>> {
    prop_oneof![
        10 => Just(None),
        1 => Just(Some(CrashPoint::BeforeAppend)),
        2 => (0usize..3).prop_map(|count| Some(CrashPoint::AfterEffects(count))),
    ]
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    let took = (prop::option::of(1u64..900), prop::option::weighted(0.2, 1u64..60));
    (model(), tool(), prop::bool::weighted(0.8), took).prop_map(
        |(model, tool, check_works, (fuel, asked))| Answer { model, tool, check_works, fuel, asked },
    )
}

fn model() -> impl Strategy<Value = Result<Reply, ModelError>> {
    let calls = prop::collection::vec(prop_oneof![tool_call(), control_call()], 1..5);
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
    let arguments = vec!["{}", r#"{"n":1}"#, r#"{"n":[2]}"#, "[1, 2.5, null]", "[]", "878", "{city:"];
    let select = prop::sample::select::<&str>;
    (select(ids), select(names), select(arguments))
        .prop_map(|(id, name, arguments)| call(id, name, arguments))
}

/// Calls that the machine performs itself, most of them sensible.
fn control_call() -> impl Strategy<Value = ToolCall> {
    let calls = vec![
        ("sleep", r#"{"seconds":30}"#),
        ("sleep", r#"{"until_ms":2500}"#),
        ("sleep", r#"{"seconds":"soon"}"#),
        ("wait_signal", r#"{"name":"paid","timeout_seconds":60}"#),
        ("wait_signal", r#"{"name":"called"}"#),
        ("run_task", r#"{"agent":"helper","input":"x"}"#),
        ("run_task", r#"{"agent":"boss","input":"x"}"#),
        ("spawn_task", r#"{"agent":"helper","input":"x"}"#),
        ("map_tasks", r#"{"agent":"helper","inputs":["x","y","z"],"parallel":2}"#),
        ("map_tasks", r#"{"agent":"helper","inputs":["x","y"],"parallel":1}"#),
        ("map_tasks", r#"{"agent":"helper","inputs":[]}"#),
        ("await_tasks", r#"{"tasks":["t1.1.0"]}"#),
        ("await_tasks", r#"{"tasks":["t1.1.0","t1.2.0"]}"#),
        ("hand_off", r#"{"agent":"helper"}"#),
    ];
    prop::sample::select(calls).prop_map(|(name, arguments)| call("", name, arguments))
}

fn tool() -> impl Strategy<Value = Result<Value, ToolError>> {
    use ToolErrorKind::{Crashed, InvalidInput, Timeout, Upstream};
    prop_oneof![
        Just(Ok(json!(878))),
        Just(Ok(Value::Null)),
        "[a-zäöü ]{0,60}".prop_map(|text| Ok(json!({ "text": text }))),
        prop::sample::select(vec![InvalidInput, Timeout, Crashed, Upstream])
            .prop_map(|kind| Err(ToolError::new(kind, "no"))),
    ]
}
