//! One call from request to reply: all the awaiting of this crate. `read` turns the answer into a reply.

use std::fmt;

use async_trait::async_trait;
use playhouse_core::model::{ChatRequest, ModelError, ModelErrorKind as Kind, ModelInfo, Reply};
use playhouse_ports::{ChatModel, Deltas};
use reqwest::{Client, Response, Url, header::LOCATION};
use tokio::sync::Semaphore;

use crate::{
    advice::Advice,
    check::ConfigError,
    client,
    config::OpenAiConfig,
    failure::{Place, host_and_port},
    request,
    secret::Secret,
    wait::Waits,
};

mod body;
mod read;

use body::Body;

/// How much of a refusal's body is read. The words for people come first, in every form.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// A model behind an OpenAI-compatible endpoint.
pub struct OpenAi {
    config: OpenAiConfig,
    endpoint: Url,
    client: Client,
    place: Place,
    slots: Semaphore,
}

impl OpenAi {
    /// Checks `config` and prepares the connection; sends nothing yet. `api_key` is what the environment
    /// variable `api_key_env` holds (see [`Secret::from_env`]); local servers need none.
    pub fn new(config: OpenAiConfig, api_key: Option<Secret>) -> Result<Self, ConfigError> {
        let endpoint = config.check()?;
        let secret = api_key.filter(|key| !key.is_empty());
        if let (Some(env), None) = (&config.api_key_env, &secret) {
            return Err(ConfigError::NoKey { model: config.name.clone(), env: env.clone() });
        }
        let client = client::build(&config, &endpoint, secret.as_ref())?;
        let place = Place {
            alias: config.name.clone(),
            host: host_and_port(&endpoint),
            key_env: config.api_key_env.clone(),
            secret,
        };
        let slots = Semaphore::new(config.max_in_flight.min(Semaphore::MAX_PERMITS));
        Ok(Self { config, endpoint, client, place, slots })
    }

    /// Sends the request; gives the answer once its head is here.
    async fn send(&self, waits: &Waits, request: &ChatRequest) -> Result<Response, ModelError> {
        let request = self.client.post(self.endpoint.clone()).json(&request::to_wire(&self.config, request));
        let sent = waits.beginning(request.send()).await.map_err(|passed| self.place.timeout(passed))?;
        sent.map_err(|error| self.place.network(error, self.config.timeouts.connect_ms))
    }

    /// The provider refused: says why. What of the body does not come is not waited for longer than idle.
    async fn refused(&self, waits: Waits, response: Response) -> ModelError {
        let status = response.status().as_u16();
        let advice = Advice::of(response.headers());
        if response.status().is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            return self.place.redirected(status, to.and_then(|to| self.endpoint.join(to).ok()));
        }
        let mut body = Body::begun(response, waits, REFUSAL_BYTES_MAX);
        let mut bytes = Vec::new();
        while let Ok(Some(piece)) = body.next().await {
            bytes.extend_from_slice(piece.as_ref());
        }
        self.place.refused(status, &advice, &bytes)
    }

    fn no_slot(&self) -> ModelError {
        let (ms, slots) = (self.config.timeouts.total_ms, self.config.max_in_flight);
        let what =
            format!("had none of its {slots} slots (`max_in_flight`) free within {ms} ms (`total_ms`)");
        self.place.error(Kind::Timeout, &what)
    }
}

#[async_trait]
impl ChatModel for OpenAi {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.config.name.clone(),
            version: self.config.model.clone(),
            provider: self.config.provider.clone(),
            context_tokens: self.config.context_tokens,
            bytes_per_token: self.config.bytes_per_token,
        }
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        Ok(request::estimate(request, self.config.bytes_per_token))
    }

    async fn chat(&self, request: ChatRequest, deltas: Deltas) -> Result<Reply, ModelError> {
        let mut waits = Waits::start(self.config.timeouts);
        let slot = waits.beginning(self.slots.acquire()).await;
        let slot = slot.map_err(|_| self.no_slot())?;
        let _slot = slot.map_err(|_| self.place.error(Kind::Cancelled, "is being closed"))?;
        if self.config.stream {
            waits.expect_first_byte();
        }
        let response = self.send(&waits, &request).await?;
        drop(request);
        if !response.status().is_success() {
            return Err(self.refused(waits, response).await);
        }
        self.read(response, waits, &deltas).await
    }
}

/// Names the model; neither key nor headers.
impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, place, slots, .. } = self;
        f.debug_struct("OpenAi")
            .field("name", &config.name)
            .field("host", &place.host)
            .field("free_slots", &slots.available_permits())
            .finish_non_exhaustive()
    }
}
