//! A tool that answers nothing.
use playhouse_tool::tool;

/// Adds.
#[tool]
fn add(/** One */ a: i64) {
    drop(a);
}

fn main() {}
