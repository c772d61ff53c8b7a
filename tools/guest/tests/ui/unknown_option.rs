//! An option that does not exist.
use playhouse_tool::tool;

/// Adds.
#[tool(efect = "pure")]
fn add(/** One */ a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
