//! From a server's result to what the model reads: JSON of bounded size.

use playhouse_core::tool::{ToolError, ToolErrorKind};
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Value, json};

use crate::{
    bounds::{BLOB_BYTES_MAX, RESULT_BYTES_MAX, VALUE_DEPTH_MAX, WORDS_CHARS_MAX, clipped},
    definition::Tool,
    schema::{is_shallow, json_bytes},
};

/// The output of a call of `tool`.
///
/// Structured content is the output as it is. Otherwise a single text is a string, and anything else is a list of typed
/// parts. A tool with an output schema must fit it.
pub(crate) fn output(tool: &Tool, result: CallToolResult) -> Result<Value, ToolError> {
    let name = &tool.spec.name;
    if result.is_error == Some(true) {
        return Err(ToolError::new(ToolErrorKind::Upstream, refusal(name, &result)));
    }
    let value = match (result.structured_content, &tool.output) {
        (Some(value), _) => value,
        // An older server says it in text although it has a schema.
        (None, Some(_)) => text_as_json(&result.content).ok_or_else(|| {
            bad(format!("`{name}` has an output schema, but answered without structured content"))
        })?,
        (None, None) => parts(&result.content),
    };
    let bytes = json_bytes_if_shallow(&value).ok_or_else(|| {
        bad(format!("the result of `{name}` is nested more than {VALUE_DEPTH_MAX} levels deep"))
    })?;
    if bytes > RESULT_BYTES_MAX {
        let told = format!(
            "the result of `{name}` has {bytes} bytes, and {RESULT_BYTES_MAX} are allowed: ask for less"
        );
        return Err(bad(told));
    }
    if let Some(schema) = &tool.output {
        schema
            .check(&value)
            .map_err(|why| bad(format!("the result of `{name}` does not fit its schema: {why}")))?;
    }
    Ok(value)
}

fn bad(message: String) -> ToolError {
    ToolError::new(ToolErrorKind::BadOutput, message)
}

fn json_bytes_if_shallow(value: &Value) -> Option<usize> {
    is_shallow(value, VALUE_DEPTH_MAX).then(|| json_bytes(value))
}

/// A tool's own words about why it failed.
fn refusal(name: &str, result: &CallToolResult) -> String {
    let texts: Vec<&str> =
        result.content.iter().filter_map(|block| Some(block.as_text()?.text.as_str())).collect();
    let told = match (texts.join("\n"), &result.structured_content) {
        (text, None) if text.trim().is_empty() => return format!("`{name}` failed and does not say why"),
        (text, Some(value)) if text.trim().is_empty() => value.to_string(),
        (text, _) => text,
    };
    format!("`{name}` failed: {}", clipped(told.trim(), WORDS_CHARS_MAX))
}

fn text_as_json(content: &[ContentBlock]) -> Option<Value> {
    match content {
        [ContentBlock::Text(text)] => serde_json::from_str(&text.text).ok(),
        _ => None,
    }
}

fn parts(content: &[ContentBlock]) -> Value {
    match content {
        [ContentBlock::Text(text)] => Value::String(text.text.clone()),
        blocks => Value::Array(blocks.iter().map(part).collect()),
    }
}

/// One part of a result or of a prompt, typed.
pub(crate) fn part(block: &ContentBlock) -> Value {
    match block {
        ContentBlock::Text(text) => json!({ "type": "text", "text": text.text }),
        ContentBlock::Image(image) => blob("image", None, Some(&image.mime_type), &image.data),
        ContentBlock::Audio(audio) => blob("audio", None, Some(&audio.mime_type), &audio.data),
        ContentBlock::Resource(resource) => contents(&resource.resource),
        ContentBlock::ResourceLink(link) => {
            json!({ "type": "link", "uri": link.uri, "name": link.name, "mime_type": link.mime_type })
        }
        // The SDK may come to know more kinds.
        _ => json!({ "type": "unknown" }),
    }
}

/// The contents of a resource, typed.
pub(crate) fn contents(contents: &ResourceContents) -> Value {
    match contents {
        ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
            json!({ "type": "resource", "uri": uri, "mime_type": mime_type, "text": text })
        }
        ResourceContents::BlobResourceContents { uri, mime_type, blob: data, .. } => {
            blob("resource", Some(uri), mime_type.as_deref(), data)
        }
        _ => json!({ "type": "unknown" }),
    }
}

