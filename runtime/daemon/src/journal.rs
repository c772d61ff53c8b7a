//! `playhouse journal …`: looks after the data directory of a daemon that does not run.
//!
//! A running daemon holds its directory, so each of these is refused while one does.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, bail};
use playhouse_assembly::{
    Config, JournalOptions,
    offline::{self, Erased, Exported, Proof, Report},
};
use playhouse_core::id::Tenant;
use serde::Serialize;

use crate::{
    cli::{JournalArgs, JournalCommand},
    serve::default_data,
};

pub(crate) async fn journal(args: JournalArgs) -> anyhow::Result<ExitCode> {
    let dir = directory(args.data.as_deref(), args.config.as_deref())?;
    let json = args.json;
    let options = Config::load(args.config.as_deref(), std::env::vars())?.journal.options()?;
    match args.command {
        JournalCommand::Verify => verified(&offline::verify(&dir, &options)?, json),
        JournalCommand::Repair => verified(&offline::repair(&dir, options).await?, json),
        JournalCommand::Compact => {
            let done = offline::compact(&dir, options).await?;
            show(json, &done, || format!("{} bytes before, {} after", done.before, done.after))?;
            Ok(ExitCode::SUCCESS)
        }
        JournalCommand::Export { out } => export(&dir, &options, out.as_deref()),
        JournalCommand::Prove { export } => {
            let file = File::open(&export).with_context(|| format!("failed to read {}", export.display()))?;
            proven(&offline::prove(&dir, &options, &mut BufReader::new(file))?, json)
        }
        JournalCommand::Erase { tenant, yes } => {
            let tenant = Tenant::new(&tenant).with_context(|| format!("`{tenant}` is no tenant"))?;
            if !yes {
                ask_to_erase(&dir, &tenant)?;
            }
            erased(&offline::erase(&dir, &options, &tenant)?, &tenant, json)
        }
    }
}

/// The directory that `serve` would use, which must exist: looking after nothing is a mistake.
pub(crate) fn directory(data: Option<&Path>, config: Option<&Path>) -> anyhow::Result<PathBuf> {
    let configured = || Config::load(config, std::env::vars()).map(|config| config.data);
    let dir = match data {
        Some(dir) => dir.to_owned(),
        None => {
            configured()?.or_else(default_data).ok_or_else(|| anyhow!("name a data directory with --data"))?
        }
    };
    if !dir.is_dir() {
        bail!("there is no data directory at {}; name one with --data", dir.display());
    }
    Ok(dir)
}

#[expect(clippy::print_stdout, reason = "the outcome is this command's output")]
fn show(json: bool, outcome: &impl Serialize, words: impl FnOnce() -> String) -> anyhow::Result<()> {
    match json {
        true => println!("{}", serde_json::to_string_pretty(outcome)?),
        false => println!("{}", words()),
    }
    Ok(())
}

/// 0: all is well; 1: something is damaged that `repair` heals; 2: something is lost.
fn verified(report: &Report, json: bool) -> anyhow::Result<ExitCode> {
    show(json, report, || {
        let Report { generation, commit, segments, tasks, records, sessions, blobs, .. } = report;
        let counts = format!(
            "generation {generation}, commit {commit}, {segments} segments: {tasks} tasks, {records} records, \
             {sessions} sessions, {blobs} large values"
        );
        let verdict = if report.is_whole() { "all is well" } else { "not all is well" };
        let findings = report.findings.iter().map(|finding| format!("{finding}\n"));
        format!("{counts}\n{}{verdict}", findings.collect::<String>())
    })?;
    Ok(ExitCode::from(report.exit_code()))
}

/// Everything as JSON lines, to a file or to stdout; what was exported is said on stderr.
fn export(dir: &Path, options: &JournalOptions, out: Option<&Path>) -> anyhow::Result<ExitCode> {
    let exported = match out {
        Some(path) => {
            // A new file only: an older export may be what a proof needs.
            let file =
                File::create_new(path).with_context(|| format!("failed to create {}", path.display()))?;
            let mut writer = BufWriter::new(file);
            let exported = offline::export(dir, options, &mut writer)?;
            writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            exported
        }
        None => {
            let mut writer = BufWriter::new(io::stdout().lock());
            let exported = offline::export(dir, options, &mut writer)?;
            writer.flush()?;
            exported
        }
    };
    let Exported { commit, root, tasks, records, sessions, unreadable } = exported;
    eprintln!("{tasks} tasks, {records} records, {sessions} sessions up to commit {commit}, root {root}");
    unreadable.iter().for_each(|name| eprintln!("could not be read: {name}"));
    Ok(if unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// 0: nothing that was exported has been rewritten; 1: something has.
fn proven(proof: &Proof, json: bool) -> anyhow::Result<ExitCode> {
    show(json, proof, || {
        let Proof { commits, replaced, appends, gone, rewritten } = proof;
        let gone = gone.iter().map(|task| format!("gone: {task}\n")).collect::<String>();
        let rewritten = rewritten.iter().map(|what| format!("rewritten: {what}\n")).collect::<String>();
        format!(
            "{gone}{rewritten}{commits} commits and {appends} appends are what they were; {replaced} commits were replaced by a new generation"
        )
    })?;
    Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes on only when a person types the tenant's name. Where nobody can be asked, `--yes` says it.
fn ask_to_erase(dir: &Path, tenant: &Tenant) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("erasing cannot be undone, and there is nobody to ask; say --yes if it is meant");
    }
    eprintln!("Everything that was sealed for tenant `{tenant}` in {} will be lost for ever.", dir.display());
    eprint!("Type the tenant's name to go on: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("failed to read the answer")?;
    if answer.trim() != tenant.as_str() {
        bail!("that is not the tenant's name; nothing was erased");
    }
    Ok(())
}

/// 0: the key is destroyed; 1: there was none.
fn erased(done: &Erased, tenant: &Tenant, json: bool) -> anyhow::Result<ExitCode> {
    show(json, done, || {
        let Erased { erased, left } = done;
        let left: Vec<_> = left.iter().map(Tenant::as_str).collect();
        let left = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
        match erased {
            true => format!("what was sealed for tenant `{tenant}` is erased; tenants with a key: {left}"),
            false => format!("tenant `{tenant}` has no key, nothing was erased; tenants with a key: {left}"),
        }
    })?;
    Ok(if done.erased { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
