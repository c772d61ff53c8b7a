//! A server's resources and prompts: read by programs and people, never given to models by themselves.

use std::{collections::BTreeMap, time::Duration};

use playhouse_core::tool::{ToolError, ToolErrorKind};
use rmcp::{
    ServiceError,
    model::{GetPromptRequestParams, ReadResourceRequestParams, Role},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    McpServer,
    bounds::{INPUT_ROUNDS_MAX, RESULT_BYTES_MAX},
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

impl McpServer {
    /// What can be read. Bounded in entries; errors are those of a tool call.
    pub async fn resources(&self) -> Result<Vec<Resource>, ToolError> {
        let listed = self.ask(self.allowed(), "resources/list", |link| async move {
            let peer = link.service.peer();
            let page = |params| async move {
                let page = peer.list_resources(params).await?;
                Ok((page.resources, page.next_cursor))
            };
            Ok::<_, ServiceError>(pages::all(page).await)
        });
        let resources = listed.await?.map_err(|why| self.unusable(&why))?;
        let resource = |it: rmcp::model::Resource| Resource {
            uri: it.uri,
            name: it.name,
            description: it.description,
            mime_type: it.mime_type,
            bytes: it.size,
        };
        Ok(resources.into_iter().map(resource).collect())
    }

    /// The contents of one resource, as typed parts; a resource may consist of several.
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<Value>, ToolError> {
        let params = ReadResourceRequestParams::new(uri);
        let read = self.ask(self.allowed(), uri, |link| async move {
            link.service.read_resource_with_mrtr_max_rounds(params, INPUT_ROUNDS_MAX).await
        });
        self.bounded(uri, read.await?.contents.iter().map(contents).collect())
    }

    /// The prompts there are. Bounded in entries.
    pub async fn prompts(&self) -> Result<Vec<Prompt>, ToolError> {
        let listed = self.ask(self.allowed(), "prompts/list", |link| async move {
            let peer = link.service.peer();
            let page = |params| async move {
                let page = peer.list_prompts(params).await?;
                Ok((page.prompts, page.next_cursor))
            };
            Ok::<_, ServiceError>(pages::all(page).await)
        });
        let prompts = listed.await?.map_err(|why| self.unusable(&why))?;
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
        Ok(prompts.into_iter().map(prompt).collect())
    }

    /// The prompt `name`, filled in with `arguments`.
    pub async fn prompt(
        &self,
        name: &str,
        arguments: BTreeMap<String, String>,
    ) -> Result<Vec<PromptMessage>, ToolError> {
        let arguments = arguments.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let params = GetPromptRequestParams::new(name).with_arguments(arguments);
        let got = self.ask(self.allowed(), name, |link| async move {
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

    fn bounded(&self, what: &str, parts: Vec<Value>) -> Result<Vec<Value>, ToolError> {
        let bytes: usize = parts.iter().map(json_bytes).sum();
        if bytes > RESULT_BYTES_MAX {
            return Err(
                self.unusable(&format!("`{what}` has {bytes} bytes, and {RESULT_BYTES_MAX} are allowed"))
            );
        }
        Ok(parts)
    }

    fn unusable(&self, why: &str) -> ToolError {
        ToolError::new(ToolErrorKind::BadOutput, format!("MCP server `{}`: {why}", self.name))
    }
}
