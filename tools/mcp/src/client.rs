//! Our side of one connection: what a server may ask of us, and what it is told. By default, nothing.
//!
//! ```text
//!   sampling/createMessage ─▶ which call? ─▶ within its bound? ─▶ text, no secret ─▶ the call's own model
//!   elicitation/create ─▶ a form? ─▶ an answer of the operator for each field ─▶ it, and whoever made the call is told
//!                                    └─▶ otherwise, with leave, a person who may answer for the call's task
//! ```

use std::{collections::BTreeMap, fmt, sync::Arc};

use playhouse_core::tool::{ToolError, ToolErrorKind};
use playhouse_ports::{ToolAnswer, ToolForm};
use playhouse_tools_policy::{Leaks, SECRET_BYTES_MIN};
#[expect(
    deprecated,
    reason = "servers of the older protocol versions, which are most, ask for sampling this way"
)]
use rmcp::model::{CreateMessageRequestParams, CreateMessageResult};
use rmcp::{
    ClientHandler, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationCapability, ErrorCode, ErrorData, FormElicitationCapability, Implementation,
        ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::{Map, Value};
use tokio::time::timeout_at;

use crate::{
    ServerConfig,
    bounds::{FORMS_MAX, PERSON_GRACE, WORDS_CHARS_MAX, clipped},
    config::Sampling,
    desk::{Case, Desk},
    form::Form,
    sampling,
    words::{line, visible},
};

/// What the protocol has for a question that was turned down.
const DECLINED: ErrorCode = ErrorCode(-1);
/// Why a question over stdio may have no answer.
const UNKNOWN_CALL: &str = "it is not known which call this is for: ask while only one call is under way";
/// Characters of a server's question that whoever made the call is shown.
const ASKED_CHARS_MAX: usize = 80;

/// What one server may ask for.
pub(crate) struct Policy {
    pub(crate) sampling: Option<Sampling>,
    pub(crate) answers: BTreeMap<String, Value>,
    /// Whether a person is shown what these do not fill in.
    pub(crate) ask_person: bool,
    /// What the server was told and nobody else is to know.
    pub(crate) leaks: Leaks,
    /// Whether there is any of that.
    has_secrets: bool,
}

impl Policy {
    /// What `config` says.
    pub(crate) fn of(config: &ServerConfig) -> Self {
        let secrets: Vec<String> = config.secrets().collect();
        // A header is `Bearer`, a space, and the secret.
        let words = secrets.iter().flat_map(|secret| secret.split_whitespace().chain([&**secret]));
        let words = words.filter(|word| word.len() >= SECRET_BYTES_MIN).map(|word| ("its secret", word));
        let leaks = Leaks::of(words).expect("those that are too short were left out");
        Self {
            sampling: config.sampling,
            answers: config.answers.clone(),
            ask_person: config.ask_person,
            leaks,
            has_secrets: !secrets.is_empty(),
        }
    }

    /// What a model may read of a result: a server may have shown what it was told, by accident.
    pub(crate) fn without_secrets(&self, value: Value) -> Result<Value, ToolError> {
        if !self.has_secrets {
            return Ok(value);
        }
        let Some((hidden, _)) = self.leaks.hide(&value.to_string()) else { return Ok(value) };
        serde_json::from_str(&hidden).map_err(|_| {
            ToolError::new(ToolErrorKind::BadOutput, "the result holds a secret that the server was told")
        })
    }

    /// What a model may read of an error, whose words may be the server's.
    pub(crate) fn told(&self, error: ToolError) -> ToolError {
        ToolError { message: self.shown(visible(&error.message)), ..error }
    }

    /// The server's words without what it was told.
    pub(crate) fn shown(&self, words: String) -> String {
        self.leaks.hide(&words).map_or(words.clone(), |(hidden, _)| hidden)
    }
}

/// Our side of one connection.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) server: String,
    pub(crate) policy: Arc<Policy>,
    /// The calls under way on this connection.
    pub(crate) desk: Desk,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Client {
    /// For a new connection to `server`.
    pub(crate) fn new(server: &str, policy: Arc<Policy>) -> Self {
        Self { server: server.to_owned(), policy, desk: Desk::default() }
    }

    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        if !self.policy.answers.is_empty() || self.policy.ask_person {
            let form = FormElicitationCapability::new().with_schema_validation(true);
            capabilities.elicitation = Some(ElicitationCapability::new().with_form(form));
        }
        if self.policy.sampling.is_some() {
            capabilities.sampling = Some(Default::default());
        }
        capabilities
    }

    /// What goes into the form; the error says why it is declined.
    async fn fill(
        &self,
        request: &ElicitRequestParams,
        case: Option<&Case>,
        context: &RequestContext<RoleClient>,
    ) -> Result<Map<String, Value>, String> {
        // Sending a person to an address of the server's choice is not ours to do.
        let ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } = request else {
            return Err("it wants to send a person to a web page".into());
        };
        if case.is_some_and(|case| !Case::one_more(&case.forms, FORMS_MAX)) {
            return Err(format!("one call has at most {FORMS_MAX} forms"));
        }
        if message.chars().count() > WORDS_CHARS_MAX {
            return Err(format!("its question has more than {WORDS_CHARS_MAX} characters"));
        }
        let form = Form::of(serde_json::to_value(requested_schema).map_err(|error| error.to_string())?)?;
        match form.fill(&self.policy.answers) {
            Err(_) if self.policy.ask_person => self.ask_person(message, form, case, context).await,
            filled => filled,
        }
    }

    /// Shows the form to a person, within the time of the call.
    async fn ask_person(
        &self,
        message: &str,
        form: Form,
        case: Option<&Case>,
        context: &RequestContext<RoleClient>,
    ) -> Result<Map<String, Value>, String> {
        let case = case.ok_or(UNKNOWN_CALL)?;
        let caller = case.caller.as_ref().ok_or("nobody who made this call can be asked")?;
        if form.hides_text() {
            return Err("it has characters that people cannot see".into());
        }
        case.tell(&format!("{} waits for a person: {}", self.server, self.asked(message)));
        let shown = ToolForm {
            message: self.policy.shown(visible(message)),
            schema: form.requested.clone(),
            check: Arc::new(move |content| form.check(content)),
        };
        let until = case.deadline.checked_sub(PERSON_GRACE).unwrap_or(case.deadline);
        let said = tokio::select! {
            said = timeout_at(until, caller.ask_person(shown)) => said,
            () = context.ct.cancelled() => return Err("it was cancelled".into()),
            () = case.over() => return Err("the call has ended".into()),
        };
        match said.map_err(|_| "no person answered in time")?.map_err(|error| error.message)? {
            ToolAnswer::Filled(content) => Ok(content),
            ToolAnswer::Declined => Err("a person said no".into()),
        }
    }

    /// What a server asks, for those who watch the call.
    fn asked(&self, message: &str) -> String {
        format!("\u{201C}{}\u{201D}", self.policy.shown(line(message, ASKED_CHARS_MAX)))
    }

    #[expect(deprecated, reason = "see the import")]
    async fn sample(
        &self,
        request: CreateMessageRequestParams,
        context: &RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, String> {
        let policy = self.policy.sampling.ok_or("sampling is not offered")?;
        let case = self.desk.case_of(context);
        let case = case.ok_or(UNKNOWN_CALL)?;
        let caller = case.caller.as_ref().ok_or("nobody who made this call has a model")?;
        let question = sampling::question(request, policy, &self.policy.leaks)?;
        if !Case::one_more(&case.sampled, policy.questions) {
            return Err(format!("one call may ask a model {} times, and has", policy.questions));
        }
        let reply = tokio::select! {
            reply = caller.ask(question) => reply.map_err(|error| error.message)?,
            () = context.ct.cancelled() => return Err("it was cancelled".into()),
            () = case.over() => return Err("the call has ended".into()),
        };
        sampling::answer(reply)
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
        let case = self.desk.case_of(&context);
        let filled = self.fill(&request, case.as_deref(), &context).await;
        let outcome = match &filled {
            Ok(content) => {
                let fields: Vec<String> = content.keys().map(|name| format!("`{name}`")).collect();
                format!("told {}", fields.join(", "))
            }
            Err(why) => format!("declined: {why}"),
        };
        let server = &self.server;
        tracing::info!(target: "playhouse::mcp", server, "its form was answered: {outcome}");
        if let Some(case) = case {
            let (ElicitRequestParams::FormElicitationParams { message, .. }
            | ElicitRequestParams::UrlElicitationParams { message, .. }) = &request
            else {
                return Ok(ElicitResult::new(ElicitationAction::Decline));
            };
            case.tell(&format!("{server} asks {}: {outcome}", self.asked(message)));
        }
        Ok(match filled {
            Ok(content) => ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(content)),
            Err(_) => ElicitResult::new(ElicitationAction::Decline),
        })
    }

    #[expect(deprecated, reason = "see the import")]
    async fn create_message(
        &self,
        request: CreateMessageRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.sample(request, &context).await.map_err(|why| {
            let (server, why) = (&self.server, clipped(&why, WORDS_CHARS_MAX));
            tracing::info!(target: "playhouse::mcp", server, "its question to a model was declined: {why}");
            ErrorData::new(DECLINED, why, None)
        })
    }
}
