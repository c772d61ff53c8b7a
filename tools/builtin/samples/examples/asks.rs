//! A tool that asks the model of its task, and reads a table: as often as the arguments say.
#![allow(missing_docs, reason = "a component is no library")]

use playhouse_tool::{Error, kv, model, tool};

/// Does one thing after the other and says what came of each.
#[tool(effect = "idempotent", wants(kv = "a test", model = "a test"))]
pub fn asks(
    /// `["get", key]` or `["ask", instructions, prompt]`
    r#do: Vec<Vec<String>>,
) -> Result<Vec<String>, Error> {
    let step = |step: &Vec<String>| match step.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["get", key] => kv::get(key).map(Option::unwrap_or_default),
        ["ask", instructions, prompt] => model::ask(instructions, prompt, 500),
        _ => Err(Error::invalid_input(format!("{step:?} is nothing to do"))),
    };
    Ok(r#do.iter().map(|one| step(one).unwrap_or_else(|error| error.to_string())).collect())
}
