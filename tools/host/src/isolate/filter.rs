//! Which system calls a worker gives up when it is ready: those that open, connect, start or look into anything.
//!
//! It runs on what it has: memory, a few descriptors, its line. A guest that breaks out of the engine finds nothing else
//! to call. Landlock says much of this, too, but for other threads, other sockets and older kernels.

use std::io;

use playhouse_tools_confine::{When, Whose, refuse};

/// Refused whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // Files.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_truncate,
    libc::SYS_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_chroot,
    // Other programs and processes.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kill,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_unshare,
    libc::SYS_setns,
    // Sockets.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_accept4,
    // Parts of the kernel that many escapes began in.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
];

/// Holds every thread of this process to the rest. A thread may be made, a process not.
pub(super) fn apply() -> io::Result<()> {
    let process = When::Lacks(0, u64::from(libc::CLONE_THREAD.unsigned_abs()));
    refuse(REFUSED, &[(libc::SYS_clone, process)], Whose::Process)
}
