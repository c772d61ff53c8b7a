//! What is said aloud when a child fails.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex, OnceLock},
};

use playhouse_supervise::{Strategy, tell};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::set_global_default,
};

use crate::probe::{Fault, LONG, Order, PATIENT, Stage, root};

type Report = BTreeMap<String, String>;

/// Keeps the fields of every event.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<Report>>>);

struct Fields<'a>(&'a mut Report);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("playhouse")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut report = Report::new();
        event.record(&mut Fields(&mut report));
        self.0.lock().unwrap().push(report);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What was said about the failures of `child`. One ear listens to all tests of this program, since a
/// listener of one thread is deaf to what another thread has found nobody to listen to.
fn crashes(child: &str) -> Vec<Report> {
    let heard = ear().0.lock().unwrap();
    let about = |report: &&Report| {
        report.get("message").is_some_and(|m| m == "child failed") && report["child"] == child
    };
    heard.iter().filter(about).cloned().collect()
}

fn ear() -> &'static Ear {
    static EAR: OnceLock<Ear> = OnceLock::new();
    EAR.get_or_init(|| {
        let ear = Ear::default();
        set_global_default(ear.clone()).unwrap();
        ear
    })
}

#[tokio::test(start_paused = true)]
async fn a_crash_report_names_message_state_queue_and_restarts() {
    ear();
    let mut stage = Stage::new();
    let a = stage.probe("reported");
    let _root = root(Strategy::OneForOne, PATIENT, vec![a.permanent()]).await;
    stage.expect(["reported up"]).await;
    let actor = a.slot.get().unwrap();
    for order in [Order::Note(3, 5), Order::Panic, Order::Finish] {
        tell(&actor, order).unwrap();
    }
    stage.expect(["reported up"]).await;
    let says = |report: &Report, field: &str| report.get(field).cloned().unwrap_or_default();
    let first = crashes("reported").remove(0);
    let fields = ["supervisor", "child", "reason", "restarts", "last_message", "state", "queue_depth"];
    let expected = ["root", "reported", "told to", "1", "Panic", "3 running, 5 waiting", "1"];
    assert_eq!(fields.map(|field| says(&first, field)), expected);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_did_not_start_has_no_last_message() {
    ear();
    let mut stage = Stage::new();
    let a = stage.probe("late");
    let _root = root(Strategy::OneForOne, PATIENT, vec![a.permanent()]).await;
    a.plan(Fault::Fail);
    a.tell(Order::Panic);
    stage.expect(["late up", "late does not start", "late up"]).await;
    a.slot.wait(LONG).await.unwrap();
    let crashes = crashes("late");
    assert_eq!(crashes.len(), 2);
    assert_eq!(crashes[0]["last_message"], "Panic");
    assert_eq!(crashes[1]["reason"], "no luck");
    assert!(!crashes[1].contains_key("last_message"), "the one that started has handled nothing");
    assert_eq!(crashes[1]["restarts"], "2");
}
