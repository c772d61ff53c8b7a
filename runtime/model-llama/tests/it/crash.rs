//! The worker dies; nobody else does.

use std::time::Duration;

use playhouse_core::model::{ModelErrorKind, Sampling};
use playhouse_model_llama::{LlamaConfig, Worker, WorkerExit};
use playhouse_ports::{ChatModel, no_deltas};

use crate::kit::{PATIENCE, Running, ask, model, process, workers};

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_fails_the_call_retryably_and_the_next_worker_answers() {
    let mut command = process();
    command.env.push(("PLAYHOUSE_LLAMA_TEST_ABORT".into(), "doomed".into()));
    let running = Running::start(LlamaConfig::new(model()), Worker::Process(command));
    let bystander = Running::in_process();
    let error = running.llama.chat(ask("doomed", "hi"), no_deltas()).await.expect_err("aborted");
    assert_eq!(error.kind, ModelErrorKind::Crashed);
    assert!(error.kind.retryable() && error.message.contains("SIGABRT"), "{error}");
    bystander.llama.chat(ask("a", "hi"), no_deltas()).await.expect("another backend does not notice");
    running.llama.chat(ask("fine", "hi"), no_deltas()).await.expect("the next worker answers");
    let exits = running.exits.lock().expect("not poisoned").clone();
    assert!(
        matches!(&exits[..], [WorkerExit::Died { status, .. }] if status.contains("SIGABRT")),
        "{exits:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_fails_what_was_in_flight_and_is_replaced() {
    let mut command = process();
    let mark = format!("to be killed by {}", std::process::id());
    command.env.push(("PLAYHOUSE_TEST_MARK".into(), mark.clone().into()));
    let running = Running::start(LlamaConfig::new(model()), Worker::Process(command));
    tokio::time::timeout(PATIENCE, running.llama.ready()).await.expect("up");
    // Long enough to be caught in the middle: many calls, each to the end of its context.
    let long = |n: usize| {
        let mut request = ask(&format!("c{n}"), "go on");
        request.sampling = Sampling { max_tokens: 900, temperature: 1.5, ..Sampling::default() };
        let llama = running.llama.clone();
        tokio::spawn(async move { llama.chat(request, no_deltas()).await })
    };
    let calls: Vec<_> = (0..24).map(long).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for pid in workers(&mark) {
        std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
    }
    let mut crashed = 0;
    for call in calls {
        match call.await.expect("no panic") {
            Err(error) if error.kind == ModelErrorKind::Crashed => crashed += 1,
            Ok(_) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(0 < crashed, "some calls were in flight");
    running.llama.chat(ask("again", "hi"), no_deltas()).await.expect("the next worker answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_no_worker_is_told_apart() {
    let command = playhouse_model_llama::WorkerCommand::new("/bin/false");
    let llama = playhouse_model_llama::Llama::open("x", LlamaConfig::new(model()), Worker::Process(command));
    let exit = llama.expect("opens").run().await;
    assert!(
        matches!(&exit, WorkerExit::Died { status, .. } if status.contains("exit status: 1")),
        "{exit:?}"
    );
    let missing = playhouse_model_llama::WorkerCommand::new("/nowhere/worker");
    let llama = playhouse_model_llama::Llama::open("x", LlamaConfig::new(model()), Worker::Process(missing));
    assert!(matches!(llama.expect("opens").run().await, WorkerExit::Spawn(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_not_served_under_the_old_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.gguf");
    std::fs::copy(model(), &path).expect("copied");
    let llama =
        playhouse_model_llama::Llama::open("m", LlamaConfig::new(&path), Worker::InProcess).expect("opens");
    let file = std::fs::File::options().write(true).open(&path).expect("opens");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("touched");
    assert_eq!(llama.run().await, WorkerExit::FileChanged(path));
}
