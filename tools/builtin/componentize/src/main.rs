//! The last step of the build: core modules become components, and their hashes become `tools.lock`.
//!
//! ```text
//!   componentize component CORE.wasm OUT.wasm     rustc's output, with the WIT that the kit embedded in it
//!   componentize lock DIST RUSTC > tools.lock     what DIST holds, hashed
//! ```
//!
//! The hash of a description is taken from the tool compiled natively: the same function gives the same text on both
//! sides, and the host checks that when it loads the component.
#![allow(clippy::print_stdout, reason = "the lock goes to standard output")]

use std::error::Error;
use std::fs;
use std::path::Path;

use playhouse_tool::Tool;
use sha2::{Digest, Sha256};
use wit_component::ComponentEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["component", core, out] => fs::write(out, component(&fs::read(core)?)?)?,
        ["lock", dist, rustc] => print!("{}", lock(Path::new(dist), rustc)?),
        _ => {
            return Err(
                "usage: componentize component CORE.wasm OUT.wasm | componentize lock DIST RUSTC".into()
            );
        }
    }
    Ok(())
}

fn component(core: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(ComponentEncoder::default().module(core)?.validate(true).encode()?)
}

fn lock(dist: &Path, rustc: &str) -> Result<String, Box<dyn Error>> {
    let mut text = format!(
        "# What the shipped tools are, to the byte. Written by build.sh; the host refuses a component that differs.\n\
         # The same compiler gives the same bytes: `build.sh --check` shows it.\n\
         rustc = \"{rustc}\"\n"
    );
    text += &entry::<calculator::Calculator>(dist, "calculator")?;
    text += &entry::<convert::Convert>(dist, "convert")?;
    text += &entry::<csv_query::CsvQuery>(dist, "csv_query")?;
    text += &entry::<datetime::Datetime>(dist, "datetime")?;
    text += &entry::<diff::Diff>(dist, "diff")?;
    text += &entry::<email_draft::EmailDraft>(dist, "email_draft")?;
    text += &entry::<encode::Encode>(dist, "encode")?;
    text += &entry::<fetch::Fetch>(dist, "fetch")?;
    text += &entry::<files::Files>(dist, "files")?;
    text += &entry::<files_edit::FilesEdit>(dist, "files_edit")?;
    text += &entry::<json_query::JsonQuery>(dist, "json_query")?;
    text += &entry::<lookup::Lookup>(dist, "lookup")?;
    text += &entry::<memory::Memory>(dist, "memory")?;
    text += &entry::<search::Search>(dist, "search")?;
    text += &entry::<sqlite_query::SqliteQuery>(dist, "sqlite_query")?;
    text += &entry::<template::Template>(dist, "template")?;
    Ok(text)
}

fn entry<T: Tool>(dist: &Path, name: &str) -> Result<String, Box<dyn Error>> {
    let component = fs::read(dist.join(format!("{name}.wasm")))?;
    let about = T::about().to_json();
    let (sha256, describe_sha256) = (hex(&component), hex(about.as_bytes()));
    let version = serde_json::from_str::<serde_json::Value>(&about)?["version"].clone();
    Ok(format!(
        "\n[[tool]]\nname = \"{name}\"\nversion = {version}\nsha256 = \"{sha256}\"\n\
         describe_sha256 = \"{describe_sha256}\"\n"
    ))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
