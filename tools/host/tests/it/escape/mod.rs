//! The escape corpus: components and calls that mean harm, each named after what it tries, run through the real tool box
//! with every limit on.
//!
//! After each of them: it ended as foretold and in time, nothing outside of what is granted was touched or seen, nothing
//! that it could reach says a secret, and the neighbour's next call is right. `cargo test -p playhouse-tools-host --test it
//! escape -- --nocapture` prints the table.

mod abi;
mod engine;
mod floods;
mod paths;
pub(crate) mod place;
mod reach;
mod refused;
mod secrets;
pub(crate) mod wat;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use playhouse_core::tool::ToolErrorKind;
use playhouse_ports::ToolBox;
use serde_json::{Value, json};

use place::{Place, rss_kb};

/// What the issue promises at least.
const CASES_MIN: usize = 60;
/// Time of a call.
const CALL: Duration = Duration::from_millis(250);
/// Time of an introduction, which is the host's own; and of a call that is about what happens, and not about how long that
/// takes.
const INTRODUCTION: Duration = Duration::from_secs(1);
/// How much later a call may end, on a machine that does other things as well. The example `neighbours` measures the 20
/// ms that are promised.
const LATE: Duration = Duration::from_millis(500);
/// What the whole corpus may leave behind in this process: the pools of a few engines.
const LEFT_KB: u64 = 96 << 10;

/// Something that somebody tries.
pub(crate) struct Case {
    class: &'static str,
    name: &'static str,
    attempt: Attempt,
    expect: Expect,
}

enum Attempt {
    /// A component, loaded with everything granted, and called if it can be.
    Component(Vec<u8>),
    /// What `reaches` does with everything granted.
    Steps(Value),
    /// Arguments for `reaches` that are no steps.
    Arguments(Value),
    /// The same, while `out/flip` is a folder of its own and a link out of the folder in turns.
    Race(Value),
    /// A crime of `misbehaves`, which keeps contract 0.1.
    Crime(&'static str),
}

pub(crate) enum Expect {
    /// Not loaded; a part of why.
    Refused(&'static str),
    /// Ended so.
    Ends(ToolErrorKind),
    /// Ended in one of two ways: both limits are near.
    EndsEither(ToolErrorKind, ToolErrorKind),
    /// Ended so, and told this among other things.
    Tells(ToolErrorKind, &'static str),
    /// Answered, harmlessly.
    Answers(fn(&Value) -> bool),
}

/// What became of it.
enum Outcome {
    Refused(String),
    Ended(ToolErrorKind, String),
    Answered(Value),
}

impl Case {
    pub(crate) fn component(
        class: &'static str,
        name: &'static str,
        guest: &wat::Wat,
        expect: Expect,
    ) -> Self {
        Self { class, name, attempt: Attempt::Component(guest.bytes()), expect }
    }

    pub(crate) fn binary(class: &'static str, name: &'static str, bytes: Vec<u8>, expect: Expect) -> Self {
        Self { class, name, attempt: Attempt::Component(bytes), expect }
    }

    pub(crate) fn steps(class: &'static str, name: &'static str, steps: Value, expect: Expect) -> Self {
        Self { class, name, attempt: Attempt::Steps(steps), expect }
    }

    pub(crate) fn arguments(class: &'static str, name: &'static str, given: Value, expect: Expect) -> Self {
        Self { class, name, attempt: Attempt::Arguments(given), expect }
    }

    pub(crate) fn race(class: &'static str, name: &'static str, step: &Value, expect: Expect) -> Self {
        let steps = json!([["again", 100, step]]);
        Self { class, name, attempt: Attempt::Race(steps), expect }
    }

    pub(crate) fn crime(class: &'static str, crime: &'static str, expect: Expect) -> Self {
        Self { class, name: crime, attempt: Attempt::Crime(crime), expect }
    }
}

impl Expect {
    /// Whether the call is expected to last until it is ended.
    fn is_lateness(&self) -> bool {
        use ToolErrorKind::Timeout;
        matches!(
            self,
            Self::Ends(Timeout)
                | Self::EndsEither(Timeout, _)
                | Self::EndsEither(_, Timeout)
                | Self::Tells(Timeout, _)
        )
    }
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Self::Refused(why) => format!("refused: {why}"),
            Self::Ended(kind, message) => format!("{kind:?}: {message}"),
            Self::Answered(value) => format!("answered {value}"),
        }
    }

