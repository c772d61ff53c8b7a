//! Between chat completions and tasks.

use axum::http::StatusCode;
use playhouse_api::{ApiError, Submission};
use playhouse_core::{
    id::TaskId,
    task::{Head, Status, TaskErrorKind, TaskView, Waiting},
};
use playhouse_openai_wire::{
    ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, Content, Delta, FinishReason, Message,
    PromptDetails, ResponseFormat, ResponseMessage, Role, Usage,
};
use serde_json::Value;

use crate::problem::Problem;

/// Fields that change what the answer is and that an agent cannot honour. All others are hints.
const UNSUPPORTED: [&str; 8] = [
    "functions",
    "function_call",
    "stop",
    "logprobs",
    "audio",
    "modalities",
    "prediction",
    "web_search_options",
];

/// The task that `request` asks for.
pub(super) fn submission(
    request: &ChatRequest,
    idempotency_key: Option<String>,
) -> Result<Submission, Problem> {
    check(request)?;
    let Some((last, earlier)) = request.messages.split_last() else {
        return Err(Problem::bad_request("`messages` is empty"));
    };
    if last.role != Role::User {
        return Err(Problem::bad_request("the last of `messages` must have the role `user`"));
    }
    let mut input = String::new();
    for message in earlier {
        input.push_str(&format!("{}: {}\n\n", speaker(message.role), text(message)?));
    }
    if !input.is_empty() {
        input = format!("The conversation so far:\n\n{input}Now:\n\n");
    }
    input.push_str(&text(last)?);
    Ok(Submission { agent: request.model.clone(), input, idempotency_key, ..Submission::default() })
}

fn check(request: &ChatRequest) -> Result<(), Problem> {
    let refused =
        |field: &str, why: &str| Err(Problem::bad_request(format!("`{field}` is not supported: {why}")));
    if !request.tools.is_empty() {
        return refused("tools", "an agent calls its own tools");
    }
    if !matches!(request.response_format, None | Some(ResponseFormat::Text)) {
        return refused("response_format", "the agent's definition says what its answer looks like");
    }
    if request.extra.get("n").is_some_and(|n| !n.is_null() && n != 1) {
        return refused("n", "a task has one answer");
    }
    let is_set = |value: &Value| {
        !matches!(value, Value::Null | Value::Bool(false)) && *value != serde_json::json!(["text"])
    };
    match UNSUPPORTED.iter().find(|field| request.extra.get(**field).is_some_and(is_set)) {
        Some(field) => refused(field, "leave it out"),
        None => Ok(()),
    }
}

fn speaker(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool | Role::Function => "tool",
    }
}

fn text(message: &Message) -> Result<String, Problem> {
    match &message.content {
        None => Ok(String::new()),
        Some(Content::Parts(parts)) if parts.iter().any(|part| part.kind != "text") => Err(
            Problem::bad_request("`messages` may hold text only; images, audio and files are not supported"),
        ),
        Some(content) => Ok(content.to_text()),
    }
}

/// The answer of a task that is over, or why it has none.
pub(super) fn response(task: TaskView) -> Result<ChatResponse, Problem> {
    let (head, content, usage) = answer(task)?;
    let message = ResponseMessage {
        role: "assistant".into(),
        content: Some(Content::Text(content)),
        ..ResponseMessage::default()
    };
    let choice = Choice { message, finish_reason: Some(FinishReason::Stop), ..Choice::default() };
    Ok(ChatResponse {
        id: id(&head),
        object: "chat.completion".into(),
        created: head.submitted_ms / 1000,
        model: head.agent,
        choices: vec![choice],
        usage: Some(usage),
        error: None,
    })
}

pub(super) fn first_chunk(task: &TaskView) -> ChatChunk {
    let delta = Delta {
        role: Some("assistant".into()),
        content: Some(Content::Text(String::new())),
        ..Delta::default()
    };
    chunk(&task.head, ChunkChoice { delta, ..ChunkChoice::default() })
}

