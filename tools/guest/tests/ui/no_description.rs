//! A tool without a description.
use playhouse_tool::tool;

#[tool]
fn silent(input: String) -> Result<String, playhouse_tool::Error> {
    Ok(input)
}

fn main() {}
