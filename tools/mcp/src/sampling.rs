//! A server's question to a model: what of it is passed on, and what comes back.
//!
//! Only text goes either way. What would widen the question, tools or the context of others, is declined and not left
//! out: the server would take the answer for one that had them. Its wishes for a model and a temperature are nobody's
//! duty and are not looked at.

#![expect(
    deprecated,
    reason = "servers of the older protocol versions, which are most, ask for sampling this way"
)]

use playhouse_core::{
    message::{Assistant, Message},
    model::{Finish, Reply},
};
use playhouse_ports::ToolQuestion;
use playhouse_tools_policy::Leaks;
use rmcp::model::{
    ContextInclusion, CreateMessageRequestParams, CreateMessageResult, Role, SamplingMessage,
    SamplingMessageContentBlock,
};

use crate::{
    bounds::{SAMPLING_BYTES_MAX, SAMPLING_MESSAGES_MAX},
    config::Sampling,
    words::visible,
};

/// What the model is asked; the error is for the server.
pub(crate) fn question(
    request: CreateMessageRequestParams,
    policy: Sampling,
    leaks: &Leaks,
) -> Result<ToolQuestion, String> {
    if request.tools.is_some() || request.tool_choice.is_some() {
        return Err("tools are not offered to a model that is asked for a server".into());
    }
    if !matches!(request.include_context, None | Some(ContextInclusion::None)) {
        return Err("the context of other servers is not included: send what the model is to know".into());
    }
    if request.messages.is_empty() || request.messages.len() > SAMPLING_MESSAGES_MAX {
        return Err(format!("a question has 1 to {SAMPLING_MESSAGES_MAX} messages"));
    }
    let mut messages: Vec<Message> = Vec::with_capacity(request.messages.len() + 1);
    messages.extend(request.system_prompt.map(|content| Message::System { content: visible(&content) }));
    for message in request.messages {
        let role = message.role.clone();
        let content = text(message).ok_or("only text is passed on to a model")?;
        messages.push(match role {
            Role::User => Message::User { content },
            Role::Assistant => Message::Assistant(Assistant { content, ..Assistant::default() }),
        });
    }
    let bytes: usize = messages.iter().map(|message| words(message).len()).sum();
    if bytes > SAMPLING_BYTES_MAX {
        return Err(format!("the question has {bytes} bytes, and {SAMPLING_BYTES_MAX} are allowed"));
    }
    if messages.iter().any(|message| leaks.find(words(message).as_bytes()).is_some()) {
        return Err("the question holds a secret".into());
    }
    Ok(ToolQuestion { messages, max_tokens: request.max_tokens.clamp(1, policy.max_tokens) })
}

fn words(message: &Message) -> &str {
    match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => content,
        Message::Assistant(assistant) => &assistant.content,
    }
}

/// The text of a message, if it is nothing else.
fn text(message: SamplingMessage) -> Option<String> {
    let text = |block: SamplingMessageContentBlock| match block {
        SamplingMessageContentBlock::Text(text) => Some(visible(&text.text)),
        _ => None,
    };
    let texts: Option<Vec<String>> = message.content.into_vec().into_iter().map(text).collect();
    Some(texts?.join("\n"))
}

/// What the server is told; the error is for the server, too.
pub(crate) fn answer(reply: Reply) -> Result<CreateMessageResult, String> {
    let content = reply.message.content;
    if reply.finish == Finish::ContentFilter || content.is_empty() {
        return Err("the model gave no text".into());
    }
    if content.len() > SAMPLING_BYTES_MAX {
        return Err(format!("the model's text has more than {SAMPLING_BYTES_MAX} bytes"));
    }
    let mut result = CreateMessageResult::new(SamplingMessage::assistant_text(content), reply.model);
    let reason = match reply.finish {
        Finish::Length => CreateMessageResult::STOP_REASON_END_MAX_TOKEN,
        _ => CreateMessageResult::STOP_REASON_END_TURN,
    };
    result.stop_reason = Some(reason.to_owned());
    Ok(result)
}

