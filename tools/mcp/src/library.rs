//! A server's resources and prompts, for programs. Models get them by tools of ours: see `reading`.

use std::{collections::BTreeMap, time::Duration};

use playhouse_core::tool::{ToolError, ToolErrorKind};
use rmcp::{
    ServiceError,
    model::{ErrorCode, GetPromptRequestParams, ReadResourceRequestParams, RequestMetaObject, Role},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    McpServer,
    bounds::{INPUT_ROUNDS_MAX, RESULT_BYTES_MAX},
    call::Errand,
    link::Link,
    pages,
    result::{contents, part},
    schema::json_bytes,
};

/// Something that a server lets be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What to read it by.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// What it is, in the server's words.
    pub description: Option<String>,
    /// What kind of content it has.
    pub mime_type: Option<String>,
    /// Its length in bytes.
    pub bytes: Option<u64>,
}

/// A text that a server writes from a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// What to get it by.
    pub name: String,
    /// What it is for, in the server's words.
    pub description: Option<String>,
    /// What it takes.
    pub arguments: Vec<PromptArgument>,
}

/// One argument of a [`Prompt`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// What it is, in the server's words.
    pub description: Option<String>,
    /// Whether it must be given.
    pub required: bool,
}

/// One message of a prompt that was filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptMessage {
    /// `user` or `assistant`.
    pub role: String,
    /// A typed part, as in the results of tools.
    pub content: Value,
}

/// Something that a server lets be read, and whose address it leaves partly open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) uri: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
}

/// A list up to its bounds, and why there is no more if there might be.
pub(crate) type Listed<T> = (Vec<T>, Option<String>);

impl McpServer {
    /// What can be read. Bounded in entries; errors are those of a tool call.
    pub async fn resources(&self) -> Result<Vec<Resource>, ToolError> {
        let listed = self.ask(self.allowed(), "resources/list", Errand::default(), |link, _| async move {
            Ok::<_, ServiceError>(resources(&link).await)
        });
        self.whole(listed.await?)
    }

    /// The contents of one resource, as typed parts; a resource may consist of several.
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<Value>, ToolError> {
        let read = self.ask(self.allowed(), uri, Errand::default(), |link, meta| async move {
            contents_of(&link, uri, meta).await
        });
        self.bounded(uri, read.await?)
    }

    /// The prompts there are. Bounded in entries.
    pub async fn prompts(&self) -> Result<Vec<Prompt>, ToolError> {
        let listed = self.ask(self.allowed(), "prompts/list", Errand::default(), |link, _| async move {
            Ok::<_, ServiceError>(prompts(&link).await)
        });
        self.whole(listed.await?)
    }

    /// The prompt `name`, filled in with `arguments`.
    pub async fn prompt(
        &self,
        name: &str,
        arguments: BTreeMap<String, String>,
    ) -> Result<Vec<PromptMessage>, ToolError> {
        let arguments = arguments.into_iter().map(|(name, value)| (name, json!(value))).collect();
        self.filled_in(self.allowed(), Errand::default(), name, arguments).await
    }

