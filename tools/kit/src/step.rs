//! One step of a build: a program that runs with a limit on time, and whose first and last words are kept.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{KitError, bounds};

/// Who is told what is being done, a line at a time.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// A program with its arguments, and what it is for.
pub(crate) struct Step {
    title: String,
    program: OsString,
    arguments: Vec<OsString>,
    folder: PathBuf,
    limit: Duration,
    remedy: String,
}

impl Step {
    /// `title` is for the progress line and the error, as in "compiling tool.c".
    pub(crate) fn new(title: impl Into<String>, program: impl AsRef<OsStr>, folder: &Path) -> Self {
        Self {
            title: title.into(),
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            folder: folder.to_owned(),
            limit: bounds::COMPILE,
            remedy: "put that right, and build again".into(),
        }
    }

    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// What to do if it fails, where that is not the author's own code.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Says what it is, and runs it to its end.
    pub(crate) fn run(&self, progress: Progress<'_>) -> Result<String, KitError> {
        progress(&format!("{} …", self.title));
        self.quietly()
    }

    /// Runs it to its end: its output, or at least the beginning and the end of it.
    pub(crate) fn quietly(&self) -> Result<String, KitError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        // A group of its own, so that what it starts ends with it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| self.failed(&format!("did not start: {error}"), &Said::default()))?;
        let ends = Ends::default();
        let stdout = child.stdout.take().map(|pipe| ends.follow(pipe));
        let stderr = child.stderr.take().map(|pipe| ends.follow(pipe));
        let status = self.wait(child);
        for reader in [stdout, stderr].into_iter().flatten() {
            // A reader that panicked has nothing more to say.
            let _ = reader.join();
        }
        let said = ends.said();
        match status {
            Ok(status) if status.success() => Ok(said.text),
            Ok(status) => Err(self.failed(&format!("ended with {status}"), &said)),
            Err(why) => Err(self.failed(&why, &said)),
        }
    }

    /// Waits for it, as long as the step may take, and ends what it left behind, which would hold the pipes.
    fn wait(&self, mut child: Child) -> Result<ExitStatus, String> {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (tell, ended) = mpsc::sync_channel(1);
        thread::spawn(move || tell.send(child.wait()));
        let status = ended.recv_timeout(self.limit);
        if let Some(group) = group {
            // Mostly there is nobody left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
        match status {
            Ok(status) => status.map_err(|error| format!("cannot be waited for: {error}")),
            Err(_) => Err(format!("did not end within {} s, and was stopped", self.limit.as_secs())),
        }
    }

    fn failed(&self, why: &str, said: &Said) -> KitError {
        let mut lines: Vec<_> = said.text.lines().filter(|line| !line.trim().is_empty()).collect();
        let hidden = lines.len().saturating_sub(bounds::SHOWN_LINES);
        let note = left_out(hidden + said.lost_lines);
        if hidden > 0 {
            let first = bounds::SHOWN_LINES / 2;
            lines.splice(first..first + hidden, [&note[..]]);
        }
        KitError::Step {
            step: self.title.clone(),
            command: self.typed(),
            why: why.to_owned(),
            said: lines.iter().map(|line| format!("\n  | {line}")).collect(),
            remedy: self.remedy.clone(),
        }
    }

    fn typed(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// What a program said.
#[derive(Default)]
struct Said {
    text: String,
    /// Lines that were said between its two ends and are not in it. One more stands there that says so.
    lost_lines: usize,
}

fn left_out(lines: usize) -> String {
    format!("… lines left out: {lines} …")
}

/// Both ends of what is said, by two pipes into one.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    first: Vec<u8>,
    last: VecDeque<u8>,
    /// Ends of lines that were lost between the two; `None` as long as nothing was.
    lost: Option<usize>,
}

impl Kept {
    fn add(&mut self, part: &[u8]) {
        const END: usize = bounds::OUTPUT / 2;
        let (first, rest) = part.split_at(part.len().min(END - self.first.len()));
        self.first.extend(first);
        self.last.extend(rest);
        if self.last.len() > END {
            let surplus = self.last.drain(..self.last.len() - END);
            *self.lost.get_or_insert(0) += surplus.filter(|byte| *byte == b'\n').count();
        }
    }
}

impl Ends {
    fn follow(&self, mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<()> {
        let ends = self.clone();
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut part) {
                ends.0.lock().unwrap_or_else(PoisonError::into_inner).add(&part[..count]);
            }
        })
    }

    fn said(&self) -> Said {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = kept.first.clone();
        if let Some(lines) = kept.lost {
            // What is left of two lines is at its sides.
            text.extend(format!("\n{}\n", left_out(lines + 1)).into_bytes());
        }
        text.extend(&kept.last);
        Said { text: plain(&text), lost_lines: kept.lost.unwrap_or_default() }
    }
}

/// Without what moves a cursor: compilers colour their words.
fn plain(said: &[u8]) -> String {
    let (text, mut plain, mut in_escape) = (String::from_utf8_lossy(said), String::new(), false);
    for c in text.chars() {
        match (in_escape, c) {
            (true, c) => in_escape = !c.is_ascii_alphabetic(),
            (false, '\u{1b}') => in_escape = true,
            (false, c) if c == '\n' || !c.is_control() => plain.push(c),
            (false, '\t') => plain.push_str("  "),
            (false, _) => {}
        }
    }
    plain
}

/// Where `program` is found by typing its name.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> Step {
        Step::new("trying", "sh", Path::new("/")).args(["-c", script]).limit(Duration::from_secs(20))
    }

    #[test]
    fn a_step_that_fails_says_which_it_was_how_it_ended_and_its_last_words() {
        let error = shell("echo 'tool.c:3: wrong' >&2; exit 3").remedy("look there").quietly().unwrap_err();
        let text = error.to_string();
        for part in ["trying failed", "`sh -c", "exit status: 3", "  | tool.c:3: wrong", "look there"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn only_both_ends_of_a_flood_are_kept() {
        let said = shell("echo begin; seq 100000; echo end").quietly().unwrap();
        assert!(
            said.len() < bounds::OUTPUT + 100 && said.starts_with("begin\n1\n") && said.ends_with("\nend\n")
        );
        assert_eq!(said.matches("lines left out").count(), 1);
    }

    #[test]
    fn an_error_shows_where_it_began_and_where_it_ended_and_counts_what_is_between() {
        for (said, left_out) in [(30, 0), (31, 1), (200, 170), (100_000, 99_970)] {
            let text = shell(&format!("seq {said}; exit 1")).quietly().unwrap_err().to_string();
            let shown: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  | ")).collect();
            assert_eq!((shown[0], shown[14], *shown.last().unwrap()), ("1", "15", &*said.to_string()));
            assert_eq!(shown.len(), if left_out == 0 { 30 } else { 31 });
            let note = format!("… lines left out: {left_out} …");
            assert_eq!(shown.contains(&&*note), left_out != 0, "{text}");
        }
    }

    #[test]
    fn a_step_that_hangs_is_stopped_with_all_it_started() {
        let start = Instant::now();
        let error = shell("sleep 60 & wait").limit(Duration::from_millis(200)).quietly().unwrap_err();
        assert!(error.to_string().contains("was stopped"), "{error}");
        // The pipe is held by the grandchild too: reading it to its end shows that this one is gone.
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn colours_of_a_compiler_do_not_reach_the_error() {
        let said = shell("printf '\\033[31merror\\033[0m: no\\r\\n'").quietly().unwrap();
        assert_eq!(said, "error: no\n");
    }
}
