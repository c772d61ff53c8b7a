//! A server's resources and prompts, for models: four tools of ours in the server's name.
//!
//! ```text
//!   list_resources ─▶ addresses and templates, a page at a time        list_prompts ─▶ names and arguments
//!   read_resource ─▶ listed, or fits a template? ─▶ bounded contents     get_prompt ─▶ bounded messages
//! ```
//!
//! Their descriptions and schemas are ours, so there is nothing to approve. What comes back is a stranger's, like the
//! result of any tool: characters that people cannot see are marked, and the planner labels it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use playhouse_core::tool::{Annotations, EffectClass, ToolError, ToolErrorKind};
use serde_json::{Map, Value, json};

use crate::{
    McpServer, ServerConfig,
    bounds::{SHOWN_BYTES_MAX, SHOWN_CHARS_MAX, SHOWN_MAX, URI_BYTES_MAX},
    call::Errand,
    definition::{Definition, Hints, Tool, full_name},
    library::{self, Listed, Prompt, Resource, Template},
    link::Link,
    schema::json_bytes,
    template,
    words::{has_hidden_text, line, visible},
};

/// Characters of a name in a list.
const NAME_CHARS_MAX: usize = 200;
/// Arguments of one prompt in a list.
const ARGUMENTS_SHOWN_MAX: usize = 32;

/// What one of these tools does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    ListResources,
    ReadResource,
    ListPrompts,
    GetPrompt,
}

impl Ours {
    /// The tools that `config` asks for.
    fn wanted(config: &ServerConfig) -> impl Iterator<Item = Self> {
        let resources = config.resources.then_some([Self::ListResources, Self::ReadResource]);
        let prompts = config.prompts.then_some([Self::ListPrompts, Self::GetPrompt]);
        resources.into_iter().chain(prompts).flatten()
    }

    fn name(self) -> &'static str {
        match self {
            Self::ListResources => "list_resources",
            Self::ReadResource => "read_resource",
            Self::ListPrompts => "list_prompts",
            Self::GetPrompt => "get_prompt",
        }
    }

    fn definition(self, server: &str) -> Definition {
        let from = json!({ "type": "integer", "minimum": 0, "description": "`next` of the page before" });
        let text = |description: &str| json!({ "type": "string", "description": description });
        let (description, properties, required) = match self {
            Self::ListResources => (
                format!(
                    "Lists what `{server}` lets be read: resources by `uri`, and templates of such addresses."
                ),
                json!({ "from": from }),
                json!([]),
            ),
            Self::ReadResource => (
                format!("Reads a resource of `{server}`, by a `uri` that is listed or fits a template."),
                json!({ "uri": text("the resource's address") }),
                json!(["uri"]),
            ),
            Self::ListPrompts => (
                format!("Lists the prompts that `{server}` has ready, and their arguments."),
                json!({ "from": from }),
                json!([]),
            ),
            Self::GetPrompt => (
                format!("Gets a prompt of `{server}`, filled in with arguments."),
                json!({
                    "name": text("the prompt's name"),
                    "arguments": { "type": "object", "additionalProperties": { "type": "string" } },
                }),
                json!(["name"]),
            ),
        };
        Definition {
            name: self.name().to_owned(),
            description,
            input_schema: json!({
                "type": "object", "properties": properties, "required": required, "additionalProperties": false,
            }),
            output_schema: None,
            annotations: Hints { read_only: Some(true), ..Hints::default() },
        }
    }
}

/// The tools of `server` that are ours, by the names that models use.
pub(crate) fn tools(server: &str, config: &ServerConfig) -> BTreeMap<String, (Ours, Arc<Tool>)> {
    let tool = |read: Ours| {
        let mut tool = read.definition(server).tool(server, config).expect("ours are plain and small");
        // Reading again is harmless, and may give something else: the world changes.
        let spec = Arc::make_mut(&mut tool.spec);
        spec.effect = EffectClass::Idempotent;
        spec.annotations = Annotations::proven(true, true, EffectClass::Idempotent);
        (tool.spec.name.clone(), (read, Arc::new(tool)))
    };
    Ours::wanted(config).map(tool).collect()
}

/// Why the server's own `tool` cannot be offered, if one of ours is called like it.
pub(crate) fn is_taken(server: &str, config: &ServerConfig, tool: &str) -> Option<String> {
    let full = full_name(server, tool).ok()?;
    let taken =
        Ours::wanted(config).any(|read| full_name(server, read.name()).is_ok_and(|ours| ours == full));
    taken.then(|| "it is called like a tool that `resources` or `prompts` adds".to_owned())
}

