//! `playhouse tool adapt`: from a component that speaks WASI to a tool, and where an adapted tool comes from.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use playhouse_tools_adapt::{AdaptError, Label, adapt as adapted, origin};

use super::{inspected, page, plain, trying::LARGE};
use crate::cli::tool_adapt::AdaptArgs;

/// What a model reads of a component of which nobody says more.
const DESCRIPTION: &str = "Answers HTTP requests: give method, path, headers and body.";

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn adapt(args: &AdaptArgs) -> anyhow::Result<ExitCode> {
    let shown = args.file.display();
    let wasm = fs::read(&args.file).with_context(|| format!("failed to read {shown}"))?;
    let is_said = args.name.is_some() || args.description.is_some() || args.tool_version.is_some();
    let label = label(args);
    let made = match adapted(&wasm, is_said.then_some(&label)) {
        Err(AdaptError::Unnamed) => adapted(&wasm, Some(&label)),
        made => made,
    };
    let made = match made {
        Ok(made) => made,
        // What it says of the component comes from the component.
        Err(error) => bail!("{shown} does not become a tool: {}", plain(&error.to_string())),
    };
    let is_same = |path: &Path| fs::canonicalize(path).ok();
    if is_same(&args.output).is_some_and(|output| Some(output) == is_same(&args.file)) {
        bail!("{shown} would be overwritten: say another file with --output");
    }
    fs::write(&args.output, &made.wasm)
        .with_context(|| format!("failed to write {}", args.output.display()))?;
    if made.wasm.len() > LARGE {
        eprintln!("asking it what it says; it is compiled once for that, which takes a while …");
    }
    println!("{}", page(&args.output.display().to_string(), &inspected(&args.output)?));
    println!("{}", origin_of(&made.wasm).unwrap_or_default());
    if made.wants_sockets {
        eprintln!(
            "\nnote: it imports wasi:sockets, as interpreters do; none is ever opened, and requests go by wasi:http"
        );
    }
    eprintln!("\nnext: playhouse tool install {}", args.output.display());
    Ok(ExitCode::SUCCESS)
}

fn label(args: &AdaptArgs) -> Label {
    let stem = args.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().to_lowercase());
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    Label {
        name: args.name.clone().unwrap_or_else(|| stem.chars().map(plain).take(64).collect()),
        version: args.tool_version.clone().unwrap_or_else(|| "0.0.0".to_owned()),
        description: args.description.clone().unwrap_or_else(|| DESCRIPTION.to_owned()),
    }
}

/// The line that says which component is inside of one that was adapted; `None` for any other.
pub(super) fn origin_of(wasm: &[u8]) -> Option<String> {
    let inside = origin(wasm).ok()??;
    Some(format!("adapted   from a component of {} bytes, sha256 {}", inside.bytes, inside.sha256))
}
