//! Init: pid 1 inside. Gives up everything it has, then starts the program and reaps what the program leaves behind.

use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use playhouse_tools_confine::{self as confine, Kept, Limits, View};
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    io::Errno,
    process::{
        DumpableBehavior, Signal, WaitOptions, getpid, getuid, set_dumpable_behavior,
        set_parent_process_death_signal, wait,
    },
    thread::set_no_new_privs,
};

use crate::{
    CommandLimits,
    side::{ROOT_IS_NOT_HELD, at, filter, parent, root},
    wire::{self, Job, Program, Report},
};

/// The home of a command that has a root of its own.
const HOME: &str = "/tmp";

/// Confines this process as the job says, and runs its program.
pub(super) fn live() -> Result<Report, String> {
    // A keeper that is killed takes everything with it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at("the bond to the keeper"))?;
    let job: Job = parent().and_then(wire::read).map_err(at("the job"))?.ok_or("there is no job")?;
    // Before files are limited: this one is ours.
    let stdin = job.program.as_ref().map(|program| text_file(&program.stdin)).transpose();
    let stdin = stdin.map_err(at("stdin"))?;
    // When memory runs out, this goes first. It is only a wish.
    fs::write("/proc/self/oom_score_adj", "1000").ok();
    let home = if job.namespaces { PathBuf::from(HOME) } else { job.scratch.clone() };
    let mut view = View::system();
    view.read.extend_from_slice(&job.read);
    view.write.extend_from_slice(&job.write);
    view.no_tcp = !job.network;
    if !job.namespaces && getuid().is_root() {
        return Err(ROOT_IS_NOT_HELD.to_owned());
    }
    if job.namespaces {
        root::enter(&view, &job.scratch, &job.limits)?;
    }
    view.write.push(home.clone());
    let others = if job.namespaces { 0 } else { tasks_of_user() };
    limit(&job.limits, others).map_err(at("limits"))?;
    let kept = confine::restrict(&view).map_err(at("Landlock"))?;
    if kept == Kept::Not && !job.namespaces {
        return Err("this kernel has neither namespaces for us nor Landlock".to_owned());
    }
    confine::drop_capabilities().map_err(at("capabilities"))?;
    set_no_new_privs(true).map_err(at("no new privileges"))?;
    // What runs inside has our user: without this it could look into us.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(at("privacy"))?;
    filter::apply(job.network, job.namespaces).map_err(at("seccomp"))?;
    match job.program.zip(stdin) {
        Some((program, stdin)) => run(&program, &home, stdin),
        None => Ok(Report::Ready { landlock: kept != Kept::Not, whole: kept == Kept::Fully }),
    }
}

/// A file that nobody else sees, with `text` in it, for reading.
fn text_file(text: &str) -> io::Result<File> {
    let file = memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file)
}

fn run(program: &Program, home: &std::path::Path, stdin: File) -> Result<Report, String> {
    let name = program.path.display();
    let child = Command::new(&program.path)
        .args(&program.args)
        .env_clear()
        .env("HOME", home)
        .env("TMPDIR", home)
        .envs(&program.env)
        .current_dir(program.folder.as_deref().unwrap_or(home))
        .stdin(Stdio::from(stdin))
        .spawn()
        .map_err(|error| format!("`{name}` cannot be started: {error}"))?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_nonzero().get()) == Ok(child.id()) => {
                return Ok(Report::Ended {
                    status: status.exit_status(),
                    signal: status.terminating_signal(),
                });
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(format!("`{name}` got lost: {error}")),
        }
    }
}

/// Limits ourselves, and so what we start. `others`: tasks of our user that count as well.
fn limit(limits: &CommandLimits, others: u64) -> io::Result<()> {
    let CommandLimits { memory_bytes, address_bytes, processes, cpu_s, file_bytes, open_files, .. } = *limits;
    // We are one ourselves.
    let processes = processes.saturating_add(1 + others);
    confine::limit(getpid(), Limits { memory_bytes, address_bytes, processes, cpu_s, file_bytes, open_files })
}

/// Processes and threads of our user on this machine: where there is no user namespace, they count.
fn tasks_of_user() -> u64 {
    let ours = format!("Uid:\t{}\t", getuid().as_raw());
    let Ok(all) = fs::read_dir("/proc") else { return 0 };
    let threads = |entry: io::Result<fs::DirEntry>| {
        let status = fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        let threads =
            status.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse::<u64>().ok());
        status.contains(&ours).then_some(threads?)
    };
    all.filter_map(threads).sum()
}
