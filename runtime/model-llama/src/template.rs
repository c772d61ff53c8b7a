//! Renders a model's own chat template, as the tools that trained it did.
//!
//! Templates are Jinja in the dialect of Hugging Face `transformers`: blocks trimmed, Python methods on strings
//! and mappings, a `tojson` that writes like Python's `json.dumps`, and `raise_exception`. A template comes out of
//! a model file, so it is bounded in time (fuel), in depth and in what it may write.
//!
//! Deliberately absent: `strftime_now`. Templates that ask for it have a fixed date to fall back on, and a
//! prompt whose first line changes at midnight would throw away every cached conversation.

mod methods;
mod tojson;

use minijinja::{Environment, Error, ErrorKind, Value, context, syntax::SyntaxConfig, value::Serde};
use playhouse_core::{
    message::{Arguments, Message},
    model::{ChatRequest, ModelError, ModelErrorKind},
};
use serde::Serialize;

/// Instructions one rendering may take: half a second at worst. A thousand messages need some hundred thousand.
const FUEL: u64 = 10_000_000;
/// Levels of nested calls and blocks.
const RECURSION_MAX: usize = 200;
const NAME: &str = "chat";

/// A compiled chat template.
#[derive(Debug)]
pub(crate) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl Template {
    /// Compiles `source`. `bos` and `eos` are the texts of the tokens that begin and end a sequence.
    pub(crate) fn compile(source: &str, bos: &str, eos: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|e| in_words(&e))?,
        );
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(methods::call);
        environment.add_filter("tojson", tojson::tojson);
        environment.add_function("raise_exception", raise);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|e| in_words(&e))?;
        Ok(Self { environment, bos: bos.into(), eos: eos.into() })
    }

    /// The prompt's text for `messages`, with the head of the reply that is to come.
    pub(crate) fn render(&self, messages: &[Message], request: &ChatRequest) -> Result<String, ModelError> {
        let messages = Value::from(Serde(messages.iter().map(message).collect::<Vec<_>>()));
        let tools: Vec<Tool<'_>> = request.tools.iter().map(|tool| Tool::of(tool)).collect();
        let tools = if tools.is_empty() { Value::from(()) } else { Value::from(Serde(tools)) };
        let values = context! {
            messages, tools, bos_token => &*self.bos, eos_token => &*self.eos, add_generation_prompt => true,
        };
        let rendered = self.environment.get_template(NAME).and_then(|template| template.render(values));
        rendered.map_err(|e| {
            let told =
                format!("the model's chat template does not accept this conversation: {}", in_words(&e));
            ModelError::new(ModelErrorKind::BadRequest, told)
        })
    }
}

fn raise(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn in_words(error: &Error) -> String {
    match error.line() {
        Some(line) => format!("{error} (line {line} of the template)"),
        None => error.to_string(),
    }
}

/// A message in the form that templates expect: OpenAI's. Field order is what models saw in training.
#[derive(Serialize)]
struct Entry<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Called<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: serde_json::Value,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Described<'a>,
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a serde_json::Value,
}

impl<'a> Tool<'a> {
    fn of(tool: &'a playhouse_core::tool::ToolSpec) -> Self {
        let (name, description, parameters) = (&tool.name, &tool.description, &tool.input_schema);
        Self { r#type: "function", function: Described { name, description, parameters } }
    }
}

fn message(message: &Message) -> Entry<'_> {
    let plain =
        |role, content| Entry { role, content, tool_calls: Vec::new(), tool_call_id: None, name: None };
    match message {
        Message::System { content } => plain("system", content),
        Message::User { content } => plain("user", content),
        Message::Tool { call_id, name, content } => {
            Entry { tool_call_id: Some(call_id), name: Some(name), ..plain("tool", content) }
        }
        Message::Assistant(reply) => {
            let tool_calls = reply.tool_calls.iter().map(call).collect();
            Entry { tool_calls, ..plain("assistant", &reply.content) }
        }
    }
}

fn call(call: &playhouse_core::message::ToolCall) -> Call<'_> {
    let arguments = match &call.arguments {
        Arguments::Json(value) => value.clone(),
        Arguments::Malformed { raw, .. } => raw.clone().into(),
    };
    Call { id: &call.id, r#type: "function", function: Called { name: &call.name, arguments } }
}

#[cfg(test)]
mod tests;
