//! A model that answers, calls tools, fails in every way there is, stalls, talks nonsense, and streams.

use std::sync::Arc;

use async_trait::async_trait;
use playhouse_core::{
    message::{Arguments, Assistant, ToolCall},
    model::{ChatRequest, Finish, ModelError, ModelErrorKind, ModelInfo, Reply, Usage},
};
use playhouse_ports::{ChatModel, Delta, Deltas};

use crate::{
    agents::arguments,
    oracle::{Invariant, ensure},
    panic::Injected,
    world::Process,
};

/// Every way a model fails.
const FAILURES: [ModelErrorKind; 12] = [
    ModelErrorKind::BadRequest,
    ModelErrorKind::Auth,
    ModelErrorKind::ContextOverflow,
    ModelErrorKind::Quota,
    ModelErrorKind::RateLimited,
    ModelErrorKind::Unavailable,
    ModelErrorKind::Network,
    ModelErrorKind::Timeout,
    ModelErrorKind::BadResponse,
    ModelErrorKind::ContentFilter,
    ModelErrorKind::Crashed,
    ModelErrorKind::Cancelled,
];

/// The model of one life.
pub(crate) struct SimModel(pub(crate) Process);

/// A call that is running.
struct Running<'a>(&'a Process);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.model_calls(-1);
    }
}

#[async_trait]
impl ChatModel for SimModel {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: "scripted".into(),
            version: "sim-1".into(),
            provider: "simulated".into(),
            context_tokens: 1_000_000,
            bytes_per_token: 4,
        }
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        let bytes: usize = request.messages.iter().map(|message| message.text_bytes()).sum();
        Ok(u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError> {
        let process = &self.0;
        process.gate().await;
        let world = &process.world;
        process.note(format_args!("model asked {} {}", request.conversation, request.messages.len()));
        world.check(world.oracle().asks(&request));
        let running = process.model_calls(1);
        let _running = Running(process);
        let most = world.plan.permits;
        world.check(ensure(running <= most, Invariant::J7, || {
            format!("{running} calls of the model run; its permits are {most}")
        }));
        process.latency().await;
        let rates = &world.plan.rates;
        if process.fails(rates.model_panic) {
            Injected::panic();
        }
        if process.fails(rates.model_stall) {
            process.wait(3_600_000).await;
        }
        if process.fails(rates.model_error) {
            let kind = world.chance(|rng| *rng.choice(&FAILURES).expect("there are failures"));
            process.note(format_args!("model fails {kind:?}"));
            return Err(ModelError::new(kind, "a simulated failure"));
        }
        let reply = world.chance(|rng| reply(rng, &request, process.clock_ms()));
        for word in reply.message.content.split_inclusive(' ') {
            deltas(Delta::Text(word.to_owned()));
            process.latency().await;
        }
        process.note(format_args!("model replies {:?} {}", reply.finish, reply.message.tool_calls.len()));
        Ok(reply)
    }
}

fn reply(rng: &mut fastrand::Rng, request: &ChatRequest, clock_ms: u64) -> Reply {
    let (mut message, mut finish) = (Assistant::default(), Finish::Stop);
    match rng.u32(..20) {
        0 => {} // Nothing at all.
        1 => (message.content, finish) = ("cut sho".into(), Finish::Length),
        2 => finish = Finish::ContentFilter,
        3..10 => message.content = format!("the answer is {}", rng.u32(..1000)),
        _ => {
            finish = Finish::ToolCalls;
            message.tool_calls = (0..rng.usize(1..4)).map(|n| call(rng, n, request, clock_ms)).collect();
        }
    }
    let usage = Usage { input_tokens: 10, cached_tokens: 0, output_tokens: 5 };
    Reply { message, usage, finish, model: "sim-1".into() }
}

fn call(rng: &mut fastrand::Rng, n: usize, request: &ChatRequest, clock_ms: u64) -> ToolCall {
    let name = match rng.u32(..20) {
        0 => "no_such_tool",
        _ => rng.choice(&*request.tools).map_or("look", |tool| &tool.name),
    };
    let arguments = match rng.u32(..20) {
        0 => Arguments::Malformed { raw: "{".into(), error: "it ends too early".into() },
        _ => Arguments::Json(arguments(rng, name, request, clock_ms)),
    };
    ToolCall { id: format!("call_{n}"), name: name.into(), arguments }
}

/// For [`Arc`]ing where a port is wanted.
pub(crate) fn model(process: &Process) -> Arc<dyn ChatModel> {
    Arc::new(SimModel(process.clone()))
}
