//! `playhouse check`: everything that can be wrong before a start.

use std::process::ExitCode;

use playhouse_assembly::{Config, Extras, check_with_servers};

use crate::{cli::CheckArgs, serve::default_data};

#[expect(clippy::print_stdout, reason = "the report is this command's output")]
pub(crate) async fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    // Where a start looks for what is pinned.
    config.data = config.data.or_else(default_data);
    let checked = check_with_servers(&config, Extras::default()).await?;
    for agent in checked.catalog.agents() {
        let tools: Vec<_> = agent.tools.keys().map(String::as_str).collect();
        let tools = if tools.is_empty() { "no tools".to_owned() } else { tools.join(", ") };
        println!("agent {:<16} model {}, {tools}", agent.name, agent.model);
    }
    for tool in checked.catalog.tools.specs() {
        let effect = serde_json::to_value(tool.effect)?;
        println!(
            "tool  {:<16} {} {} ({}), {}",
            tool.name,
            tool.version,
            effect.as_str().unwrap_or_default(),
            tool.annotations,
            &tool.digest[..12]
        );
    }
    for model in checked.catalog.model_infos() {
        println!(
            "model {:<16} {}, {}, {} tokens of context",
            model.name, model.provider, model.version, model.context_tokens
        );
    }
    for warning in &checked.warnings {
        println!("problem: {warning}");
    }
    if checked.warnings.is_empty() {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