    /// The same for whoever has other bounds.
    pub(crate) async fn filled_in(
        &self,
        allowed: Duration,
        errand: Errand,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<Vec<PromptMessage>, ToolError> {
        let mut params = GetPromptRequestParams::new(name).with_arguments(arguments);
        let got = self.ask(allowed, name, errand, |link, meta| async move {
            params.meta = Some(meta);
            link.service.get_prompt_with_mrtr_max_rounds(params, INPUT_ROUNDS_MAX).await
        });
        let messages = got.await?.messages;
        let parts = self.bounded(name, messages.iter().map(|message| part(&message.content)).collect())?;
        let role = |role: &Role| if *role == Role::User { "user" } else { "assistant" }.to_owned();
        let roles = messages.iter().map(|message| role(&message.role));
        Ok(roles.zip(parts).map(|(role, content)| PromptMessage { role, content }).collect())
    }

    fn allowed(&self) -> Duration {
        Duration::from_millis(self.config.timeout_ms)
    }

    fn whole<T>(&self, listed: Result<Listed<T>, String>) -> Result<Vec<T>, ToolError> {
        match listed {
            Ok((entries, None)) => Ok(entries),
            Ok((_, Some(why))) | Err(why) => Err(self.unusable(&why)),
        }
    }

    pub(crate) fn bounded(&self, what: &str, parts: Vec<Value>) -> Result<Vec<Value>, ToolError> {
        let bytes: usize = parts.iter().map(json_bytes).sum();
        if bytes > RESULT_BYTES_MAX {
            return Err(
                self.unusable(&format!("`{what}` has {bytes} bytes, and {RESULT_BYTES_MAX} are allowed"))
            );
        }
        Ok(parts)
    }

    pub(crate) fn unusable(&self, why: &str) -> ToolError {
        ToolError::new(ToolErrorKind::BadOutput, format!("MCP server `{}`: {why}", self.name))
    }
}

/// What the server lists to be read.
pub(crate) async fn resources(link: &Link) -> Result<Listed<Resource>, String> {
    let peer = link.service.peer();
    let page = |params| async move {
        let page = known(peer.list_resources(params).await)?;
        Ok(page.map_or((Vec::new(), None), |page| (page.resources, page.next_cursor)))
    };
    let (listed, rest) = pages::first(page).await?;
    let resource = |it: rmcp::model::Resource| Resource {
        uri: it.uri,
        name: it.name,
        description: it.description,
        mime_type: it.mime_type,
        bytes: it.size,
    };
    Ok((listed.into_iter().map(resource).collect(), rest))
}

/// The templates of addresses that it lists.
pub(crate) async fn templates(link: &Link) -> Result<Listed<Template>, String> {
    let peer = link.service.peer();
    let page = |params| async move {
        let page = known(peer.list_resource_templates(params).await)?;
        Ok(page.map_or((Vec::new(), None), |page| (page.resource_templates, page.next_cursor)))
    };
    let (listed, rest) = pages::first(page).await?;
    let template = |it: rmcp::model::ResourceTemplate| Template {
        uri: it.uri_template,
        name: it.name,
        description: it.description,
    };
    Ok((listed.into_iter().map(template).collect(), rest))
}

/// The prompts that it lists.
pub(crate) async fn prompts(link: &Link) -> Result<Listed<Prompt>, String> {
    let peer = link.service.peer();
    let page = |params| async move {
        let page = known(peer.list_prompts(params).await)?;
        Ok(page.map_or((Vec::new(), None), |page| (page.prompts, page.next_cursor)))
    };
    let (listed, rest) = pages::first(page).await?;
    let argument = |it: rmcp::model::PromptArgument| PromptArgument {
        name: it.name,
        description: it.description,
        required: it.required.unwrap_or(false),
    };
    let prompt = |it: rmcp::model::Prompt| Prompt {
        name: it.name,
        description: it.description,
        arguments: it.arguments.unwrap_or_default().into_iter().map(argument).collect(),
    };
    Ok((listed.into_iter().map(prompt).collect(), rest))
}

/// The contents of the resource `uri`, as typed parts.
pub(crate) async fn contents_of(
    link: &Link,
    uri: &str,
    meta: RequestMetaObject,
) -> Result<Vec<Value>, ServiceError> {
    let mut params = ReadResourceRequestParams::new(uri);
    params.meta = Some(meta);
    let read = link.service.read_resource_with_mrtr_max_rounds(params, INPUT_ROUNDS_MAX).await?;
    Ok(read.contents.iter().map(contents).collect())
}

/// `None` where the server does not know the question: then there is nothing of that kind.
fn known<T>(page: Result<T, ServiceError>) -> Result<Option<T>, ServiceError> {
    match page {
        Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => Ok(None),
        page => page.map(Some),
    }
}
