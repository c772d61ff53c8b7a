//! Calls side by side, one after the other, cancelled, too many, too long.

use std::time::Duration;

use playhouse_core::{
    message::Message,
    model::{Finish, ModelErrorKind, Sampling},
};
use playhouse_model_llama::{LlamaConfig, Worker};
use playhouse_ports::{ChatModel, Delta, no_deltas};

use crate::kit::{PATIENCE, Running, ask, collecting, model, request, written};

#[tokio::test(flavor = "multi_thread")]
async fn batched_replies_equal_serial_ones() {
    let running = Running::process();
    let questions = ["What is 12 plus 7?", "Look up tariff.", "hello", "Convert 5 km to miles"];
    let mut alone = Vec::new();
    for (n, text) in questions.iter().enumerate() {
        alone.push(running.llama.chat(ask(&format!("alone {n}"), text), no_deltas()).await.expect("answers"));
    }
    let together = questions.iter().enumerate().map(|(n, text)| {
        let (llama, request) = (running.llama.clone(), ask(&format!("together {n}"), text));
        tokio::spawn(async move { llama.chat(request, no_deltas()).await })
    });
    for (alone, call) in alone.iter().zip(together.collect::<Vec<_>>()) {
        let together = call.await.expect("no panic").expect("answers");
        assert_eq!(written(&together), written(alone));
        assert_eq!(together.message.content, alone.message.content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_computed_once_and_survives_a_restart() {
    let mut messages = vec![Message::user("What is 12 plus 7?")];
    let mut expected = Vec::new();
    for turn in 0..3 {
        // Every second turn meets a worker that has never seen this conversation.
        let running = Running::in_process();
        let fresh = running.llama.chat(request("c", messages.clone()), no_deltas()).await.expect("answers");
        let counted = running.llama.count_tokens(&request("c", messages.clone())).await.expect("counts");
        assert_eq!(u64::from(counted), fresh.usage.input_tokens);
        let again = running.llama.chat(request("c", messages.clone()), no_deltas()).await.expect("answers");
        assert_eq!(written(&again), written(&fresh), "turn {turn}");
        assert_eq!(
            again.usage.cached_tokens,
            again.usage.input_tokens - 1,
            "only the last token is computed again"
        );
        messages.push(Message::Assistant(fresh.message.clone()));
        messages.push(Message::user("And now?"));
        let next = running.llama.chat(request("c", messages.clone()), no_deltas()).await.expect("answers");
        // All of the prompt and the reply but the last token, which was chosen and never computed.
        let known = fresh.usage.input_tokens + fresh.usage.output_tokens - 1;
        assert_eq!(next.usage.cached_tokens, known, "turn {turn}");
        expected.push(next.usage.input_tokens);
        messages.truncate(messages.len() - 1);
        messages.push(Message::user("And now?"));
        messages.push(Message::Assistant(next.message));
        messages.push(Message::user("More?"));
    }
    assert!(expected.is_sorted(), "{expected:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instructions_and_tools_are_shared_between_conversations() {
    let running = Running::in_process();
    let first = running.llama.chat(ask("a", "What is 12 plus 7?"), no_deltas()).await.expect("answers");
    let second = running.llama.chat(ask("b", "Look up tariff."), no_deltas()).await.expect("answers");
    assert_eq!(first.usage.cached_tokens, 0);
    assert!(0 < second.usage.cached_tokens, "{:?}", second.usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_streamed_is_what_is_replied() {
    let running = Running::process();
    for (n, text) in ["What is 12 plus 7?", "hi", "Look up tariff and double it"].iter().enumerate() {
        let (deltas, seen) = collecting();
        let reply = running.llama.chat(ask(&format!("c{n}"), text), deltas).await.expect("answers");
        let (mut content, mut names) = (String::new(), Vec::new());
        for delta in seen.lock().expect("not poisoned").iter() {
            match delta {
                Delta::Text(text) => content.push_str(text),
                Delta::ToolCall { name, .. } => names.extend(name.clone()),
            }
        }
        assert_eq!(content, reply.message.content);
        assert_eq!(names, reply.message.tool_calls.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_frees_its_place() {
    let config = LlamaConfig { slots: 1, queue: 0, ..LlamaConfig::new(model()) };
    let running = Running::start(config, Worker::Process(crate::kit::process()));
    tokio::time::timeout(PATIENCE, running.llama.ready()).await.expect("up");
    let mut long = ask("long", "go on");
    long.sampling = Sampling { max_tokens: 900, temperature: 2.0, ..Sampling::default() };
    let (deltas, seen) = collecting();
    let llama = running.llama.clone();
    let call = tokio::spawn(async move { llama.chat(long, deltas).await });
    while seen.lock().expect("not poisoned").is_empty() && !call.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let refused = running.llama.chat(ask("b", "hi"), no_deltas()).await;
    if !call.is_finished() {
        let error = refused.expect_err("the only place is taken");
        assert_eq!((error.kind, error.retry_after_ms.is_some()), (ModelErrorKind::RateLimited, true));
    }
    call.abort();
    let answered = async {
        while running.llama.chat(ask("b", "hi"), no_deltas()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("the place is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overflow_names_both_numbers() {
    let running = Running::in_process();
    let mut long = ask("c", &"x".repeat(5000));
    long.sampling.max_tokens = 256;
    let tokens = running.llama.count_tokens(&long).await.expect("counting needs no room");
    let error = running.llama.chat(long, no_deltas()).await.expect_err("too long");
    assert_eq!(error.kind, ModelErrorKind::ContextOverflow);
    let expected = format!(
        "a prompt of {tokens} tokens does not fit: the model has 1024 tokens of context, 256 of them kept for the answer"
    );
    assert!(5000 < tokens && error.message.starts_with(&expected), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_forces_json_and_max_tokens_ends_everything() {
    let running = Running::in_process();
    let mut asked = ask("c", "What is 12 plus 7?");
    asked.tools.clear();
    asked.response_schema =
        Some(serde_json::json!({"type": "object", "properties": {"a": {"type": "boolean"}},
        "required": ["a"], "additionalProperties": false}));
    let reply = running.llama.chat(asked, no_deltas()).await.expect("answers");
    match reply.finish {
        Finish::Stop => {
            assert!(serde_json::from_str::<serde_json::Value>(&reply.message.content).is_ok(), "{reply:?}")
        }
        finish => assert_eq!((finish, reply.usage.output_tokens), (Finish::Length, 48)),
    }
    assert!(reply.message.content.starts_with('{'), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_offered_tools_are_called_and_their_arguments_are_json() {
    let running = Running::in_process();
    let mut called = 0;
    for seed in 0..24 {
        let mut asked = ask(&format!("c{seed}"), "What is 12 plus 7?");
        // Hot enough to misspell, and a name that has to be escaped: the grammar has work to do.
        asked.tools.push(crate::kit::tool("say \"hi\"", "to"));
        asked.sampling =
            Sampling { temperature: 1.4, max_tokens: 300, seed: Some(seed), ..Sampling::default() };
        let reply = running.llama.chat(asked, no_deltas()).await.expect("answers");
        for call in &reply.message.tool_calls {
            assert!(["calculator", "lookup", "say \"hi\""].contains(&call.name.as_str()), "{call:?}");
            let whole = matches!(call.arguments, playhouse_core::message::Arguments::Json(_));
            assert!(whole || reply.finish == Finish::Length, "{reply:?}");
        }
        called += reply.message.tool_calls.len();
    }
    assert!(0 < called || !model().ends_with("nano.gguf"), "the trained model calls tools");
}
