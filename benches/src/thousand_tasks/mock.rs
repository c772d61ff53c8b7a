//! The model behind HTTP: chat completions, not streamed, and a count of requests per task.

use std::{
    collections::HashMap,
    io::{Read, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    args::Args,
    script::{self, Move},
};

/// What the mock has seen since it was last asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// All requests.
    pub(crate) requests: u64,
    /// Tasks that made any.
    pub(crate) tasks: usize,
    /// Tasks that did not make exactly one request per round and one for the answer.
    pub(crate) uneven: usize,
}

struct Mock {
    rounds: u32,
    latency: Duration,
    /// Requests by task.
    requests: Mutex<HashMap<usize, u64>>,
}

/// Serves until the parent is gone. The first line on stdout is the address.
pub(crate) fn serve(args: &Args) -> Result<()> {
    // The parent holds the other end of our stdin; when it is gone, so is the reason to serve.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mock = Mock {
        rounds: args.rounds,
        latency: Duration::from_millis(args.latency_ms),
        requests: Mutex::default(),
    };
    let app = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/seen", get(seen))
        .with_state(Arc::new(mock));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/v1", listener.local_addr()?);
        std::io::stdout().flush()?;
        axum::serve(listener, app).await?;
        Ok(())
    })
}

/// The part of a request that the script needs.
#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
    tools: Vec<Tool>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<String>,
}

#[derive(Deserialize)]
struct Tool {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
}

type Refused = (StatusCode, Json<Value>);

fn refuse(message: String) -> Refused {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({ "error": { "message": message, "type": "invalid_request_error" } })),
    )
}

async fn chat(State(mock): State<Arc<Mock>>, Json(request): Json<Request>) -> Result<Json<Value>, Refused> {
    let of = |role: &'static str| {
        request
            .messages
            .iter()
            .filter(move |message| message.role == role)
            .filter_map(|m| m.content.as_deref())
    };
    let task =
        of("user").next().and_then(script::task).ok_or_else(|| refuse("no task in the input".into()))?;
    let results: Vec<_> = of("tool").collect();
    *mock.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(task).or_default() += 1;
    let tool = request.tools.first().ok_or_else(|| refuse("no tool is offered".into()))?;
    let next = script::next(task, &results, mock.rounds).map_err(refuse)?;
    let (message, finish) = match next {
        Move::Answer(text) => (json!({ "role": "assistant", "content": text }), "stop"),
        Move::Call(expression) => {
            let arguments = json!({ "expression": expression }).to_string();
            let function = json!({ "name": tool.function.name, "arguments": arguments });
            let call =
                json!({ "id": format!("call_{}", results.len()), "type": "function", "function": function });
            (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
        }
    };
    if !mock.latency.is_zero() {
        tokio::time::sleep(mock.latency).await;
    }
    Ok(Json(json!({
        "id": format!("chatcmpl-{task}-{}", results.len()),
        "object": "chat.completion",
        "created": 0,
        "model": "mock-1",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110 },
    })))
}

/// What was seen since the last time, and forgets it.
async fn seen(State(mock): State<Arc<Mock>>) -> Json<Seen> {
    let requests = std::mem::take(&mut *mock.requests.lock().unwrap_or_else(PoisonError::into_inner));
    let wanted = u64::from(mock.rounds) + 1;
    Json(Seen {
        requests: requests.values().sum(),
        tasks: requests.len(),
        uneven: requests.values().filter(|&&made| made != wanted).count(),
    })
}
