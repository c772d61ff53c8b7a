//! Houses: sessions, streams, data directories, workers.

use playhouse::{
    Agent, ApiErrorKind, Error, Event, Playhouse, TaskEvent,
    testing::{ChatRequest, ScriptedModel, answer},
};

/// An agent that says how many messages it was shown.
fn counter() -> Agent {
    let model = ScriptedModel::new(|request: &ChatRequest| answer(&request.messages.len().to_string()));
    Agent::builder("counter").own_model(model).build().expect("the agent is sound")
}

#[tokio::test]
async fn each_turn_of_a_session_sees_the_turns_before_it() {
    let house = Playhouse::builder().agent(counter()).start().await.unwrap();
    let session = house.agent("counter").session("talk").unwrap();
    assert_eq!(session.run("one").await.unwrap().text(), "1");
    assert_eq!(session.run("two").await.unwrap().text(), "3");
    assert_eq!(session.history().await.unwrap().turns.len(), 2);
    assert_eq!(house.agent("counter").run("alone").await.unwrap().text(), "1");
    house.stop().await;
}

#[tokio::test]
async fn a_session_outlives_its_house_when_there_is_a_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    for expected in ["1", "3"] {
        let house = Playhouse::builder().agent(counter()).data(dir.path()).start().await.unwrap();
        let session = house.agent("counter").session("talk").unwrap();
        assert_eq!(session.run("again").await.unwrap().text(), expected);
        house.stop().await;
    }
}

#[tokio::test]
async fn a_run_shows_its_events_and_then_its_answer() {
    let house = Playhouse::builder().agent(counter()).start().await.unwrap();
    let mut run = house.agent("counter").stream("go").await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = run.next().await {
        if let TaskEvent::Record(record) = event.unwrap() {
            events.push(record.event);
        }
    }
    assert!(matches!(events.first(), Some(Event::Submitted(_))));
    assert!(matches!(events.last(), Some(Event::Finished { .. })));
    assert_eq!(run.answer().await.unwrap().text(), "1");
    house.stop().await;
}

#[tokio::test]
async fn a_cancelled_run_says_why_it_ended() {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let model = ScriptedModel::new(|_| answer("too late")).gated(gate);
    let agent = Agent::builder("slow").own_model(model).build().unwrap();
    let house = Playhouse::builder().agent(agent).start().await.unwrap();
    let run = house.agent("slow").stream("go").await.unwrap();
    run.cancel("nobody needs it").await.unwrap();
    let ended = run.answer().await.unwrap_err();
    assert!(matches!(&ended, Error::Cancelled { reason, .. } if reason == "nobody needs it"), "{ended}");
    house.stop().await;
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_refused() {
    let house = Playhouse::builder().agent(counter()).start().await.unwrap();
    let refused = house.agent("nobody").run("go").await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(error) if error.kind == ApiErrorKind::NotFound), "{refused}");
    house.stop().await;
}

#[tokio::test]
async fn a_program_that_cannot_be_a_worker_is_told_how_to_become_one() {
    // The test harness owns `main`, so nobody has called `worker_entry`.
    let refused = playhouse::ask("What is 2 + 3?").await.unwrap_err();
    assert!(matches!(refused, Error::NoWorker { .. }), "{refused}");
    assert!(
        refused.to_string().contains("`playhouse::worker_entry();` the first line of `main`"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_agent_of_a_stopped_house_refuses_work() {
    let house = Playhouse::builder().agent(counter()).start().await.unwrap();
    let session = house.agent("counter").session("talk").unwrap();
    house.stop().await;
    let refused = session.run("anybody there?").await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
}
