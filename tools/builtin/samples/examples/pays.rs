//! A `checkable` tool: it notes what it did under the effect id, and knows it when it is asked.
#![allow(missing_docs, reason = "a component is no library")]

use playhouse_tool::{Error, context, kv, tool};

/// Pays an amount, once.
#[tool(
    effect = "checkable",
    did_it_happen = paid,
    wants(kv = "knows what was paid", kv_write = "notes what is paid")
)]
pub fn pays(
    /// How many cents
    cents: u32,
) -> Result<String, Error> {
    let receipt = format!("paid {cents}");
    kv::put(&context::effect_id(), &receipt)?;
    Ok(receipt)
}

fn paid(effect_id: &str) -> Result<Option<String>, Error> {
    kv::get(effect_id)
}