/// Base64 as it came, or only its length if it is more than a model could use.
fn blob(kind: &str, uri: Option<&str>, mime_type: Option<&str>, data: &str) -> Value {
    let mut part = json!({ "type": kind, "mime_type": mime_type });
    if let Some(uri) = uri {
        part["uri"] = json!(uri);
    }
    if data.len() > BLOB_BYTES_MAX {
        part["omitted"] =
            json!(format!("{} bytes of base64; at most {BLOB_BYTES_MAX} are passed on", data.len()));
    } else {
        part["base64"] = json!(data);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ServerConfig, definition::Definition};

    fn tool(output: Option<Value>) -> Tool {
        let mut definition = json!({ "name": "t", "inputSchema": { "type": "object" } });
        if let Some(output) = output {
            definition["outputSchema"] = output;
        }
        let definition: Definition = serde_json::from_value(definition).unwrap();
        definition.tool("s", &ServerConfig::default()).unwrap()
    }

    fn of(output_schema: Option<Value>, result: Value) -> Result<Value, ToolError> {
        output(&tool(output_schema), serde_json::from_value(result).unwrap())
    }

    #[test]
    fn each_kind_of_result_has_its_json() {
        let text = json!({ "content": [{ "type": "text", "text": "hi" }] });
        assert_eq!(of(None, text).unwrap(), json!("hi"));
        assert_eq!(of(None, json!({ "content": [] })).unwrap(), json!([]));
        let structured =
            json!({ "content": [{ "type": "text", "text": "{}" }], "structuredContent": { "n": 1 } });
        assert_eq!(of(None, structured).unwrap(), json!({ "n": 1 }));
        let mixed = json!({ "content": [
            { "type": "text", "text": "a" },
            { "type": "image", "data": "QQ==", "mimeType": "image/png" },
            { "type": "resource", "resource": { "uri": "x:y", "text": "b" } },
            { "type": "resource_link", "uri": "x:z", "name": "z" },
        ]});
        assert_eq!(
            of(None, mixed).unwrap(),
            json!([
                { "type": "text", "text": "a" },
                { "type": "image", "mime_type": "image/png", "base64": "QQ==" },
                { "type": "resource", "uri": "x:y", "mime_type": null, "text": "b" },
                { "type": "link", "uri": "x:z", "name": "z", "mime_type": null },
            ])
        );
    }

    #[test]
    fn a_tool_with_a_schema_keeps_it() {
        let schema = || Some(json!({ "type": "object", "required": ["n"] }));
        let result = json!({ "structuredContent": { "n": 1 } });
        assert_eq!(of(schema(), result).unwrap(), json!({ "n": 1 }));
        let in_text = json!({ "content": [{ "type": "text", "text": "{\"n\":2}" }] });
        assert_eq!(of(schema(), in_text).unwrap(), json!({ "n": 2 }));
        for bad in [
            json!({ "structuredContent": {} }),
            json!({ "content": [{ "type": "text", "text": "two" }] }),
            json!({ "content": [] }),
        ] {
            assert_eq!(of(schema(), bad).unwrap_err().kind, ToolErrorKind::BadOutput);
        }
    }

    #[test]
    fn what_is_too_much_is_refused_or_left_out() {
        let long = json!({ "content": [{ "type": "text", "text": "x".repeat(RESULT_BYTES_MAX) }] });
        let error = of(None, long).unwrap_err();
        assert!(error.kind == ToolErrorKind::BadOutput && error.message.contains("ask for less"));
        let deep = (0..=VALUE_DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
        assert!(of(None, json!({ "structuredContent": deep })).unwrap_err().message.contains("levels deep"));
        let image =
            json!({ "type": "image", "data": "A".repeat(BLOB_BYTES_MAX + 1), "mimeType": "image/png" });
        let value = of(None, json!({ "content": [image] })).unwrap();
        assert!(value[0].get("base64").is_none() && value[0]["omitted"].as_str().unwrap().contains("131073"));
    }

    #[test]
    fn a_failure_is_told_in_the_tools_own_words_but_not_all_of_them() {
        let of_error = |result| of(Some(json!({ "type": "object" })), result).unwrap_err();
        let error =
            of_error(json!({ "isError": true, "content": [{ "type": "text", "text": "no such file\n" }] }));
        assert_eq!((error.kind, &*error.message), (ToolErrorKind::Upstream, "`s__t` failed: no such file"));
        let error = of_error(json!({ "isError": true, "content": [] }));
        assert!(error.message.contains("does not say why"));
        let long = "x".repeat(WORDS_CHARS_MAX * 2);
        let error = of_error(json!({ "isError": true, "content": [{ "type": "text", "text": long }] }));
        assert!(error.message.chars().count() < WORDS_CHARS_MAX + 50);
    }
}
