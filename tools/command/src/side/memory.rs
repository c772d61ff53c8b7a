//! How much memory the processes below this one hold together. The kernel's limits are for each of them.
//!
//! ```text
//!   resident, summed: cheap, too much where memory is shared ──more than allowed──▶ each shared page as a part: exact
//! ```

use std::{
    fs::File,
    io::{self, Read},
};

use rustix::{
    fd::OwnedFd,
    fs::{CWD, Dir, Mode, OFlags, openat},
};

use super::sys;

/// The machine's `/proc`, opened before init puts another root in its place, also for us.
#[derive(Debug)]
pub(super) struct Processes(OwnedFd);

impl Processes {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self(openat(CWD, "/proc", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
    }

    /// Whether those below us hold more than `most` bytes: what is private, and their parts of what they share.
    pub(super) fn hold_more_than(&self, most: u64) -> bool {
        let below = self.below();
        let sum =
            |of: fn(&Self, u32) -> u64| below.iter().map(|pid| of(self, *pid)).fold(0, u64::saturating_add);
        sum(Self::resident) > most && sum(Self::own) > most
    }

    /// Children, their children and so on. One that is made or adopted meanwhile is seen the next time.
    fn below(&self) -> Vec<u32> {
        let ours = std::process::id();
        // Not every kernel lists the children of a thread.
        let listed = self.read(&format!("{ours}/task/{ours}/children")).is_some();
        let parents = if listed { Vec::new() } else { self.parents() };
        let children = |of: u32| match listed {
            true => self.children(of),
            false => parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid).collect(),
        };
        let mut all = children(ours);
        let mut next = 0;
        while let Some(pid) = all.get(next).copied() {
            // Numbers are used again: one that is seen twice must not go round for ever.
            let more: Vec<u32> = children(pid).into_iter().filter(|child| !all.contains(child)).collect();
            all.extend(more);
            next += 1;
        }
        all
    }

    /// The children of all threads of a process.
    fn children(&self, pid: u32) -> Vec<u32> {
        let threads = self.numbers(&format!("{pid}/task"));
        let lists = threads.iter().filter_map(|tid| self.read(&format!("{pid}/task/{tid}/children")));
        lists
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect()
    }

    /// Every process of this machine that can be seen, with its parent.
    fn parents(&self) -> Vec<(u32, u32)> {
        let parent = |pid: u32| Some((pid, parent_in(&self.read(&format!("{pid}/stat"))?)?));
        self.numbers(".").into_iter().filter_map(parent).collect()
    }

    /// Bytes of a process that are in memory, whoever else has them.
    fn resident(&self, pid: u32) -> u64 {
        let statm = self.read(&format!("{pid}/statm")).unwrap_or_default();
        let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
        pages.unwrap_or(0).saturating_mul(sys::page_bytes())
    }

    /// Bytes of a process that are no file's, with its part of those that it shares. Of a process that lets nobody look,
    /// all of those.
    fn own(&self, pid: u32) -> u64 {
        let of = |file: &str, fields: &[&str]| {
            kib(&self.read(&format!("{pid}/{file}"))?, fields).map(|kib| kib.saturating_mul(1024))
        };
        let exact = of("smaps_rollup", &["Pss_Anon:", "Pss_Shmem:", "SwapPss:"]);
        exact.or_else(|| of("status", &["RssAnon:", "RssShmem:", "VmSwap:"])).unwrap_or(0)
    }

    fn read(&self, path: &str) -> Option<String> {
        let file = openat(&self.0, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = Vec::new();
        File::from(file).read_to_end(&mut text).ok()?;
        // A process calls itself what it likes.
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// The numbers in a folder.
    fn numbers(&self, path: &str) -> Vec<u32> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(&self.0, path, flags, Mode::empty()).and_then(|folder| Dir::read_from(&folder));
        let entries = folder.into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str().ok()?.parse().ok()).collect()
    }
}

/// Whose child the process with this `stat` is: `PID (NAME) STATE PARENT …`, where the name may be anything.
pub(super) fn parent_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The sum of `fields` in a text of lines like `RssAnon:  12 kB`; `None` if it has none of them.
fn kib(text: &str, fields: &[&str]) -> Option<u64> {
    let of = |line: &str| {
        let (name, value) = line.split_once(char::is_whitespace)?;
        if !fields.contains(&name) {
            return None;
        }
        value.split_whitespace().next()?.parse::<u64>().ok()
    };
    let found: Vec<u64> = text.lines().filter_map(of).collect();
    (!found.is_empty()).then(|| found.into_iter().fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_summed_and_their_absence_is_told_from_zero() {
        let text = "Name:\tcat\nRssAnon:\t  12 kB\nRssFile: 99 kB\nRssShmem:\t 3 kB\n";
        assert_eq!(kib(text, &["RssAnon:", "RssShmem:", "VmSwap:"]), Some(15));
        assert_eq!(kib(text, &["Pss_Anon:"]), None);
    }

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent_in("12 (a) b) S 7 7 0"), Some(7));
        assert_eq!(parent_in("12"), None);
    }

    #[test]
    fn this_process_and_its_children_are_found_in_proc() {
        let (processes, ours) = (Processes::open().unwrap(), std::process::id());
        assert!(processes.resident(ours) > 0 && processes.own(ours) > 0);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(processes.below().contains(&child.id()), "by what the kernel lists, if it does");
        assert!(processes.parents().contains(&(child.id(), ours)), "and by looking at all of them");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
