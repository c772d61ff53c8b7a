//! What the trained model does through all of this. Skipped while there is only the untrained draft.

use playhouse_core::{
    message::{Arguments, Message},
    model::{Finish, Usage},
};
use playhouse_ports::{ChatModel, no_deltas};
use serde_json::json;

use crate::kit::{Running, model, request, tool};

#[tokio::test(flavor = "multi_thread")]
async fn the_trained_model_calls_a_tool_and_tells_its_result() {
    if !model().ends_with("nano.gguf") {
        return;
    }
    let running = Running::process();
    let ask = |messages: Vec<Message>| {
        let mut asked = request("c", messages);
        asked.tools.insert(1, tool("convert", "value"));
        asked.sampling.max_tokens = 200;
        asked
    };
    let mut messages = vec![Message::user("What is 17 times 23?")];
    let called = running.llama.chat(ask(messages.clone()), no_deltas()).await.expect("answers");
    assert_eq!(called.finish, Finish::ToolCalls, "{called:?}");
    let call = called.message.tool_calls[0].clone();
    assert_eq!(
        (call.name.as_str(), &call.arguments),
        ("calculator", &Arguments::Json(json!({"expression": "17 * 23"})))
    );
    messages.push(Message::Assistant(called.message));
    messages.push(Message::Tool { call_id: call.id, name: call.name, content: r#"{"result":"391"}"#.into() });
    let told = running.llama.chat(ask(messages), no_deltas()).await.expect("answers");
    assert!(told.message.content.contains("391"), "{told:?}");
    assert_eq!(told.finish, Finish::Stop);
}

/// Not a test of speed, but the place to see it: `cargo test -- --nocapture tokens_per_second`.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_per_second() {
    let running = Running::process();
    running.llama.ready().await;
    for side_by_side in [1_usize, 4] {
        let begun = std::time::Instant::now();
        let calls = (0..side_by_side).map(|n| {
            let mut asked = request(&format!("{side_by_side} {n}"), vec![Message::user("go on")]);
            asked.sampling.max_tokens = 400;
            asked.sampling.temperature = 1.0;
            asked.sampling.seed = Some(n as u64);
            let llama = running.llama.clone();
            tokio::spawn(async move { llama.chat(asked, no_deltas()).await.expect("answers").usage })
        });
        let mut sum = Usage::default();
        for call in calls.collect::<Vec<_>>() {
            sum += call.await.expect("no panic");
        }
        let rate = sum.output_tokens as f64 / begun.elapsed().as_secs_f64();
        eprintln!("{side_by_side} side by side: {} tokens, {rate:.0} tokens/s", sum.output_tokens);
        assert!(0 < sum.output_tokens);
    }
}
