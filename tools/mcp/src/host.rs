//! What a server may ask of us: a person's input, or a model's words. By default, neither.

use std::sync::Arc;

use async_trait::async_trait;
#[expect(
    deprecated,
    reason = "servers of the older protocol versions, which are most, ask for sampling this way"
)]
use rmcp::model::{CreateMessageRequestParams, CreateMessageResult};
use rmcp::{
    ClientHandler, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction, ErrorCode,
        ErrorData, Implementation, ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::Value;

use crate::bounds::{ARGUMENTS_BYTES_MAX, WORDS_CHARS_MAX, clipped};

/// The policy for requests that come from servers. What is not overridden is declined, and servers are told beforehand
/// only of what [`Host::offers`] says.
///
/// A server can ask at any time and about anything; its words are a stranger's. While an answer is waited for, the call
/// that led to the question goes on towards its deadline.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// What servers are told that they may ask for.
    fn offers(&self) -> Offers {
        Offers::default()
    }

    /// `server` asks its user for input that fits `schema`. `None` declines.
    async fn elicit(&self, server: &str, message: &str, schema: &Value) -> Option<Value> {
        let _ = (server, message, schema);
        None
    }

    /// `server` asks for a model's completion of `request`, the parameters of `sampling/createMessage`. The answer is
    /// that method's result; the error is for the server.
    async fn sample(&self, server: &str, request: Value) -> Result<Value, String> {
        let _ = (server, request);
        Err("sampling is not offered".into())
    }
}

/// What a [`Host`] offers to servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offers {
    /// Questions to a person.
    pub elicitation: bool,
    /// Completions of a model.
    pub sampling: bool,
}

/// The host that declines everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declines;

impl Host for Declines {}

/// Our side of one connection.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) server: String,
    pub(crate) host: Arc<dyn Host>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Client {
    fn capabilities(&self) -> ClientCapabilities {
        let offers = self.host.offers();
        let mut capabilities = ClientCapabilities::default();
        if offers.elicitation {
            capabilities.elicitation = Some(Default::default());
        }
        if offers.sampling {
            capabilities.sampling = Some(Default::default());
        }
        capabilities
    }
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("playhouse", env!("CARGO_PKG_VERSION"));
        // The newest version that begins with `initialize`; servers answer with the one they speak.
        ClientConfig::new(self.capabilities(), us).with_protocol_version(ProtocolVersion::V_2025_11_25)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let declined = Ok(ElicitResult::new(ElicitationAction::Decline));
        // Sending a person to an address of the server's choice is not ours to do.
        let ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } = request else {
            return declined;
        };
        if !self.host.offers().elicitation || message.chars().count() > WORDS_CHARS_MAX {
            return declined;
        }
        let Ok(schema) = serde_json::to_value(requested_schema) else { return declined };
        let answer = tokio::select! {
            answer = self.host.elicit(&self.server, &message, &schema) => answer,
            () = context.ct.cancelled() => None,
        };
        match answer {
            Some(answer) => Ok(ElicitResult::new(ElicitationAction::Accept).with_content(answer)),
            None => declined,
        }
    }

    #[expect(deprecated, reason = "see the import")]
    async fn create_message(
        &self,
        request: CreateMessageRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let no = |code, why: &str| ErrorData::new(code, clipped(why, WORDS_CHARS_MAX), None);
        if !self.host.offers().sampling {
            return Err(no(ErrorCode::METHOD_NOT_FOUND, "sampling is not offered"));
        }
        let internal = |error: serde_json::Error| no(ErrorCode::INTERNAL_ERROR, &error.to_string());
        let request = serde_json::to_value(request).map_err(internal)?;
        if crate::schema::json_bytes(&request) > ARGUMENTS_BYTES_MAX {
            let why = format!("a request for sampling has at most {ARGUMENTS_BYTES_MAX} bytes");
            return Err(no(ErrorCode::INVALID_PARAMS, &why));
        }
        let answer = tokio::select! {
            answer = self.host.sample(&self.server, request) => answer,
            () = context.ct.cancelled() => Err("it was cancelled".to_owned()),
        };
        let answer = answer.map_err(|why| no(ErrorCode::INVALID_REQUEST, &why))?;
        serde_json::from_value(answer).map_err(internal)
    }
}
