//! `playhouse tool grants`: why a tool may do something, or may not.

use std::process::ExitCode;

use playhouse_assembly::{
    Config,
    tools::{Question, Standing, explain},
};
use playhouse_core::{grant::Access, labels::Labels};

use super::plain;
use crate::cli::GrantsArgs;

/// 0: it may, all of what was asked about; 1: it may not.
#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
pub(super) fn grants(args: &GrantsArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    config.data = config.data.or_else(crate::serve::default_data);
    let labels = Labels(args.label.iter().cloned().collect());
    let found = explain(&config, args.agent.as_deref(), &args.tool, &labels, &question(args))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else if found.is_empty() {
        println!("{} imports nothing: it may do nothing but compute", plain(&args.tool));
    } else {
        found.iter().for_each(|standing| println!("{}", line(standing)));
    }
    let all = found.iter().all(|standing| standing.granted);
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn question(args: &GrantsArgs) -> Question {
    let path = |path: &String, access| Question::Path { path: path.clone(), access };
    match (&args.request, &args.read, &args.write, &args.secret, &args.call) {
        (Some(words), ..) => Question::Request { method: words[0].to_uppercase(), url: words[1].clone() },
        (_, Some(read), ..) => path(read, Access::Read),
        (_, _, Some(write), ..) => path(write, Access::Write),
        (_, _, _, Some(secret), _) => Question::Secret(secret.clone()),
        (.., Some(tool)) => Question::Tool(tool.clone()),
        _ => Question::Everything,
    }
}

fn line(Standing { about, granted, why }: &Standing) -> String {
    let word = if *granted { "yes" } else { "NO" };
    // Of a request, the sentence begins with it.
    match why.starts_with(about.as_str()) {
        true => format!("{word:<4}{}", plain(why)),
        false => format!("{word:<4}{:<12} {}", plain(about), plain(why)),
    }
}
