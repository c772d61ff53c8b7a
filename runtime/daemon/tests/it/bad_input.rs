//! Bad input, each with a clear error and nothing lost.

use serde_json::json;

use crate::harness::{Place, playhouse, text};

#[tokio::test]
async fn a_prompt_too_long_for_the_model_is_refused_with_both_numbers() {
    let place = Place::new();
    let daemon = place.start();
    let input = "one and two and three ".repeat(400);
    let (status, problem) = daemon.post("/v1/tasks", json!({"agent": "assistant", "input": input})).await;
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert_eq!(status, 400, "{problem}");
    assert!(detail.contains("tokens") && detail.contains("nano"), "{detail}");
    let (_, list) = daemon.get("/v1/tasks").await;
    assert_eq!(list["tasks"], json!([]), "refused before any work");
}

#[tokio::test]
async fn unknown_names_and_empty_inputs_are_refused_with_what_would_be_right() {
    let place = Place::new();
    let daemon = place.start();
    for (body, status, says) in [
        (json!({"agent": "nobody", "input": "x"}), 404, "the agents are: assistant, direct"),
        (json!({"agent": "assistant", "input": " "}), 400, "`input` is empty"),
        (json!({"agent": "assistant", "input": "a\u{0}b"}), 400, "NUL"),
        (json!({"agent": "assistant", "input": "x".repeat(1 << 20) + "x"}), 413, "bytes"),
    ] {
        let (got, problem) = daemon.post("/v1/tasks", body).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(got == status && detail.contains(says), "{got} {problem}");
    }
    for path in ["/v1/tasks/nothing", "/v1/sessions/nothing", "/v1/tasks/nothing/events"] {
        assert_eq!(daemon.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_missing_or_broken_model_file_leaves_the_daemon_up_and_says_so() {
    let broken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(broken.path(), b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff and no more").unwrap();
    for path in ["/nowhere/model.gguf", broken.path().to_str().unwrap()] {
        let config = format!("default_model = \"bad\"\n[models.bad]\nkind = \"llama\"\npath = \"{path}\"\n");
        let place = Place::with_config(&config);
        let daemon = place.start();
        let (status, ready) = daemon.get("/readyz").await;
        assert!(status == 503 && ready.to_string().contains(path), "{ready}");
        let id = daemon.submit("What is 1 plus 1?").await;
        let task = daemon.finish(&id).await;
        assert_eq!(task["status"], "failed");
        assert!(task["error"]["message"].as_str().unwrap().contains(path), "{task}");
    }
}

#[test]
fn a_second_daemon_on_the_same_data_directory_is_refused() {
    let place = Place::new();
    let daemon = place.start();
    let told = place.refused();
    assert!(told.contains(&daemon.child.id().to_string()) && told.contains("data"), "{told}");
}

#[test]
fn a_data_directory_that_cannot_be_one_is_refused() {
    let place = Place::new();
    std::fs::write(place.path("data"), "a file").unwrap();
    let told = place.refused();
    assert!(told.contains("data") && told.contains("directory"), "{told}");
}

#[test]
fn a_bad_configuration_is_refused_with_file_line_and_remedy() {
    for (config, says) in [
        ("[server]\nlisten = 7\n", "line 2"),
        ("sever = 1\n", "unknown field"),
        ("default_model = \"gpt\"\n", "add [models.gpt]"),
        ("agents = \"/nowhere\"\n", "check `agents`"),
        ("[tools.calculator]\ncomponent = \"/nowhere.wasm\"\n", "/nowhere.wasm"),
    ] {
        let told = Place::with_config(config).refused();
        assert!(told.contains(says), "{config}: {told}");
        assert!(!told.contains("panicked"), "{told}");
    }
}

#[test]
fn an_agent_that_wants_what_was_not_granted_is_refused() {
    let place = Place::with_config("agents = \"agents\"\n");
    std::fs::create_dir_all(place.path("agents/greedy")).unwrap();
    let agent = |tools: &str| {
        let file = format!("name = \"greedy\"\ninstructions = \"x\"\n{tools}\n");
        std::fs::write(place.path("agents/greedy/agent.toml"), file).unwrap();
        place.refused()
    };
    let told = agent("[tools.lookup]\ntable = \"secrets\"");
    assert!(told.contains("greedy") && told.contains("secrets") && told.contains("parts"), "{told}");
    let told = agent("[tools.teleport]");
    assert!(told.contains("there is no tool `teleport`"), "{told}");
}

#[test]
fn another_address_than_loopback_is_refused_without_keys() {
    let place = Place::new();
    let output =
        playhouse().args(["serve", "--listen", "0.0.0.0:0", "--data", &place.path("data")]).output().unwrap();
    let told = text(&output.stderr);
    assert!(!output.status.success() && told.contains("no API key is configured"), "{told}");
}
