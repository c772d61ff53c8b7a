//! What a process may reach: files by Landlock, resources by limits, system calls by seccomp.
//!
//! The first two hold for a child from its first instruction on. Landlock restricts a thread and what that thread starts,
//! so a thread is made for it that starts the process and ends. Limits belong to a process, so the process starts as a
//! shell that waits for a line on stdin, gets its limits, and only then becomes the program. Neither needs code between
//! `fork` and `exec`, and so none of this is `unsafe`. A process gives up system calls itself, once it is ready.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

#[cfg(target_os = "linux")]
mod calls;

#[cfg(target_os = "linux")]
pub use calls::{When, Whose, refuse};

/// Waits for a line, then becomes its arguments. `read` takes no byte more than the line.
pub const GATE: &str = "read -r go && exec \"$@\"";

/// Where interpreters and libraries live, and what they look up. Neither homes nor the configuration of other programs
/// are among them: `/etc` and `/run` hold secrets.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    // Of another process, Landlock shows no more than anybody may see: no environment, no memory.
    "/proc",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
    // Names, time, certificates, the dynamic linker.
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/os-release",
    "/etc/mime.types",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld-musl-x86_64.path",
    "/etc/fonts",
];
/// Devices that a program may also write to.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"];

/// What of the file system a process sees.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Files and folders it may read, and run programs from. Missing ones are passed over.
    pub read: Vec<PathBuf>,
    /// Files and folders it may also write.
    pub write: Vec<PathBuf>,
    /// Whether it may not use TCP.
    pub no_tcp: bool,
}

/// What a process may use. Zero means: as much as we may ourselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of private writable memory, for each of its processes.
    pub memory_bytes: u64,
    /// Bytes of the largest file it may write.
    pub file_bytes: u64,
    /// Files and sockets it may have open.
    pub open_files: u64,
    /// Seconds of CPU, for each of its processes and their whole life.
    pub cpu_s: u64,
    /// Processes and threads of its user, in its user namespace. Root is not held to it.
    pub processes: u64,
    /// Bytes of addresses, for each of its processes: what bounds memory that processes share.
    pub address_bytes: u64,
}

impl View {
    /// The system, the installations of the program and of what runs it, if it is a script, and what is given.
    pub fn of(program: &Path, read: &[PathBuf], write: &[PathBuf]) -> Self {
        let mut view = Self::system();
        let home = std::env::home_dir();
        let places = |program: &Path| {
            let real = program.canonicalize().ok();
            [Some(program), real.as_deref()].map(|it| installation(it?, home.as_deref()))
        };
        view.read.extend(places(program).into_iter().flatten());
        // A script brings what runs it: that of a Python environment may lie in another installation.
        let runs = interpreter(program);
        view.read.extend(runs.iter().flat_map(|runs| places(runs)).flatten());
        view.read.extend_from_slice(read);
        view.write.extend_from_slice(write);
        view
    }

    /// What nearly every program needs: interpreters, libraries, what they look up, and devices.
    pub fn system() -> Self {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        Self { read: paths(SYSTEM), write: paths(&DEVICES), no_tcp: false }
    }
}

/// `…/venv` for `…/venv/bin/python`, `…/node_modules` for what lies in it, else the program's folder: what is installed
/// together is needed together.
fn installation(program: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let folder = program.parent()?;
    let packages = folder.ancestors().filter(|place| place.ends_with("node_modules")).last();
    let whole = match packages {
        Some(packages) => packages,
        None if folder.ends_with("bin") => folder.parent()?,
        None => folder,
    };
    // A program in the root of the file system brings only itself, and so does one in somebody's own `bin`.
    let is_too_much =
        |place: &Path| place.parent().is_none() || home.is_some_and(|home| home.starts_with(place));
    Some(if is_too_much(whole) { program.to_owned() } else { whole.to_owned() })
}

/// Bytes in which a script says what runs it: the kernel looks no further.
const SCRIPT_BYTES: u64 = 256;

/// What runs `program`, if it is a script: the path behind `#!`.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut first = Vec::new();
    std::fs::File::open(program).ok()?.take(SCRIPT_BYTES).read_to_end(&mut first).ok()?;
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let path = std::str::from_utf8(line).ok()?.split_whitespace().next()?;
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Where `command` is, looked for as a shell would.
pub fn find(command: &str, path: &str) -> io::Result<PathBuf> {
    if command.contains('/') {
        return std::path::absolute(command);
    }
    let places = std::env::split_paths(path).map(|folder| folder.join(command));
    let found = places.filter(|place| place.is_absolute()).find(|place| place.is_file());
    found.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no `{command}` in `{path}`"))
    })
}

/// Runs `start` in a thread that sees no more than `view`, and says how far the kernel keeps to that.
#[cfg(target_os = "linux")]
pub fn within<T: Send>(view: &View, start: impl FnOnce() -> io::Result<T> + Send) -> io::Result<(T, Kept)> {
    let body = || {
        let kept = restrict(view)?;
        drop_capabilities()?;
        Ok((start()?, kept))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("confined-start".into()).spawn_scoped(scope, body)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it panicked")))
    })
}

