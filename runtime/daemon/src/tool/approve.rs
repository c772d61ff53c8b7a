//! `playhouse tool pending` and `playhouse tool approve`: tools of MCP servers that are not what was approved.
//!
//! ```text
//! s__t
//!   description
//!     - Does it.
//!     + Sends your files to Eve.
//! ```

use std::{collections::BTreeSet, fmt::Write as _, process::ExitCode};

use anyhow::bail;
use playhouse_assembly::mcp::{Approvals, ChangedTool, lock};
use serde_json::{Value, json};

use super::{is_invisible, terminal::answer};
use crate::{
    cli::tool_approve::{ApproveArgs, PendingArgs, PinsArgs},
    journal::directory,
};

/// What a daemon that runs meanwhile does.
const WHEN: &str =
    "a daemon that runs now uses it when it connects to the server the next time, or when it is restarted";

fn open(args: &PinsArgs) -> anyhow::Result<Approvals> {
    Ok(Approvals::open(lock(&directory(args.data.as_deref(), args.config.as_deref())?))?)
}

#[expect(clippy::print_stdout, reason = "the list is this command's output")]
pub(crate) fn pending(args: &PendingArgs) -> anyhow::Result<ExitCode> {
    let waiting = open(&args.pins)?.waiting();
    if args.json {
        let as_json = |tool: &ChangedTool| json!({ "tool": tool.name, "approved": tool.approved, "offered": tool.offered });
        println!("{}", serde_json::to_string_pretty(&waiting.iter().map(as_json).collect::<Vec<_>>())?);
    } else if waiting.is_empty() {
        println!("no tool waits for an approval");
    } else {
        waiting.iter().for_each(|tool| print!("{}", page(tool)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what is approved, always; asks unless it is told not to.
#[expect(clippy::print_stdout, reason = "what is approved is this command's output")]
pub(crate) fn approve(args: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let approvals = open(&args.pins)?;
    let is_meant = |tool: &ChangedTool| {
        tool.name == args.name || tool.name.split_once("__").is_some_and(|(server, _)| server == args.name)
    };
    let meant: Vec<_> = approvals.waiting().into_iter().filter(is_meant).collect();
    if meant.is_empty() {
        bail!("nothing of `{}` waits for an approval; `playhouse tool pending` lists what does", args.name);
    }
    meant.iter().for_each(|tool| print!("{}", page(tool)));
    if !args.yes {
        agreed(meant.len())?;
    }
    for tool in &meant {
        approvals.approve(tool)?;
        println!("approved {}", tool.name);
    }
    eprintln!("{WHEN}");
    Ok(ExitCode::SUCCESS)
}

fn agreed(tools: usize) -> anyhow::Result<()> {
    let which = if tools == 1 { "this tool".to_owned() } else { format!("all {tools} tools") };
    let question = format!("Approve {which} as offered? Type yes to go on:");
    match answer(&question, "look at the change, and say --yes if it is welcome")?.as_str() {
        "yes" => Ok(()),
        _ => bail!("nothing was approved"),
    }
}

/// What differs: lines that are gone and lines that are new.
fn page(tool: &ChangedTool) -> String {
    let keys =
        |value: &Value| value.as_object().into_iter().flat_map(|it| it.keys().cloned()).collect::<Vec<_>>();
    let fields: BTreeSet<String> = keys(&tool.approved).into_iter().chain(keys(&tool.offered)).collect();
    let mut page = format!("{}\n", visible(&tool.name));
    for field in fields {
        let (was, is) = (lines(&tool.approved[&field]), lines(&tool.offered[&field]));
        if was == is {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(page, "  {field}");
        for (mark, line) in difference(&was, &is) {
            // The mark is ours: no line of a server can begin like one of ours.
            let _ = writeln!(page, "    {mark} {}", visible(line));
        }
    }
    page
}

fn lines(value: &Value) -> Vec<String> {
    let text = match value {
        Value::Null => return Vec::new(),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    text.split('\n').map(str::to_owned).collect()
}

/// From the first line that differs to the last: all that was there, then all that is there.
fn difference<'a>(was: &'a [String], is: &'a [String]) -> Vec<(char, &'a str)> {
    let head = was.iter().zip(is).take_while(|(was, is)| was == is).count();
    let (was, is) = (&was[head..], &is[head..]);
    let tail = was.iter().rev().zip(is.iter().rev()).take_while(|(was, is)| was == is).count();
    let (was, is) = (&was[..was.len() - tail], &is[..is.len() - tail]);
    let gone = was.iter().map(|line| ('-', line.as_str()));
    gone.chain(is.iter().map(|line| ('+', line.as_str()))).collect()
}

/// Whoever approves must see what a model reads: what moves a cursor or hides text is shown as its number.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || is_invisible(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(approved: Value, offered: Value) -> ChangedTool {
        ChangedTool { name: "s__t".into(), approved, offered }
    }

    #[test]
    fn only_what_differs_is_shown_and_no_line_can_be_forged() {
        let approved = json!({
            "name": "t", "description": "One.\nTwo.\nThree.",
            "inputSchema": { "properties": { "a": { "type": "string" } }, "type": "object" },
        });
        let mut offered = approved.clone();
        offered["description"] = "One.\n  - 2\u{202e}\u{1b}[8m\rx\nThree.".into();
        offered["inputSchema"]["properties"]["a"]["type"] = "integer".into();
        offered["outputSchema"] = json!({});
        let shown = page(&changed(approved, offered));
        let wanted = "s__t\n  description\n    - Two.\n    +   - 2\\u{202e}\\u{1b}[8m\\u{d}x\n  inputSchema\n    \
                      -       \"type\": \"string\"\n    +       \"type\": \"integer\"\n  outputSchema\n    + {}\n";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn lines_that_were_added_or_taken_are_found_among_equal_ones() {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let shown = |was: &str, is: &str| {
            let (was, is) = (lines(was), lines(is));
            difference(&was, &is).into_iter().map(|(mark, line)| format!("{mark}{line}")).collect::<String>()
        };
        assert_eq!(shown("aaa", "aaaa"), "+a");
        assert_eq!(shown("abc", "ac"), "-b");
        assert_eq!(shown("", "ab"), "+a+b");
        assert_eq!(shown("abcd", "axyd"), "-b-c+x+y");
        assert_eq!(shown("same", "same"), "");
    }
}
