//! A daemon in the hands of its operators: looked at, told to stop, watched over by an init system.

use std::{
    net::TcpListener,
    os::unix::net::UnixDatagram,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{Place, http, playhouse, run, text};

/// The longest drain that is promised.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// A process that is told to stop at once needs no longer, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Tasks under way and waiting when the signal comes.
const LOAD: usize = 60;

/// A model that takes connections and never answers, and the configuration that names it.
fn silent_model(server: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let config = format!(
        "default_model = \"silent\"\n{server}\n[models.silent]\nkind = \"openai\"\nbase_url = \"{url}\"\n\
         model = \"m\"\ncontext_tokens = 4096\n"
    );
    (listener, config)
}

/// F13: SIGTERM under load. Every acknowledged task is answered rightly in the end, no tool call is repeated,
/// and nobody is refused without a word on when to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_loses_nothing_and_repeats_nothing() {
    let place = Place::new();
    let daemon = place.start();
    daemon.until("/readyz", |status, _| status == 200).await;
    let mut tasks = Vec::new();
    for _ in 0..LOAD {
        tasks.push(daemon.submit("What is amber-falcon times 3?").await);
    }
    let began = Instant::now();
    daemon.signal("TERM");
    let (mut late, mut refused) = (Vec::new(), 0);
    // Until it no longer listens: refused with advice, or accepted before it heard the signal.
    loop {
        let body = json!({"agent": "assistant", "input": "What is 37 times 12?"});
        let Ok(response) = http().post(format!("{}/v1/tasks", daemon.url)).json(&body).send().await else {
            break;
        };
        let (status, retry) = (response.status().as_u16(), response.headers().contains_key("retry-after"));
        let Ok(task) = response.json::<serde_json::Value>().await else { break };
        match status {
            202 => late.push(task["id"].as_str().unwrap().to_owned()),
            503 if retry => refused += 1,
            _ => panic!("{status} {task}"),
        }
    }
    let (status, log) = daemon.ended();
    let took = began.elapsed();
    assert!(status.success() && took <= DRAIN_MAX, "{status} after {took:?}: {log:#?}");
    let calls = place.calls();
    assert!(calls.values().all(|times| *times == 1), "a call was cut off: {calls:?}");

    let daemon = place.start();
    for (tasks, answer) in [(&tasks, "42"), (&late, "444")] {
        for task in tasks {
            let task = daemon.finish(task).await;
            assert!(task["output"].as_str().unwrap_or_default().contains(answer), "{task}");
        }
    }
    let calls = place.calls();
    assert!(calls.values().all(|times| *times == 1), "a call was repeated: {calls:?}");
    println!(
        "drained in {} ms with {LOAD} tasks under way: 0 lost, 0 calls cut off or repeated, {refused} refused",
        took.as_millis()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_does_not_end_is_cut_off_when_the_time_is_up_and_its_task_goes_on_later() {
    let (listener, config) = silent_model("[server]\ndrain_ms = 2000");
    let place = Place::with_config(&config);
    let daemon = place.start();
    let task = daemon.submit("hello").await;
    let _call = listener.accept().unwrap(); // The model is being asked.
    let began = Instant::now();
    let (status, log) = daemon.terminate();
    let took = began.elapsed();
    assert!(status.success(), "{status}: {log:#?}");
    // Most of the time is given to the call, and the whole is kept but for the end of the process.
    assert!((Duration::from_millis(1400)..Duration::from_millis(2000) + AT_ONCE).contains(&took), "{took:?}");
    let daemon = place.start();
    // It was running when it was left, so that alone does not say that it goes on.
    let task = daemon.until(&format!("/v1/tasks/{task}"), |_, task| task["epoch"] == 1).await;
    assert_eq!(task["status"], "running", "resumed: {task}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_stops_at_once() {
    let (listener, config) = silent_model("");
    let place = Place::with_config(&config);
    let daemon = place.start();
    daemon.submit("hello").await;
    let _call = listener.accept().unwrap(); // The model is being asked.
    daemon.signal("TERM");
    let ready = daemon.until("/readyz", |status, _| status == 503).await;
    assert!(ready["problems"].to_string().contains("the daemon is stopping"), "{ready}");
    let began = Instant::now();
    let (status, log) = daemon.terminate();
    assert!(began.elapsed() < AT_ONCE, "{:?}: {log:#?}", began.elapsed());
    assert_eq!(status.code(), Some(143), "{log:#?}");
}

/// F7: nobody waits for a dead socket longer than the task's own time, and a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_model_never_answers_ends_at_its_deadline() {
    let (_listener, config) = silent_model("");
    let place = Place::with_config(&config);
    let daemon = place.start();
    let body = json!({"agent": "direct", "input": "hello", "limits": {"time_ms": 2000}});
    let began = Instant::now();
    let (status, task) = daemon.post("/v1/tasks", body).await;
    assert_eq!(status, 202, "{task}");
    let task = daemon.finish(task["id"].as_str().unwrap()).await;
    let took = began.elapsed();
    assert_eq!(task["status"], "failed", "{task}");
    assert!((Duration::from_secs(2)..=Duration::from_secs(3)).contains(&took), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_init_system_hears_that_we_are_ready_well_and_stopping() {
    let mut place = Place::new();
    let path = place.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    place.set("NOTIFY_SOCKET", &path);
    place.set("WATCHDOG_USEC", "1000000");
    let daemon = place.start();
    let hear = || {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).expect("something is told");
        text(&bytes[..length])
    };
    let mut heard = Vec::new();
    let mut until = |wanted: &str, times: usize| {
        while heard.iter().filter(|told: &&String| told.contains(wanted)).count() < times {
            heard.push(hear());
        }
    };
    until("READY=1", 1);
    // With nothing to do the journal is probed.
    let since = Instant::now();
    until("WATCHDOG=1", 5);
    assert!(since.elapsed() < Duration::from_secs(5), "fed twice a second: {:?}", since.elapsed());
    until("STATUS=0 tasks live, 0 queued\n", 1); // Once the model is loaded.
    daemon.signal("TERM");
    until("STOPPING=1", 1);
    let (status, log) = daemon.terminate();
    assert!(status.success() || status.code() == Some(143), "{log:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_of_a_running_daemon_can_be_looked_at() {
    let place = Place::new();
    let daemon = place.start();
    daemon.until("/readyz", |status, _| status == 200).await;
    let task = daemon.submit("What is 37 times 12?").await;
    daemon.finish(&task).await;
    let drawn = run(&["tree", "--url", &daemon.url]);
    let drawing = text(&drawn.stdout);
    assert!(drawn.status.success(), "{}", text(&drawn.stderr));
    for part in
        ["root", "journal", "memory", "model:nano", "worker:nano", "tools", "planners", "dispatcher", "edge"]
    {
        assert!(drawing.contains(part), "no {part} in {drawing}");
    }
    for worker in daemon.workers() {
        crate::harness::signal(worker, "KILL");
    }
    let restarted = |_: u16, tree: &serde_json::Value| tree.to_string().contains("\"restarts\":1");
    daemon.until("/v1/tree", restarted).await;
    let tree: serde_json::Value =
        serde_json::from_slice(&run(&["tree", "--json", "--url", &daemon.url]).stdout).unwrap();
    let models = tree["children"].as_array().unwrap().iter().find(|child| child["id"] == "models").unwrap();
    let worker =
        models["children"].as_array().unwrap().iter().find(|child| child["id"] == "worker:nano").unwrap();
    assert!(worker["restarts"].as_u64() >= Some(1) && worker["last_exit"].is_string(), "{tree}");
    let model =
        models["children"].as_array().unwrap().iter().find(|child| child["id"] == "model:nano").unwrap();
    assert_eq!(
        (&model["restarts"], &model["state"]),
        (&json!(0), &json!("0 running, 0 waiting")),
        "undisturbed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_at_rest_can_be_verified_compacted_exported_and_proven() {
    let place = Place::new();
    let daemon = place.start();
    let task = daemon.submit("What is 37 times 12?").await;
    daemon.finish(&task).await;
    let data = place.path("data");
    let busy = run(&["journal", "verify", "--data", &data]);
    assert!(!busy.status.success() && text(&busy.stderr).contains("uses"), "{}", text(&busy.stderr));
    daemon.terminate();

    let export = place.path("export.jsonl");
    for (args, says) in [
        (vec!["verify"], "all is well"),
        (vec!["export", "--out", export.as_str()], ""),
        (vec!["prove", export.as_str()], "are what they were"),
        (vec!["compact"], "bytes before"),
        (vec!["repair"], "all is well"),
    ] {
        let args: Vec<_> = ["journal"].into_iter().chain(args).chain(["--data", &data]).collect();
        let done = run(&args);
        let said = text(&done.stdout);
        assert!(done.status.success() && said.contains(says), "{args:?}: {said} {}", text(&done.stderr));
    }
    assert!(std::fs::read_to_string(&export).unwrap().contains(&task));
    let nowhere = run(&["journal", "verify", "--data", &place.path("nowhere")]);
    assert!(!nowhere.status.success() && text(&nowhere.stderr).contains("--data"));
    let daemon = place.start();
    assert_eq!(daemon.get(&format!("/v1/tasks/{task}")).await.1["status"], "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_erased_when_it_is_meant_and_the_daemon_goes_on_without_its_words() {
    let mut place = Place::with_config("[journal]\nmaster_key_env = \"TEST_MASTER_KEY\"\n");
    let key = "5a".repeat(32);
    place.set("TEST_MASTER_KEY", &key);
    let daemon = place.start();
    let task = daemon.submit("What is 37 times 12?").await;
    daemon.finish(&task).await;
    daemon.terminate();

    let (data, config) = (place.path("data"), place.path("playhouse.toml"));
    let erase = |args: &[&str]| {
        let mut command = playhouse();
        command.args(["journal", "erase", "--data", &data, "--config", &config]).args(args);
        command.env("TEST_MASTER_KEY", &key).stdin(Stdio::null()).output().unwrap()
    };
    let unmeant = erase(&["--tenant", "local"]);
    assert!(
        !unmeant.status.success() && text(&unmeant.stderr).contains("--yes"),
        "{}",
        text(&unmeant.stderr)
    );
    let nobody = erase(&["--tenant", "nobody", "--yes"]);
    assert!(
        nobody.status.code() == Some(1) && text(&nobody.stdout).contains("local"),
        "{}",
        text(&nobody.stdout)
    );
    let done = erase(&["--tenant", "local", "--yes"]);
    assert!(done.status.success() && text(&done.stdout).contains("is erased"), "{}", text(&done.stderr));

    let daemon = place.start();
    let (status, told) = daemon.get(&format!("/v1/tasks/{task}")).await;
    assert!(status == 404 && told["detail"].as_str().unwrap().contains("erased"), "{told}");
    let next = daemon.submit("What is 37 times 12?").await;
    assert_eq!(daemon.finish(&next).await["status"], "done");
}
