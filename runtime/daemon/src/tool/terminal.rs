//! Whoever sits at the terminal: what a call tells them, and what they are asked.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use playhouse_core::{
    model::Reply,
    tool::{Reach, ToolError, ToolProgress},
};
use playhouse_ports::{ToolCaller, ToolQuestion, nobody};

use super::plain;

/// How long somebody looks at a terminal without wondering.
const MOMENT: Duration = Duration::from_secs(1);

/// Whoever sits at the terminal, as a call sees them. They have no model.
pub(super) struct Terminal;

#[async_trait]
impl ToolCaller for Terminal {
    fn progress(&self, progress: ToolProgress) {
        match progress {
            ToolProgress::Report { done, total: 0, message } => eprintln!("{done}: {}", plain(&message)),
            ToolProgress::Report { done, total, message } => {
                eprintln!("{done} of {total}: {}", plain(&message));
            }
            ToolProgress::Partial(text) => eprintln!("{}", plain(&text)),
        }
    }

    async fn ask(&self, question: ToolQuestion) -> Result<Reply, ToolError> {
        nobody().ask(question).await
    }
}

/// What they answer to `question`; an error that says what to do `otherwise` if nobody sits there.
pub(super) fn answer(question: &str, otherwise: &str) -> anyhow::Result<String> {
    let here = io::stdin();
    answer_from(here.is_terminal().then(|| here.lock()), question, otherwise)
}

fn answer_from(input: Option<impl BufRead>, question: &str, otherwise: &str) -> anyhow::Result<String> {
    let Some(mut input) = input else { bail!("nobody is here to be asked ({question}); {otherwise}") };
    eprint!("{question} ");
    io::stderr().flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer).context("failed to read the answer")?;
    Ok(answer.trim().to_owned())
}

/// What a call reached, in words.
pub(super) fn reached(reached: Reach) -> String {
    match reached {
        Reach { calls: 0, .. } => "nothing outside reached".to_owned(),
        Reach { calls: 1, bytes } => format!("reached out once, {bytes} bytes"),
        Reach { calls, bytes } => format!("reached out {calls} times, {bytes} bytes"),
    }
}

/// Does `work` with `what`, and says so if it takes longer than a moment: of an interpreter, it does the first time.
pub(super) fn patiently<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (working, done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if done.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
                eprintln!("compiling {}, which is kept for the next time …", plain(what));
            }
        });
        // Dropped with the work, if that panics too.
        let _working = working;
        work()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_and_where_nobody_sits_the_remedy_is_told() {
        assert_eq!(answer_from(Some(&b" yes \nno\n"[..]), "install it?", "say --yes").unwrap(), "yes");
        assert_eq!(answer_from(Some(&b""[..]), "install it?", "say --yes").unwrap(), "", "they left");
        let nobody = answer_from(None::<&[u8]>, "install it?", "say --yes").unwrap_err().to_string();
        assert_eq!(nobody, "nobody is here to be asked (install it?); say --yes");
    }
}