/// The answer, its end, and what it cost where that is wanted.
pub(super) fn last_chunks(task: TaskView, with_usage: bool) -> Result<Vec<ChatChunk>, Problem> {
    let (head, content, usage) = answer(task)?;
    let delta = Delta { content: Some(Content::Text(content)), ..Delta::default() };
    let text = ChunkChoice { delta, ..ChunkChoice::default() };
    let end = ChunkChoice { finish_reason: Some(FinishReason::Stop), ..ChunkChoice::default() };
    let mut chunks = vec![chunk(&head, text), chunk(&head, end)];
    if with_usage {
        let last = ChatChunk { usage: Some(usage), ..chunk(&head, ChunkChoice::default()) };
        chunks.push(ChatChunk { choices: Vec::new(), ..last });
    }
    Ok(chunks)
}

fn chunk(head: &Head, choice: ChunkChoice) -> ChatChunk {
    ChatChunk {
        id: id(head),
        object: "chat.completion.chunk".into(),
        created: head.submitted_ms / 1000,
        model: head.agent.clone(),
        choices: vec![choice],
        ..ChatChunk::default()
    }
}

/// From here a client finds the task again.
fn id(head: &Head) -> String {
    format!("chatcmpl-{}", head.task)
}

fn answer(task: TaskView) -> Result<(Head, String, Usage), Problem> {
    let TaskView { head, output, error, reason, usage, .. } = task;
    let (status, kind) = match (head.status, error.as_ref().map(|error| error.kind)) {
        (Status::Done, _) => {
            let usage = Usage {
                prompt_tokens: usage.input_tokens,
                completion_tokens: usage.output_tokens,
                total_tokens: usage.input_tokens + usage.output_tokens,
                prompt_tokens_details: Some(PromptDetails { cached_tokens: usage.cached_tokens }),
                completion_tokens_details: None,
            };
            return Ok((head, output.unwrap_or_default(), usage));
        }
        (_, Some(TaskErrorKind::ContextOverflow)) => (StatusCode::BAD_REQUEST, "context-length-exceeded"),
        (Status::Cancelled, _) => (StatusCode::CONFLICT, "task-cancelled"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "task-failed"),
    };
    let why = error.map(|error| error.message).or(reason).unwrap_or_else(|| "no reason was given".into());
    Err(Problem::new(status, kind, format!("task `{}` ended without an answer: {why}", head.task)))
}

/// The answer to a client whose task waits for something outside, for longer than clients do.
pub(super) fn parked(head: &Head) -> Problem {
    let id = &head.task;
    let why = match head.waiting {
        Some(Waiting::Paused) => format!("is paused until POST /v1/tasks/{id}/resume"),
        Some(Waiting::Approval) => format!("waits for a person's decision at POST /v1/tasks/{id}/decisions"),
        Some(Waiting::Signal) => format!("waits for a message at POST /v1/tasks/{id}/signals/NAME"),
        Some(Waiting::Timer) => match head.due_ms {
            Some(due_ms) => format!("sleeps until {due_ms} ms since 1970"),
            None => "sleeps".to_owned(),
        },
        Some(Waiting::Children) | None => "waits for tasks of its own".to_owned(),
    };
    let detail = format!(
        "task `{id}` {why}, and goes on afterwards: ask for its answer under /v1/tasks/{id}, or send the same \
         request with the same Idempotency-Key; without one, that would start a second task"
    );
    Problem::new(StatusCode::CONFLICT, "task-parked", detail)
}

/// The answer to a client whose task was accepted and then lost sight of. The task goes on, so this is not
/// the error itself: a client that took it for one and tried again would start a second task.
pub(super) fn lost(id: &TaskId, error: ApiError) -> Problem {
    let cause = Problem::from(error);
    let status = StatusCode::from_u16(cause.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let detail = format!("{}; task `{id}` goes on: ask for it under /v1/tasks/{id}", cause.detail);
    Problem::new(status, "task-interrupted", detail)
}