impl McpServer {
    /// Does what `read` says, on the server. `arguments` fit its schema.
    pub(crate) async fn read(
        &self,
        read: Ours,
        arguments: Map<String, Value>,
        allowed: Duration,
        errand: Errand,
    ) -> Result<Value, ToolError> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let from = arguments.get("from").and_then(Value::as_u64).unwrap_or(0);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let what = read.name();
        let result = match read {
            Ours::ListResources => {
                let listed =
                    self.ask(allowed, what, errand, |link, _| async move { Ok(readable(&link).await) });
                let (resources, templates) = listed.await?.map_err(|why| self.unusable(&why))?;
                let rest = resources.1.or(templates.1);
                let entries = resources.0.iter().filter_map(of_resource);
                shown("resources", entries.chain(templates.0.iter().filter_map(of_template)), from, rest)
            }
            Ours::ReadResource => json!(self.read_listed(&text("uri"), allowed, errand).await?),
            Ours::ListPrompts => {
                let listed = self
                    .ask(allowed, what, errand, |link, _| async move { Ok(library::prompts(&link).await) });
                let (prompts, rest) = listed.await?.map_err(|why| self.unusable(&why))?;
                shown("prompts", prompts.iter().filter_map(of_prompt), from, rest)
            }
            Ours::GetPrompt => {
                let values =
                    arguments.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default();
                json!(self.filled_in(allowed, errand, &text("name"), values).await?)
            }
        };
        Ok(all_visible(result))
    }

    async fn read_listed(
        &self,
        uri: &str,
        allowed: Duration,
        errand: Errand,
    ) -> Result<Vec<Value>, ToolError> {
        if uri.len() > URI_BYTES_MAX || has_hidden_text(uri) {
            let told = format!("a `uri` has at most {URI_BYTES_MAX} bytes, all of which people can see");
            return Err(ToolError::new(ToolErrorKind::InvalidInput, told));
        }
        let read = self.ask(allowed, uri, errand, |link, meta| async move {
            match is_listed(&link, uri).await {
                Err(why) => Ok(Err(Some(why))),
                Ok(false) => Ok(Err(None)),
                Ok(true) => library::contents_of(&link, uri, meta).await.map(Ok),
            }
        });
        match read.await? {
            Ok(parts) => self.bounded(uri, parts),
            Err(Some(why)) => Err(self.unusable(&why)),
            Err(None) => {
                let told = format!(
                    "MCP server `{}` lists no `{uri}`, and it fits no template: `{}__list_resources` has those that can \
                     be read",
                    self.name, self.name
                );
                Err(ToolError::new(ToolErrorKind::Denied, told))
            }
        }
    }
}

async fn readable(link: &Link) -> Result<(Listed<Resource>, Listed<Template>), String> {
    Ok((library::resources(link).await?, library::templates(link).await?))
}

/// Whether the server says that this can be read. It is asked anew: what it lists may depend on what was called.
async fn is_listed(link: &Link, uri: &str) -> Result<bool, String> {
    if library::resources(link).await?.0.iter().any(|resource| resource.uri == uri) {
        return Ok(true);
    }
    Ok(library::templates(link).await?.0.iter().any(|template| template::fits(&template.uri, uri)))
}

/// A page of a list, from its entry `from`: as many as may be shown at once.
fn shown(kind: &str, entries: impl Iterator<Item = Value>, from: usize, rest: Option<String>) -> Value {
    let mut entries = entries.skip(from).peekable();
    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(entry) = entries.next_if(|entry| {
        bytes += json_bytes(entry);
        page.is_empty() || (bytes <= SHOWN_BYTES_MAX && page.len() < SHOWN_MAX)
    }) {
        page.push(entry);
    }
    let next = from.saturating_add(page.len());
    let mut list = json!({ kind: page });
    if entries.peek().is_some() {
        list["next"] = json!(next);
    } else if let Some(why) = rest {
        list["incomplete"] = json!(why);
    }
    list
}

fn of_resource(resource: &Resource) -> Option<Value> {
    let mut entry = entry("uri", &resource.uri, resource.description.as_deref())?;
    entry["name"] = json!(line(&resource.name, NAME_CHARS_MAX));
    if let Some(kind) = &resource.mime_type {
        entry["mime_type"] = json!(line(kind, NAME_CHARS_MAX));
    }
    if let Some(bytes) = resource.bytes {
        entry["bytes"] = json!(bytes);
    }
    Some(entry)
}

fn of_template(template: &Template) -> Option<Value> {
    let mut entry = entry("uri_template", &template.uri, template.description.as_deref())?;
    entry["name"] = json!(line(&template.name, NAME_CHARS_MAX));
    Some(entry)
}

fn of_prompt(prompt: &Prompt) -> Option<Value> {
    let mut told = entry("name", &prompt.name, prompt.description.as_deref())?;
    let arguments = prompt.arguments.iter().take(ARGUMENTS_SHOWN_MAX).filter_map(|argument| {
        let mut told = entry("name", &argument.name, argument.description.as_deref())?;
        told["required"] = json!(argument.required);
        Some(told)
    });
    told["arguments"] = json!(arguments.collect::<Vec<_>>());
    Some(told)
}

/// An entry that can be asked for by `key`; `None` for one that would not come back as it is.
fn entry(name: &str, key: &str, description: Option<&str>) -> Option<Value> {
    if key.len() > URI_BYTES_MAX || has_hidden_text(key) {
        return None;
    }
    let mut entry = json!({ name: key });
    if let Some(description) = description {
        entry["description"] = json!(line(description, SHOWN_CHARS_MAX));
    }
    Some(entry)
}

/// The same with marks for what people cannot see, in every text.
fn all_visible(value: Value) -> Value {
    match value {
        Value::String(text) if has_hidden_text(&text) => Value::String(visible(&text)),
        Value::Array(items) => items.into_iter().map(all_visible).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, all_visible(field))).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests;
