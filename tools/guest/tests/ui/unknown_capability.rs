//! A capability that does not exist.
use playhouse_tool::tool;

/// Adds.
#[tool(wants(network = "for fun"))]
fn add(/** One */ a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
