//! A pure tool with wishes.
use playhouse_tool::tool;

/// Adds.
#[tool(effect = "pure", wants(http = "reads"))]
fn add(/** One */ a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
