//! A checkable tool that cannot be asked.
use playhouse_tool::tool;

/// Pays.
#[tool(effect = "checkable")]
fn pay(/** One */ a: i64) -> Result<i64, playhouse_tool::Error> {
    Ok(a)
}

fn main() {}
