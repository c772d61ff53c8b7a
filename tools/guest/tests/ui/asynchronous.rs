//! A tool that waits.
use playhouse_tool::tool;

/// Adds.
#[tool]
async fn add(/** One */ a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
