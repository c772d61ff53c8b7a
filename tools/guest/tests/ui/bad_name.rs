//! A name that no model can write.
use playhouse_tool::tool;

/// Adds.
#[tool(name = "Add Two")]
fn add(/** One */ a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
