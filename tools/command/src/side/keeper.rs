//! The keeper: opens the namespaces, starts init in them, and sees to it that nothing inside outlives the call.

use std::{
    fs,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, Stdio},
    time::Instant,
};

use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, getgid, getpid, getuid, kill_process, set_child_subreaper, setsid, wait,
    },
    thread::{
        CapabilitySet, UnshareFlags, capabilities, configure_capability_in_ambient_set, set_capabilities,
    },
};

use crate::{
    SIDE_ENV,
    bounds::{MEMORY_REST, MEMORY_REST_MAX, MEMORY_REST_TIMES},
    side::{
        INSIDE, KEEPER_ENV, at,
        memory::{Processes, parent_in},
        parent,
        sys::{self, Ready},
    },
    wire::{self, Job, Report},
};

/// Keeps one command, until it ends or the leash is let go.
pub(super) fn keep() -> Result<Report, String> {
    close_inherited().map_err(at("inherited files"))?;
    let leash = parent().map_err(at("the leash"))?;
    let job: Job = wire::read(&leash).map_err(at("the job"))?.ok_or("there is no job")?;
    // No terminal of the daemon's, and no orphan that becomes somebody else's child.
    setsid().map_err(at("a session of its own"))?;
    set_child_subreaper(Some(getpid())).map_err(at("the care for orphans"))?;
    if job.namespaces {
        open_namespaces(job.network)?;
    }
    let processes = Processes::open().map_err(at("/proc"))?;
    let (ours, theirs) = UnixStream::pair().map_err(at("a socket"))?;
    let mut init = start(theirs).map_err(at("the start of what is kept"))?;
    let told = wire::write(&ours, &job).map_err(at("the job"));
    let report = told.and_then(|()| report(&leash, &ours, (&processes, job.limits.total_memory_bytes)));
    // Whatever happened: of what was started, nothing is left when this returns.
    init.kill().ok();
    init.wait().map_err(at("the end of what is kept"))?;
    end_orphans();
    report?.ok_or_else(|| "what it ran in was ended before it".to_owned())
}

/// What the daemon's own parent left open. What Rust opens is closed by the start of a program.
fn close_inherited() -> std::io::Result<()> {
    let numbers: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // One of them was the listing itself, which is closed already.
        sys::close(number);
    }
    Ok(())
}

/// New namespaces, in which this user is who it was, and the only one.
fn open_namespaces(network: bool) -> Result<(), String> {
    let (user, group) = (getuid(), getgid());
    let mut flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    if !network {
        flags |= UnshareFlags::NEWNET;
    }
    sys::unshare(flags).map_err(at("namespaces"))?;
    let (user, group) = (user.as_raw(), group.as_raw());
    for (file, text) in [
        // Without this, groups could be dropped that files are denied to.
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        fs::write(format!("/proc/self/{file}"), text).map_err(at(file))?;
    }
    keep_mounting().map_err(at("the right to mount"))
}

/// What we may in the new namespaces would be lost when we start again as a user who is not root. Of all of it, init needs
/// the right to mount.
fn keep_mounting() -> rustix::io::Result<()> {
    let mut ours = capabilities(None)?;
    ours.inheritable = CapabilitySet::SYS_ADMIN;
    set_capabilities(None, ours)?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
}

/// This program again, as what is inside. It writes where the command is to write.
fn start(theirs: UnixStream) -> std::io::Result<Child> {
    Command::new("/proc/self/exe")
        .env_clear()
        .env(SIDE_ENV, INSIDE)
        .envs(KEEPER_ENV)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
}

/// The report, unless the leash is let go before, or `processes` hold more than `memory` bytes. No thread could wait for
/// one of them: a process that starts its children in another pid namespace can have no second one.
fn report(
    leash: &UnixStream,
    ours: &UnixStream,
    (processes, memory): (&Processes, u64),
) -> Result<Option<Report>, String> {
    let mut rest = MEMORY_REST;
    loop {
        match sys::first_readable(leash.as_fd(), ours.as_fd(), rest).map_err(at("waiting"))? {
            Ready::First => return Ok(None),
            Ready::Second => return wire::read(ours).map_err(at("the report")),
            Ready::Neither => {}
        }
        let begun = Instant::now();
        if processes.hold_more_than(memory) {
            let why = "its processes held more memory together than";
            return Ok(Some(Report::Failed(format!(
                "{why} the {memory} bytes that are allowed: ask for less at once"
            ))));
        }
        rest = (begun.elapsed() * MEMORY_REST_TIMES).clamp(MEMORY_REST, MEMORY_REST_MAX);
    }
}

/// Without a pid namespace, what was orphaned is ours now: all of it is killed, and what its end orphans, too.
fn end_orphans() {
    loop {
        for child in children() {
            kill_process(child, Signal::KILL).ok();
        }
        // All that have ended, before all are looked for again: there may be thousands.
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        std::thread::yield_now();
    }
}

/// Our children, from `/proc`.
fn children() -> Vec<Pid> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let ours = |number: &i32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok();
        stat.as_deref().and_then(parent_in) == Some(std::process::id())
    };
    numbers.filter(ours).filter_map(Pid::from_raw).collect()
}