/// Elsewhere there is nothing to restrict with.
#[cfg(not(target_os = "linux"))]
pub fn within<T: Send>(_: &View, start: impl FnOnce() -> io::Result<T> + Send) -> io::Result<(T, Kept)> {
    Ok((start()?, Kept::Not))
}

/// How far a view is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All of it.
    Fully,
    /// The kernel is too old for some of it.
    Partly,
    /// The kernel has no Landlock.
    Not,
}

/// Holds this thread, and what it starts from now on, to `view`, and takes from it the right to gain others by a program
/// that has them (`no_new_privs`).
#[cfg(target_os = "linux")]
pub fn restrict(view: &View) -> io::Result<Kept> {
    landlocked(view).map_err(io::Error::other)
}

#[cfg(target_os = "linux")]
fn landlocked(view: &View) -> Result<Kept, landlock::RulesetError> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
        path_beneath_rules,
    };
    // Linux 6.12: files, devices, and signals to processes outside. An older kernel keeps what it knows.
    let abi = ABI::V6;
    let mut rules = Ruleset::default().handle_access(AccessFs::from_all(abi))?;
    if view.no_tcp {
        rules = rules.handle_access(AccessNet::from_all(abi))?;
    }
    let status = rules
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(&view.read, AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules(&view.write, AccessFs::from_all(abi)))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Kept::Fully,
        RulesetStatus::PartiallyEnforced => Kept::Partly,
        RulesetStatus::NotEnforced => Kept::Not,
    })
}

/// Takes from this thread, and what it starts, all that root may besides what its files say. Without, a child of a
/// daemon that runs as root could read the daemon's secrets in `/proc`, whatever Landlock says.
#[cfg(target_os = "linux")]
pub fn drop_capabilities() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
    let none = CapabilitySet::empty();
    // A program that root executes would get them all back, but for the `no_new_privs` that Landlock has set.
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

/// Limits the process `pid`, which waits at the gate.
#[cfg(target_os = "linux")]
pub fn limit(pid: rustix::process::Pid, limits: Limits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
    let wanted = [
        // Private memory. Addresses are another matter: V8 reserves a hundred times what it uses.
        (Resource::Data, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
        (Resource::Cpu, limits.cpu_s),
        (Resource::Nproc, limits.processes),
        (Resource::As, limits.address_bytes),
    ];
    for (resource, most) in wanted.into_iter().filter(|(_, most)| *most > 0) {
        // More than we have ourselves cannot be given.
        let most = getrlimit(resource).maximum.map_or(most, |ours| ours.min(most));
        prlimit(Some(pid), resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    // A core file would hold the secrets of its environment.
    prlimit(Some(pid), Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

/// Elsewhere a process cannot be limited from outside.
#[cfg(not(target_os = "linux"))]
pub fn limit(_: rustix::process::Pid, _: Limits) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_brings_what_is_installed_with_it() {
        let of = |program: &str| installation(Path::new(program), Some(Path::new("/users/me")));
        assert_eq!(of("/home1/u/venv/bin/python"), Some("/home1/u/venv".into()));
        assert_eq!(of("/srv/tools/server"), Some("/srv/tools".into()));
        for program in [".bin/server", "@a/server/dist/bin/index.js", "b/node_modules/c/server.js"] {
            let program = format!("/users/me/p/node_modules/{program}");
            assert_eq!(of(&program), Some("/users/me/p/node_modules".into()), "with what it is made of");
        }
        assert_eq!(of("/bin/sh"), Some("/bin/sh".into()), "never the whole file system");
        assert_eq!(of("/server"), Some("/server".into()));
        assert_eq!(
            of("/users/me/bin/server"),
            Some("/users/me/bin/server".into()),
            "never all that somebody has"
        );
        assert_eq!(of("/users/server"), Some("/users/server".into()));
        assert_eq!(of("/users/me/venv/bin/python"), Some("/users/me/venv".into()));
    }

    #[test]
    fn a_script_brings_what_runs_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for made in ["venv/bin", "python/bin"] {
            std::fs::create_dir_all(place(made)).unwrap();
        }
        std::fs::write(place("python/bin/python3"), "").unwrap();
        std::os::unix::fs::symlink(place("python/bin/python3"), place("venv/bin/python")).unwrap();
        let script = format!("#!{} -I\nprint()", place("venv/bin/python").display());
        std::fs::write(place("venv/bin/server"), script).unwrap();
        let seen = View::of(&place("venv/bin/server"), &[], &[]).read;
        let real = folder.path().canonicalize().unwrap();
        assert!(seen.contains(&place("venv")) && seen.contains(&real.join("python")), "{seen:?}");
        std::fs::write(place("odd"), b"#!\xff\xfe").unwrap();
        assert_eq!((interpreter(&place("odd")), interpreter(&place("none"))), (None, None));
    }

    #[test]
    fn a_command_is_found_as_a_shell_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("prog"), "").unwrap();
        let path = format!("relative:/nowhere:{}", folder.path().display());
        assert_eq!(find("prog", &path).unwrap(), folder.path().join("prog"));
        assert!(find("prog2", &path).unwrap_err().to_string().contains("there is no `prog2`"));
        assert_eq!(find("/a/b", "").unwrap(), Path::new("/a/b"));
    }
}
