//! The network, other processes, the kernel: what is not the command's.

use std::{
    fs::File,
    io::ErrorKind,
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixListener,
};

use playhouse_tools_command::CommandConfig;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::kit::{House, config, hostile, shell, ways, written};

#[tokio::test]
async fn nothing_leaves_without_the_network_being_granted() {
    let folder = tempfile::tempdir().unwrap();
    let (tcp, path) = (TcpListener::bind("127.0.0.1:0").unwrap(), folder.path().join("socket"));
    let address = tcp.local_addr().unwrap();
    let (udp, unix) = (UdpSocket::bind(address).unwrap(), UnixListener::bind(&path).unwrap());
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    let (address, path) = (address.to_string(), path.to_string_lossy().into_owned());
    for namespaces in ways() {
        let answer = House::open(config(hostile()), namespaces).run(&["connect", &address, &path]).await;
        let said = written(&answer);
        assert!(said.matches("refused").count() == 4 && !said.contains("DONE"), "{said}");
        assert_eq!(tcp.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "0 connects");
        assert_eq!(udp.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock, "0 datagrams");
        assert_eq!(unix.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "0 connects");
        let granted = CommandConfig { network: true, ..config(hostile()) };
        let said = written(&House::open(granted, namespaces).run(&["connect", &address, &path]).await);
        assert!(
            said.contains("tcp: DONE") && said.contains("udp: DONE") && said.contains("unix: refused"),
            "{said}"
        );
        assert!(said.contains("packet: refused"), "{said}");
        tcp.accept().unwrap();
        udp.recv(&mut [0; 8]).unwrap();
    }
}

#[tokio::test]
async fn other_processes_cannot_be_looked_into_or_stopped() {
    let us = std::process::id().to_string();
    for namespaces in ways() {
        let said = written(&House::open(config(hostile()), namespaces).run(&["look", &us]).await);
        assert!(!said.contains("DONE") && !said.contains("environ"), "{said}");
        assert_eq!(said.matches("ptrace: refused").count(), 3, "{said}");
        let script = "cat /proc/1/environ /proc/$PPID/environ; cat /proc/$PPID/mem; ls /proc/$PPID/fd /proc/1/fd /proc/1/root; env";
        let said = written(&House::open(shell(), namespaces).run(&[script]).await);
        assert!(!said.contains("CARGO") && !said.contains("PLAYHOUSE"), "nothing of our environment: {said}");
    }
}

#[tokio::test]
async fn the_environment_is_what_the_operator_wrote() {
    let given = CommandConfig { env: [("GIVEN".to_owned(), "yes".to_owned())].into(), ..config("env") };
    for namespaces in ways() {
        let said = written(&House::open(given.clone(), namespaces).run(&[]).await);
        let mut names: Vec<&str> =
            said.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["GIVEN", "HOME", "LANG", "PATH", "TMPDIR"]);
    }
}

#[tokio::test]
async fn nothing_that_we_have_open_is_open_inside() {
    let folder = tempfile::tempdir().unwrap();
    let leaked = File::create(folder.path().join("leaked")).unwrap();
    // As a careless parent of the daemon would leave it.
    fcntl_setfd(&leaked, FdFlags::empty()).unwrap();
    for namespaces in ways() {
        let said = written(&House::open(config(hostile()), namespaces).run(&["files"]).await);
        assert_eq!(said, "open 0\nopen 1\nopen 2\n");
    }
}

#[tokio::test]
async fn the_kernel_refuses_what_no_command_needs() {
    for namespaces in ways() {
        let said = written(&House::open(config(hostile()), namespaces).run(&["calls"]).await);
        assert!(!said.contains("DONE") && said.matches("refused").count() >= 11, "{said}");
        let said = written(
            &House::open(shell(), namespaces)
                .run(&["grep -E 'NoNewPrivs|CapEff|CapPrm|Seccomp:' /proc/self/status"])
                .await,
        );
        let lines: Vec<String> = said.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            ["CapPrm:0000000000000000", "CapEff:0000000000000000", "NoNewPrivs:1", "Seccomp:2"]
        );
    }
}
