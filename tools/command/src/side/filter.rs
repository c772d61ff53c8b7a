//! Which system calls the command has not: those that look into other processes, change the machine, or reach parts of
//! the kernel that no ordinary program needs.

use std::io;

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX};
use playhouse_tools_confine::{When, Whose, refuse};

/// Refused whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Mounts, roots and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
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
];
/// `clone` with any of these would make a namespace.
const NAMESPACES: u64 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u64;

/// Holds this thread, and what it starts, to the rest.
pub(super) fn apply(network: bool, namespaces: bool) -> io::Result<()> {
    let sometimes = [
        (libc::SYS_clone, When::AnyOf(0, NAMESPACES)),
        (libc::SYS_ioctl, When::Is(1, libc::TIOCSTI)),
        (libc::SYS_socket, When::NotAmong(0, &families(network, namespaces))),
    ];
    refuse(REFUSED, &sometimes, Whose::Thread)
}

/// The sockets it may have. In a root of its own it sees no local socket but its own; without, those of the whole
/// machine, of which some give everything away.
fn families(network: bool, namespaces: bool) -> Vec<u64> {
    let families: &[i32] = match (network, namespaces) {
        (true, true) => &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK],
        (true, false) => &[AF_INET, AF_INET6, AF_NETLINK],
        (false, true) => &[AF_UNIX],
        (false, false) => &[],
    };
    families.iter().map(|family| u64::from(family.unsigned_abs())).collect()
}
