//! A program that keeps commands, and the worst command to keep: what it tries is its first argument.
#![expect(
    unsafe_code,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it attacks by system calls, takes its time, and tells what came of it"
)]

use std::{
    fs, io,
    net::{SocketAddr, TcpStream, UdpSocket},
    os::unix::net::UnixStream,
    process::Command,
    time::Duration,
};

fn main() {
    playhouse_tools_command::worker_entry();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["connect", address, path] => connect(address.parse().expect("an address"), path),
        ["forks", mark, depth] => forks(mark, depth.parse().expect("a number")),
        ["hold", mib] => hold(mib.parse().expect("a number")),
        ["hold-many", count, mib] => hold_many(count, mib.parse().expect("a number")),
        ["hold-fork", count, mib] => {
            hold_fork(count.parse().expect("a number"), mib.parse().expect("a number"))
        }
        ["hold-on", mib] => hold_on(mib.parse().expect("a number")),
        ["share", mib] => share(mib.parse().expect("a number")),
        ["look", pid] => look(pid.parse().expect("a number")),
        ["calls"] => calls(),
        ["files"] => files(),
        _ => println!("nothing is asked of it: {args:?}"),
    }
}

fn told<T>(what: &str, result: io::Result<T>) {
    println!(
        "{what}: {}",
        result.map_or_else(|error| format!("refused {:?}", error.kind()), |_| "DONE".into())
    );
}

/// Every way out to a sink.
fn connect(address: SocketAddr, path: &str) {
    told("tcp", TcpStream::connect_timeout(&address, Duration::from_secs(1)));
    told("udp", UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"out", address)));
    told("unix", UnixStream::connect(path));
    // SAFETY: no pointers.
    let raw = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
    told("packet", if raw >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) });
}

/// Starts itself twice, and stays; and so do those it starts, `depth` times over. A bomb without an end would take with it
/// the machine of whoever finds that it is not bounded.
fn forks(mark: &str, depth: u32) {
    let me = std::env::current_exe().expect("its own path");
    for _ in 0..if depth > 0 { 2 } else { 0 } {
        // A refusal is tried again by nobody: there are enough that were not refused.
        Command::new(&me).args(["forks", mark, &(depth - 1).to_string()]).spawn().ok();
    }
    loop {
        std::thread::park();
    }
}

fn hold(mib: usize) {
    let held: Vec<Vec<u8>> = (0..mib).map(|_| vec![1; 1 << 20]).collect();
    println!("held {}", held.len());
}

/// As many children as `count`, up to eight, which hold so much each, and stay.
fn hold_many(count: &str, mib: usize) {
    let me = std::env::current_exe().expect("its own path");
    let count: usize = count.parse().expect("a number");
    let start =
        |_| Command::new(&me).args(["hold-on", &mib.to_string()]).spawn().expect("there is room for it");
    let children: Vec<_> = (0..count.min(8)).map(start).collect();
    for mut child in children {
        child.wait().ok();
    }
    println!("all were left alone");
}

/// Holds so much for three seconds: whoever is not ended meanwhile goes by itself.
fn hold_on(mib: usize) {
    let held: Vec<u8> = vec![1; mib << 20];
    std::thread::sleep(Duration::from_secs(3));
    println!("held {}", held.len());
}

/// Children, up to eight, which have what it holds and write nothing to it.
fn hold_fork(count: usize, mib: usize) {
    let held: Vec<u8> = vec![1; mib << 20];
    for _ in 0..count.min(8) {
        // SAFETY: there is one thread, and the child does nothing but wait and end.
        if unsafe { libc::fork() } == 0 {
            std::thread::sleep(Duration::from_millis(600));
            // SAFETY: it ends without anything that is its parent's.
            unsafe { libc::_exit(0) };
        }
    }
    // SAFETY: no pointers are followed.
    while unsafe { libc::wait(std::ptr::null_mut()) } > 0 {}
    println!("shared {}", held.len());
}

/// The same with memory that does not count as private.
fn share(mib: usize) {
    let bytes = mib << 20;
    // SAFETY: a new mapping of nobody's memory; it is written within its bounds.
    unsafe {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let at = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if at == libc::MAP_FAILED {
            println!("share: refused");
            return;
        }
        libc::memset(at, 1, bytes);
    }
    println!("share: DONE");
}

/// Into other processes, of which `pid` is the one that started all of this.
fn look(pid: i32) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let (path, own) =
            (entry.path(), entry.file_name().to_string_lossy() == std::process::id().to_string());
        if own || entry.file_name().to_string_lossy().parse::<u32>().is_err() {
            continue;
        }
        if let Ok(environment) = fs::read(path.join("environ")) {
            println!(
                "environ {}: {}",
                path.display(),
                String::from_utf8_lossy(&environment).replace('\0', " ")
            );
        }
        if fs::File::open(path.join("mem")).is_ok() {
            println!("mem {}: DONE", path.display());
        }
    }
    // SAFETY: no pointers are followed.
    unsafe {
        for target in [1, libc::getppid(), pid] {
            let none = std::ptr::null_mut::<libc::c_void>();
            let done = |result: i64| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
            told("ptrace", done(libc::ptrace(libc::PTRACE_ATTACH, target, none, none)));
        }
        let killed = libc::kill(pid, libc::SIGTERM);
        told("kill", if killed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) });
    }
}

/// What would change the machine, or open what is closed.
fn calls() {
    let done = |result: i64| if result >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: the strings outlive the calls; nothing else is pointed to.
    unsafe {
        told("unshare", done(libc::unshare(libc::CLONE_NEWUSER).into()));
        told(
            "mount",
            done(libc::mount(c"x".as_ptr(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), 0, std::ptr::null()).into()),
        );
        told("chroot", done(libc::chroot(c"/".as_ptr()).into()));
        told("bpf", done(libc::syscall(libc::SYS_bpf, 0, 0, 0)));
        told("io_uring", done(libc::syscall(libc::SYS_io_uring_setup, 1, 0)));
        told("keyctl", done(libc::syscall(libc::SYS_keyctl, 0, 0)));
        told("clone", done(libc::syscall(libc::SYS_clone, libc::CLONE_NEWUSER, 0, 0, 0, 0)));
        told("clone3", done(libc::syscall(libc::SYS_clone3, 0, 0)));
        told("setuid", done(libc::setuid(12_345).into()));
        #[cfg(target_arch = "x86_64")]
        told(
            "x32 socket",
            done(libc::syscall(0x4000_0000 | libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0)),
        );
    }
    told("core_pattern", fs::write("/proc/sys/kernel/core_pattern", "|/tmp/x"));
    told("device", fs::File::open("/dev/mem"));
}

/// What is open, by number.
fn files() {
    for number in 0..1_024 {
        // SAFETY: no pointers.
        if unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0 {
            println!("open {number}");
        }
    }
}
