//! Which system calls a worker gives up when it is ready: those that open, connect, start or look into anything.
//!
//! It runs on what it has: memory, a few descriptors, its line. A guest that breaks out of the engine finds nothing else
//! to call. Landlock says much of this, too, but for other threads, other sockets and older kernels.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

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
/// The older numbers by which a 64-bit program may call as well, where the kernel has them; and those of three calls
/// above that are others there.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const X32_REFUSED: [i64; 5] = [520, 521, 539, 540, 545];

/// Holds every thread of this process to the rest.
pub(super) fn apply() -> Result<(), String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|number| (*number, Vec::new())).collect();
    // A thread may be made, a process not.
    let threads = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let process = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(threads), 0);
    let process = SeccompRule::new(vec![process.map_err(said)?]).map_err(said)?;
    rules.insert(libc::SYS_clone, vec![process]);
    #[cfg(target_arch = "x86_64")]
    {
        let older: Vec<_> = rules.iter().map(|(number, rules)| (X32 | number, rules.clone())).collect();
        rules.extend(older);
        rules.extend(X32_REFUSED.map(|number| (X32 | number, Vec::new())));
    }
    install(rules, libc::EPERM)?;
    // Its flags lie in memory, which a filter cannot read. Without it, `clone` is used.
    install(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)
}

fn install(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<(), String> {
    let arch = std::env::consts::ARCH.try_into().map_err(said)?;
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(said)?;
    let program: BpfProgram = filter.try_into().map_err(said)?;
    apply_filter_all_threads(&program).map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
