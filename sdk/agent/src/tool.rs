//! A tool: a typed Rust function that a model may call.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use playhouse_core::tool::{Annotations, EffectClass, ToolError, ToolErrorKind, ToolSpec};
use playhouse_schema::Schema;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::schema;

/// Longest name that every provider takes.
const NAME_CHARS_MAX: usize = 64;

type Called = Pin<Box<dyn Future<Output = Result<Value, ToolFailure>> + Send>>;
type Function = dyn Fn(Value) -> Called + Send + Sync;

/// A typed Rust function that a model may call; made by [`tool`]. Clones are the same tool.
///
/// It runs in your process with your program's rights, unlike the sandboxed tools that come with the runtime.
/// Its arguments are checked against the schema of its input before it is called; what does not fit, an error
/// and a panic all go back to the model, which may correct itself.
#[derive(Clone)]
pub struct Tool {
    pub(crate) spec: ToolSpec,
    pub(crate) function: Arc<Function>,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// A tool called `name` that runs `function`.
///
/// The input is a struct with named fields: its doc comment tells the model what the tool does, the doc
/// comments of its fields what they mean. The output is anything that serialises.
///
/// ```ignore
/// /// Looks up the price of a part, in cents.
/// #[derive(Deserialize, JsonSchema)]
/// struct Price {
///     /// As printed on the part, such as `copper-coil-9`.
///     part: String,
/// }
///
/// let price = tool("price", |Price { part }: Price| async move {
///     PRICES.get(&part).copied().ok_or_else(|| ToolFailure::not_found(format!("there is no part `{part}`")))
/// });
/// ```
///
/// `function` must not block its thread: use `tokio::task::spawn_blocking` for what does.
pub fn tool<I, O, F, Fut>(name: impl Into<String>, function: F) -> Tool
where
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize,
    F: Fn(I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, ToolFailure>> + Send + 'static,
{
    let (input_schema, description) = schema::of::<I>();
    let function = Arc::new(function);
    let call = move |arguments: Value| -> Called {
        let function = function.clone();
        Box::pin(async move {
            let input = serde_json::from_value(arguments)
                .map_err(|problem| ToolFailure::invalid_input(problem.to_string()))?;
            let output = function(input).await?;
            serde_json::to_value(output)
                .map_err(|problem| ToolFailure::new(ToolErrorKind::BadOutput, problem.to_string()))
        })
    };
    let spec = ToolSpec {
        name: name.into(),
        version: "1".into(),
        description: description.unwrap_or_default(),
        input_schema,
        output_schema: json!({}),
        effect: EffectClass::Once,
        annotations: Annotations::default(),
        digest: String::new(),
    };
    Tool { spec, function: Arc::new(call) }.pinned()
}

impl Tool {
    /// Tells the model what the tool does and when to use it, in place of the input's doc comment.
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.spec.description = description.into();
        self
    }

    /// Promises that the tool touches nothing: a call that a crash interrupted runs again.
    pub fn pure(self) -> Self {
        self.effect(EffectClass::Pure)
    }

    /// Promises that running the same call twice changes no more than running it once. Without a promise a
    /// call is never started twice, and one that a crash interrupted is reported as of unknown outcome.
    pub fn idempotent(self) -> Self {
        self.effect(EffectClass::Idempotent)
    }

    /// Names the version, which each task records; change it when the tool does something else.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.spec.version = version.into();
        self.pinned()
    }

    fn effect(mut self, effect: EffectClass) -> Self {
        self.spec.effect = effect;
        self.spec.annotations = Annotations::promised(effect);
        self
    }

    /// Native code has no bytes to hash: its name and version stand for it.
    fn pinned(mut self) -> Self {
        self.spec.digest = format!("native:{}@{}", self.spec.name, self.spec.version);
        self
    }

    /// Whether the tool can be offered to a model.
    pub(crate) fn check(&self) -> Result<Schema, String> {
        let name = &self.spec.name;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_allowed) {
            return Err(format!(
                "tool `{name}`: a name has 1 to {NAME_CHARS_MAX} letters, digits, `_` or `-`; rename it"
            ));
        }
        if self.spec.description.trim().is_empty() {
            return Err(format!(
                "tool `{name}` has no description, so no model knows when to call it: write a doc comment on its \
                 input, or use `.describe(…)`"
            ));
        }
        schema::arguments(&self.spec.input_schema).map_err(|problem| format!("tool `{name}`: {problem}"))
    }
}

/// Why a tool gave no output. The model reads it, so say what would be right.
///
/// Any error becomes one by `?`; the words of its sources are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFailure(pub(crate) ToolError);

impl ToolFailure {
    /// A failure of `kind`.
    pub fn new(kind: ToolErrorKind, message: impl Into<String>) -> Self {
        Self(ToolError::new(kind, message))
    }

    /// The arguments make no sense to the tool.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::InvalidInput, message)
    }

    /// What was asked for does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ToolErrorKind::NotFound, message)
    }

    /// What the tool talks to failed.
    pub fn upstream(message: impl fmt::Display) -> Self {
        Self::new(ToolErrorKind::Upstream, message.to_string())
    }
}

// Not an `Error` itself: only so can every other error become one.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for ToolFailure {
    fn from(error: E) -> Self {
        let any: &(dyn std::error::Error + 'static) = &error;
        if let Some(error) = any.downcast_ref::<ToolError>() {
            return Self(error.clone());
        }
        let sources = std::iter::successors(any.source(), |error| error.source());
        Self::upstream(sources.fold(error.to_string(), |text, source| format!("{text}: {source}")))
    }
}
