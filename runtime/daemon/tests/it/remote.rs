//! One daemon as the remote model of another: our client and our server speak the same OpenAI.

use serde_json::json;

use crate::harness::Place;

#[tokio::test]
async fn a_daemon_answers_through_another_daemons_chat_completions() {
    let elsewhere = Place::new();
    let far = elsewhere.start();
    let config = format!(
        "default_model = \"far\"\n[models.far]\nkind = \"openai\"\nbase_url = \"{}/v1\"\nmodel = \"assistant\"\n\
         context_tokens = 4096\n",
        far.url
    );
    let place = Place::with_config(&config);
    let near = place.start();
    let body = json!({"agent": "direct", "input": "What is 37 times 12?"});
    let (status, task) = near.post("/v1/tasks", body).await;
    assert_eq!(status, 202, "{task}");
    let task = near.finish(task["id"].as_str().unwrap()).await;
    assert_eq!(task["status"], "done", "{task}");
    assert!(task["output"].as_str().unwrap().contains("444"), "{task}");
}
