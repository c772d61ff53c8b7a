//! What a model or a tool hands over, made fit for the journal: ids that pair, JSON that can be read back.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    message::{Arguments, ToolCall},
    model::Reply,
    tool::{ToolError, ToolErrorKind},
};

/// Deepest JSON taken from outside. Parsers read 128 levels and a record adds a dozen of its own; one that
/// could not be read back would make its whole task unreadable (J4).
pub(super) const JSON_DEPTH_MAX: usize = 64;

/// The reply as it is journaled.
pub(super) fn reply(step: u32, mut reply: Reply) -> Reply {
    give_unique_ids(step, &mut reply.message.tool_calls);
    for call in &mut reply.message.tool_calls {
        if let Arguments::Json(value) = &call.arguments
            && !is_at_most(value, JSON_DEPTH_MAX)
        {
            let error = format!("they are nested deeper than {JSON_DEPTH_MAX} levels");
            call.arguments = Arguments::Malformed { raw: value.to_string(), error };
        }
    }
    // An optional `null` reads back as nothing.
    reply.message.provider.take_if(|value| value.is_null() || !is_at_most(value, JSON_DEPTH_MAX));
    reply
}

/// Whether a journal that holds `value` can be read back.
pub(super) fn is_readable(value: &Value) -> bool {
    is_at_most(value, JSON_DEPTH_MAX)
}

/// The output as it is journaled, or why it cannot be.
pub(super) fn output(output: Value) -> Result<Value, ToolError> {
    if is_readable(&output) {
        return Ok(output);
    }
    let message =
        format!("the output is nested deeper than {JSON_DEPTH_MAX} levels; ask for a flatter part of it");
    Err(ToolError::new(ToolErrorKind::BadOutput, message))
}

/// Whether a journal can hold `value`: what is nested too deeply could not be read back.
pub fn fits_journal(value: &Value) -> bool {
    is_at_most(value, JSON_DEPTH_MAX)
}

/// Whether `value` has at most `levels` levels of arrays and objects.
fn is_at_most(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_at_most(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| is_at_most(field, levels - 1)),
        _ => true,
    }
}

/// Pairs of call and result need distinct ids; some models leave them empty or repeat them.
fn give_unique_ids(step: u32, calls: &mut [ToolCall]) {
    let mut taken: BTreeSet<String> = calls.iter().map(|call| call.id.clone()).collect();
    let mut seen = BTreeSet::new();
    for (ordinal, call) in calls.iter_mut().enumerate() {
        if call.id.is_empty() || !seen.insert(call.id.clone()) {
            let mut id = format!("call_{step}_{ordinal}");
            while !taken.insert(id.clone()) {
                id.push('_');
            }
            call.id = id;
        }
    }
}
