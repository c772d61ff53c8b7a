//! A file system for the command alone: what it may see at the paths it has outside, and nothing else.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use libc::{MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT};
use playhouse_tools_confine::View;
use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    process::{getuid, pivot_root},
};

use crate::{
    CommandLimits,
    side::{
        ROOT_IS_NOT_HELD, at,
        sys::{self, mount, mount_flags},
    },
};

/// Bytes of the root itself, which holds empty folders, links and names.
const ROOT: &str = "size=4m,mode=755";
/// The first kernel on which a pid namespace has a `pid_max` of its own. Before, writing it would change the machine's.
const PID_MAX_SINCE: (u32, u32) = (6, 14);
/// The kernel takes no smaller one.
const PID_MAX_LEAST: u64 = 301;

/// Makes the root in `scratch`, and enters it.
pub(super) fn enter(view: &View, scratch: &Path, limits: &CommandLimits) -> Result<(), String> {
    mount_flags(Path::new("/"), MS_REC | MS_PRIVATE).map_err(at("a mount namespace"))?;
    let (tmpfs, quiet) = (Path::new("tmpfs"), MS_NOSUID | MS_NODEV);
    mount(tmpfs, scratch, "tmpfs", quiet, ROOT).map_err(at("a root"))?;
    let home = format!("size={},mode=700", limits.file_bytes);
    fs::create_dir(scratch.join("tmp")).map_err(at("a home"))?;
    mount(tmpfs, &scratch.join("tmp"), "tmpfs", quiet, &home).map_err(at("a home"))?;
    let mut root = Root { at: scratch, bound: Vec::new() };
    // A folder that may be written may lie in one that may be read.
    for (paths, writable) in [(&view.read, false), (&view.write, true)] {
        for path in paths.iter().filter(|path| !path.starts_with("/proc")) {
            root.show(path, writable).map_err(|why| format!("`{}`: {why}", path.display()))?;
        }
    }
    proc(&scratch.join("proc"), limits.processes)?;
    for (name, target) in [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        symlink(format!("/proc/self/{target}"), scratch.join("dev").join(name)).map_err(at("/dev"))?;
    }
    mount_flags(scratch, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet).map_err(at("a root"))?;
    // The new root on top of the old one, which then can be taken away from under it.
    std::env::set_current_dir(scratch).map_err(at("the new root"))?;
    pivot_root(".", ".").map_err(at("the new root"))?;
    sys::detach_here().map_err(at("the old root"))?;
    std::env::set_current_dir("/").map_err(at("the new root"))
}

struct Root<'a> {
    at: &'a Path,
    bound: Vec<(PathBuf, bool)>,
}

impl Root<'_> {
    /// Shows what is at `path` there as well. What is not there, is not there.
    fn show(&mut self, path: &Path, writable: bool) -> std::io::Result<()> {
        let Ok(real) = path.canonicalize() else { return Ok(()) };
        if path.is_symlink() {
            let link = self.within(path);
            if let Some(folder) = link.parent() {
                fs::create_dir_all(folder)?;
            }
            if link.symlink_metadata().is_err() {
                symlink(fs::read_link(path)?, link)?;
            }
        }
        if self.bound.iter().any(|(shown, may)| real.starts_with(shown) && *may == writable) {
            return Ok(());
        }
        self.bind(&real, writable)?;
        self.bound.push((real, writable));
        Ok(())
    }

    fn bind(&self, real: &Path, writable: bool) -> std::io::Result<()> {
        let here = self.within(real);
        if real.is_dir() {
            fs::create_dir_all(&here)?;
        } else if !here.exists() {
            fs::create_dir_all(here.parent().unwrap_or(self.at))?;
            fs::write(&here, "")?;
        }
        mount(real, &here, "", MS_BIND | MS_REC, "")?;
        if real.starts_with("/dev") {
            return Ok(());
        }
        let mut flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV;
        let had = statvfs(&here)?.f_flag;
        // What the machine has taken away cannot be given back.
        if !writable || had.contains(StatVfsMountFlags::RDONLY) {
            flags |= MS_RDONLY;
        }
        if had.contains(StatVfsMountFlags::NOEXEC) {
            flags |= MS_NOEXEC;
        }
        mount_flags(&here, flags)
    }

    fn within(&self, path: &Path) -> PathBuf {
        self.at.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// The processes of the namespace. Read-only: of a daemon that runs as root, a command could set the kernel's variables.
fn proc(here: &Path, processes: u64) -> Result<(), String> {
    let quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    fs::create_dir(here).map_err(at("/proc"))?;
    if mount(Path::new("proc"), here, "proc", quiet, "").is_err() {
        // Many containers allow none. Most programs do without.
        return if getuid().is_root() { Err(ROOT_IS_NOT_HELD.to_owned()) } else { Ok(()) };
    }
    let apart = kernel().is_some_and(|version| version >= PID_MAX_SINCE);
    let most = (PID_MAX_LEAST + processes).to_string();
    if getuid().is_root() && !(apart && fs::write(here.join("sys/kernel/pid_max"), most).is_ok()) {
        return Err(ROOT_IS_NOT_HELD.to_owned());
    }
    mount_flags(here, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet).map_err(at("/proc"))
}

/// The kernel's version: `6.14` of `6.14.2-arch1`.
fn kernel() -> Option<(u32, u32)> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
