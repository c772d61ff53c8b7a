//! An argument that belongs to somebody else.
use playhouse_tool::tool;

/// Adds.
#[tool]
fn add(/** One */ a: &str) -> Result<i64, playhouse_tool::Error> {
    Ok(a.len() as i64)
}

fn main() {}