#[cfg(test)]
mod tests {
    use playhouse_core::model::Usage;
    use serde_json::{Value, json};

    use super::*;

    const POLICY: Sampling = Sampling { max_tokens: 500, questions: 4 };

    fn ask(request: Value) -> Result<ToolQuestion, String> {
        let leaks = Leaks::of([("key", "hunter2hunter2")]).unwrap();
        question(serde_json::from_value(request).unwrap(), POLICY, &leaks)
    }

    fn user(text: &str) -> Value {
        json!({ "role": "user", "content": { "type": "text", "text": text } })
    }

    #[test]
    fn words_are_passed_on_in_order_and_within_the_operators_bound() {
        let asked = ask(json!({
            "messages": [user("a\u{1b}b"), { "role": "assistant", "content": [{ "type": "text", "text": "c" }] }],
            "systemPrompt": "be short", "maxTokens": 9_000, "temperature": 0.7, "includeContext": "none",
        }));
        let content = |text: &str| text.to_owned();
        let messages = vec![
            Message::System { content: content("be short") },
            Message::User { content: content("a\u{FFFD}b") },
            Message::Assistant(Assistant { content: content("c"), ..Assistant::default() }),
        ];
        assert_eq!(asked, Ok(ToolQuestion { messages, max_tokens: 500 }));
        assert_eq!(ask(json!({ "messages": [user("a")], "maxTokens": 7 })).unwrap().max_tokens, 7);
    }

    #[test]
    fn what_is_no_plain_question_is_declined_with_a_reason() {
        let image =
            json!({ "role": "user", "content": { "type": "image", "data": "AA", "mimeType": "image/png" } });
        let tool = json!([{ "name": "t", "inputSchema": { "type": "object" } }]);
        let many = vec![user("a"); SAMPLING_MESSAGES_MAX + 1];
        for (messages, extra, wanted) in [
            (json!([image]), ("_", json!(0)), "only text"),
            (json!([user("a")]), ("tools", tool), "tools are not offered"),
            (json!([user("a")]), ("toolChoice", json!({ "mode": "auto" })), "tools are not offered"),
            (json!([user("a")]), ("includeContext", json!("allServers")), "is not included"),
            (json!([user("a")]), ("includeContext", json!("thisServer")), "is not included"),
            (json!([]), ("_", json!(0)), "1 to 64 messages"),
            (json!(many), ("_", json!(0)), "1 to 64 messages"),
            (json!([user(&"x".repeat(SAMPLING_BYTES_MAX + 1))]), ("_", json!(0)), "bytes"),
            (json!([user("the key is hunter2hunter2!")]), ("_", json!(0)), "secret"),
            (json!([user("a")]), ("systemPrompt", json!("68756e7465723268756e74657232")), "secret"),
        ] {
            let mut request = json!({ "messages": messages, "maxTokens": 9 });
            request[extra.0] = extra.1;
            let why = ask(request).unwrap_err();
            assert!(why.contains(wanted), "{wanted}: {why}");
        }
    }

    #[test]
    fn an_answer_is_text_with_its_end() {
        let reply = |content: &str, finish| Reply {
            message: Assistant { content: content.into(), ..Assistant::default() },
            usage: Usage::default(),
            finish,
            model: "nano".into(),
        };
        let told = serde_json::to_value(answer(reply("hi", Finish::Length)).unwrap()).unwrap();
        assert_eq!(
            (&told["model"], &told["role"], &told["content"]["text"], &told["stopReason"]),
            (&json!("nano"), &json!("assistant"), &json!("hi"), &json!("maxTokens"))
        );
        for bad in [reply("", Finish::ToolCalls), reply("x", Finish::ContentFilter)] {
            assert!(answer(bad).unwrap_err().contains("no text"));
        }
    }
}
