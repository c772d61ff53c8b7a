//! A parameter that says nothing.
use playhouse_tool::tool;

/// Adds.
#[tool]
fn add(a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