    fn is(&self, expected: &Expect) -> bool {
        match (self, expected) {
            (Self::Refused(why), Expect::Refused(part)) => why.contains(part),
            (Self::Ended(kind, _), Expect::Ends(expected)) => kind == expected,
            (Self::Ended(kind, _), Expect::EndsEither(one, other)) => kind == one || kind == other,
            (Self::Ended(kind, message), Expect::Tells(expected, part)) => {
                kind == expected && message.contains(part)
            }
            (Self::Answered(value), Expect::Answers(harmless)) => harmless(value),
            _ => false,
        }
    }
}

/// Every case there is. `model` is not offered to tools yet; a component that imports it is among `refused`.
fn corpus(place: &Place) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(engine::cases());
    cases.extend(abi::cases());
    cases.extend(refused::cases());
    cases.extend(paths::cases());
    cases.extend(reach::cases(place));
    cases.extend(secrets::cases());
    cases.extend(floods::cases());
    cases
}

/// Tries it; what became of it, and how long that took.
async fn attempted(place: &Place, attempt: Attempt, expect: &Expect) -> (Outcome, Duration) {
    let mut flipping = None;
    let (tools, mut request) = match attempt {
        Attempt::Steps(steps) => (place.shared(), place.request("reaches", json!({ "do": steps }))),
        Attempt::Race(steps) => {
            flipping = Some(place.flip());
            (place.shared(), place.request("reaches", json!({ "do": steps })))
        }
        Attempt::Arguments(given) => (place.shared(), place.request("reaches", given)),
        Attempt::Crime(crime) => (place.shared(), place.request("misbehaves", json!({ "crime": crime }))),
        Attempt::Component(bytes) => {
            let began = Instant::now();
            match place.load(bytes) {
                Ok(tools) => (tools, place.request("guest", json!({}))),
                Err(error) => return (Outcome::Refused(error.to_string()), began.elapsed()),
            }
        }
    };
    if !expect.is_lateness() {
        request.timeout_ms = INTRODUCTION.as_millis() as u64;
    }
    let began = Instant::now();
    let outcome = match tools.metered(request, place.caller()).await.result {
        Ok(value) => Outcome::Answered(value),
        Err(error) => Outcome::Ended(error.kind, error.message),
    };
    let took = began.elapsed();
    drop(flipping);
    let right = tools.call(place.request("calculator", json!({ "expression": "6*7" }))).await;
    assert_eq!(right.expect("the neighbour answers")["result"], "42");
    (outcome, took)
}

/// What is wrong with how it went, if anything is.
fn wrong(place: &Place, case: &Expect, outcome: &Outcome, took: Duration) -> Option<String> {
    // What does not run for ever, a disk may hold up.
    let is_done = matches!(outcome, Outcome::Refused(_) | Outcome::Answered(_));
    let most = if is_done { INTRODUCTION } else { CALL } + LATE;
    let told = outcome.text();
    if !outcome.is(case) {
        return Some("it went otherwise".to_owned());
    }
    if took > most {
        return Some(format!("it took {} ms", took.as_millis()));
    }
    place.touched(&told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the table is for people")]
async fn nothing_in_the_escape_corpus_gets_out() {
    let place = Place::new();
    let cases = corpus(&place);
    let (count, mut classes, mut bad) = (cases.len(), BTreeMap::<_, usize>::new(), Vec::new());
    let before = rss_kb();
    for Case { class, name, attempt, expect } in cases {
        let (outcome, took) = attempted(&place, attempt, &expect).await;
        let wrong = wrong(&place, &expect, &outcome, took);
        let told: String = outcome.text().chars().take(90).collect();
        let verdict = if wrong.is_some() { "ESCAPED" } else { "held" };
        println!("{verdict:7} {class:12} {name:58} {:4} ms  {told}", took.as_millis());
        if let Some(why) = wrong {
            bad.push(format!("{class}, {name}: {why}: {}", outcome.text()));
        }
        *classes.entry(class).or_default() += 1;
    }
    let grown = rss_kb().saturating_sub(before);
    println!("{count} cases {classes:?}, {} escapes, {} MiB more resident", bad.len(), grown >> 10);
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(grown < LEFT_KB, "the corpus left {grown} KiB behind");
    assert!(count >= CASES_MIN && classes.len() >= 10, "{count} cases of {} classes", classes.len());
}
