//! One step of a build: a program that runs with a limit on time, and whose last words are kept.

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

    /// Runs it to its end: its output, or at least the last of it.
    pub(crate) fn quietly(&self) -> Result<String, KitError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        // A group of its own, so that what it starts ends with it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child =
            command.spawn().map_err(|error| self.failed(&format!("did not start: {error}"), ""))?;
        let tail = Tail::default();
        let stdout = child.stdout.take().map(|pipe| tail.follow(pipe));
        let stderr = child.stderr.take().map(|pipe| tail.follow(pipe));
        let status = self.wait(child);
        for reader in [stdout, stderr].into_iter().flatten() {
            // A reader that panicked has nothing more to say.
            let _ = reader.join();
        }
        let said = tail.text();
        match status {
            Ok(status) if status.success() => Ok(said),
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

    fn failed(&self, why: &str, said: &str) -> KitError {
        let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(bounds::SHOWN_LINES)..];
        KitError::Step {
            step: self.title.clone(),
            command: self.typed(),
            why: why.to_owned(),
            said: last.iter().map(|line| format!("\n  | {line}")).collect(),
            remedy: self.remedy.clone(),
        }
    }

    fn typed(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// The last of what is said, by two pipes into one.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    fn follow(&self, mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<()> {
        let tail = self.clone();
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut part) {
                let mut kept = tail.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&part[..count]);
                let surplus = kept.len().saturating_sub(bounds::OUTPUT);
                kept.drain(..surplus);
            }
        })
    }

    /// Without what moves a cursor: compilers colour their words.
    fn text(&self) -> String {
        let kept: Vec<u8> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let (text, mut plain, mut in_escape) = (String::from_utf8_lossy(&kept), String::new(), false);
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
    fn only_the_last_of_a_flood_is_kept() {
        let said = shell("head -c 1000000 /dev/zero | tr '\\0' x; echo end").quietly().unwrap();
        assert!(said.len() <= bounds::OUTPUT && said.ends_with("end\n"));
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
