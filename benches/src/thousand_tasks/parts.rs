//! The processes of a measurement: this program again, once as the mock and once for each phase, and the program
//! `bare-loop` beside it.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{args::Args, mock::Seen, phase::Phase};

/// The mock, and a folder for everybody.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Its stdin is held open; it ends with us.
    mock: Option<(Child, String)>,
    scratch: TempDir,
}

/// A phase's figures, and what the mock saw of it.
pub(crate) type Measured = (Phase, Option<Seen>);

impl Parts {
    /// Starts the mock and compiles the tools.
    pub(crate) fn start(args: &Args) -> Result<Self> {
        let scratch = match &args.dir {
            Some(dir) => tempfile::tempdir_in(dir),
            None => tempfile::tempdir(),
        }
        .context("failed to make a folder for the journals")?;
        let mock = if args.in_process { None } else { Some(mock()?) };
        let parts = Self { mock, scratch };
        let prepared = parts.command(env::current_exe()?, "prepare", 1).status()?;
        ensure!(prepared.success(), "the tools could not be compiled: {prepared}");
        Ok(parts)
    }

    /// Runs one phase in a process of its own.
    pub(crate) fn measure(&self, phase: &str, at_once: usize) -> Result<Measured> {
        self.run(env::current_exe()?, phase, at_once)
    }

    /// Runs the bare loop as a program that has the system's allocator, as most have.
    pub(crate) fn measure_plain(&self, at_once: usize) -> Result<Measured> {
        let program = env::current_exe()?.with_file_name("bare-loop");
        ensure!(
            program.exists(),
            "there is no {}: build the whole workspace (`make build`)",
            program.display()
        );
        self.run(program, "bare", at_once)
    }

    fn run(&self, program: PathBuf, phase: &str, at_once: usize) -> Result<Measured> {
        let output = self.command(program, phase, at_once).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "the phase `{phase}` ended early: {}", output.status);
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().with_context(|| format!("the phase `{phase}` said nothing"))?;
        Ok((serde_json::from_str(line)?, self.seen()?))
    }

    fn command(&self, program: PathBuf, part: &str, at_once: usize) -> Command {
        let mut command = Command::new(program);
        command.args(env::args_os().skip(1)).arg(part).args(["--at-once", &at_once.to_string()]);
        command.arg("--scratch").arg(self.scratch.path());
        if let Some((_, url)) = &self.mock {
            command.args(["--model", url]);
        }
        command
    }

    fn seen(&self) -> Result<Option<Seen>> {
        let Some((_, url)) = &self.mock else { return Ok(None) };
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seen = tokio.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build()?;
            client.get(format!("{url}/seen")).send().await?.json().await
        });
        Ok(Some(seen.context("the mock does not answer")?))
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some((mock, _)) = &mut self.mock {
            // It may be gone already, which is as good.
            let _ = mock.kill();
            let _ = mock.wait();
        }
    }
}

fn mock() -> Result<(Child, String)> {
    let mut mock = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .arg("mock")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start the mock")?;
    let stdout = mock.stdout.take().context("the mock has no stdout")?;
    let mut url = String::new();
    BufReader::new(stdout).read_line(&mut url)?;
    ensure!(url.starts_with("http://"), "the mock did not start");
    Ok((mock, url.trim().to_owned()))
}
