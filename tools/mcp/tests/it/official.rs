//! A well-behaved server on the official SDK, with a tool for everything that a client must get right.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::*,
    service::{Peer, RequestContext},
};
use serde_json::{Value, json};

/// Tools on one page, so that listing takes several.
const PAGE: usize = 3;

/// What the tools leave behind.
#[derive(Default)]
struct Marks {
    cancelled: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
    grown: AtomicBool,
}

/// The server. Clones share their marks, as the sessions of one HTTP server do.
#[derive(Clone, Default)]
pub(crate) struct Official(Arc<Marks>);

fn object(value: Value) -> Arc<JsonObject> {
    Arc::new(value.as_object().cloned().unwrap_or_default())
}

fn tool(name: &'static str, description: &'static str, properties: Value) -> Tool {
    Tool::new(name, description, object(json!({ "type": "object", "properties": properties })))
}

impl Official {
    fn tools(&self) -> Vec<Tool> {
        let number = || json!({ "type": "integer" });
        let sum = object(json!({ "type": "object", "properties": { "sum": number() }, "required": ["sum"] }));
        let mut tools = vec![
            tool("echo", "Says it back.", json!({ "text": { "type": "string" } }))
                .annotate(ToolAnnotations::new().read_only(true)),
            tool("add", "Adds.", json!({ "a": number(), "b": number() })).with_raw_output_schema(sum),
            tool("effect", "The id of its own effect.", json!({})),
            tool("slow", "Waits.", json!({ "ms": number() })),
            tool("marks", "What happened so far.", json!({})),
            tool("fail", "Fails.", json!({})),
            tool("picture", "Draws.", json!({})),
            tool(
                "ask",
                "Asks a person and a model.",
                json!({ "text": { "type": "string" }, "times": number() }),
            ),
            tool("grow", "Adds a tool.", json!({})),
            tool("long", "A text.", json!({ "bytes": number() })),
            tool("chatty", "Reports progress while it waits.", json!({ "ms": number() })),
        ];
        if self.0.grown.load(Ordering::SeqCst) {
            tools.push(tool("grown", "Was added.", json!({})));
        }
        tools
    }

    async fn slow(&self, ms: u64, context: &RequestContext<RoleServer>) -> CallToolResult {
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_running.fetch_max(running, Ordering::SeqCst);
        let waited = tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_millis(ms)) => true,
            () = context.ct.cancelled() => false,
        };
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        if !waited {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
        }
        text("waited")
    }

    async fn chatty(&self, ms: u64, context: &RequestContext<RoleServer>) -> CallToolResult {
        let Some(token) = context.meta.get_progress_token() else { return text("nobody wants to know") };
        for step in 0..ms / 10 {
            let news = ProgressNotificationParam::new(token.clone(), step as f64);
            if context.ct.is_cancelled() || context.peer.notify_progress(news).await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        text("done")
    }

    fn marks(&self) -> CallToolResult {
        let of = |mark: &AtomicUsize| mark.load(Ordering::SeqCst);
        CallToolResult::structured(
            json!({ "cancelled": of(&self.0.cancelled), "most_running": of(&self.0.most_running) }),
        )
    }
}

fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

#[expect(deprecated, reason = "this is how servers of the older protocol versions ask")]
async fn ask(peer: &Peer<RoleServer>, text: &str, times: u64) -> CallToolResult {
    let params = json!({
        "mode": "form",
        "message": "Really?",
        "requestedSchema": { "type": "object", "properties": { "sure": { "type": "boolean" } }, "required": ["sure"] },
    });
    let Ok(params) = serde_json::from_value::<ElicitRequestParams>(params) else {
        return self::text("bad schema");
    };
    let elicited = match peer.create_elicitation(params).await {
        Ok(result) => json!({ "action": result.action, "content": result.content }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let mut sampled = Vec::new();
    for _ in 0..times.max(1) {
        let params = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(text)], 16);
        sampled.push(match peer.create_message(params).await {
            Ok(result) => json!(result.message.content),
            Err(error) => json!({ "error": error.to_string() }),
        });
    }
    let roots = peer.list_roots().await.map(|roots| roots.roots.len()).map_err(|error| error.to_string());
    CallToolResult::structured(json!({ "elicited": elicited, "sampled": sampled, "roots": roots.ok() }))
}

impl ServerHandler for Official {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed();
        ServerConfig::new(capabilities.enable_resources().enable_prompts().build())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let from: usize = request.and_then(|it| it.cursor?.parse().ok()).unwrap_or(0);
        let tools = self.tools();
        let mut page = ListToolsResult::with_all_items(tools.iter().skip(from).take(PAGE).cloned().collect());
        page.next_cursor = (from + PAGE < tools.len()).then(|| (from + PAGE).to_string());
        Ok(page)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let number = |name: &str| arguments.get(name).and_then(Value::as_u64).unwrap_or(0);
        let result = match &*request.name {
            "echo" => text(arguments.get("text").and_then(Value::as_str).unwrap_or_default()),
            "add" => CallToolResult::structured(json!({ "sum": number("a") + number("b") })),
            "effect" => {
                let ids = [
                    context.meta.0.0.get("playhouse/effect-id"),
                    request.meta.as_ref().and_then(|meta| meta.0.0.get("playhouse/effect-id")),
                ];
                text(ids.into_iter().flatten().find_map(Value::as_str).unwrap_or("none"))
            }
            "slow" => self.slow(number("ms"), &context).await,
            "chatty" => self.chatty(number("ms"), &context).await,
            "marks" => self.marks(),
            "fail" => CallToolResult::error(vec![ContentBlock::text("there is no such thing")]),
            "picture" => CallToolResult::success(vec![
                ContentBlock::text("a dot"),
                ContentBlock::image("iVBORw0KGgo=", "image/png"),
            ]),
            "ask" => {
                let words = arguments.get("text").and_then(Value::as_str).unwrap_or("hi");
                ask(&context.peer, words, number("times")).await
            }
            "grow" => {
                self.0.grown.store(true, Ordering::SeqCst);
                // Whether the client hears of it is what the test is about.
                context.peer.notify_tool_list_changed().await.ok();
                text("grown")
            }
            "grown" => text("new"),
            "long" => text("x".repeat(number("bytes") as usize)),
            other => return Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource =
            Resource::new("memo://one", "one").with_description("A memo.").with_mime_type("text/plain");
        Ok(ListResourcesResult::with_all_items(vec![resource]))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(vec![ResourceTemplate::new("memo://{name}", "memos")]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match &*request.uri {
            "memo://one" => {
                Ok(ReadResourceResult::new(vec![ResourceContents::text("buy milk", "memo://one")]).into())
            }
            "memo://long" => {
                let long = "x".repeat(1 << 20);
                Ok(ReadResourceResult::new(vec![ResourceContents::text(long, "memo://long")]).into())
            }
            other => Err(ErrorData::resource_not_found(format!("no memo {other}"), None)),
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let argument = PromptArgument::new("who").with_required(true);
        Ok(ListPromptsResult::with_all_items(vec![Prompt::new(
            "greet",
            Some("Greets."),
            Some(vec![argument]),
        )]))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let who =
            request.arguments.and_then(|it| Some(it.get("who")?.as_str()?.to_owned())).unwrap_or_default();
        let message = PromptMessage::new_text(Role::User, format!("Greet {who}."));
        Ok(GetPromptResult::new(vec![message]).into())
    }
}
