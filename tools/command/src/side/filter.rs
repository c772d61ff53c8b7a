//! Which system calls the command has not: those that look into other processes, change the machine, or reach parts of
//! the kernel that no ordinary program needs.

use std::collections::BTreeMap;

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

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
/// The older numbers by which a 64-bit program may call as well, where the kernel has them.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;
/// Those of [`REFUSED`] that have other numbers there: ptrace, and two into the memory of others.
#[cfg(target_arch = "x86_64")]
const X32_REFUSED: [i64; 3] = [521, 539, 540];

/// Holds this thread, and what it starts, to the rest.
pub(super) fn apply(network: bool, namespaces: bool) -> Result<(), String> {
    let mut rules = BTreeMap::new();
    for number in REFUSED {
        rules.insert(*number, Vec::new());
    }
    let each = (0..64).map(|bit| 1_u64 << bit).filter(|bit| NAMESPACES & bit != 0);
    let flagged = each.map(|bit| rule(0, SeccompCmpOp::MaskedEq(bit), bit)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_clone, flagged);
    rules.insert(libc::SYS_ioctl, vec![rule(1, SeccompCmpOp::Eq, libc::TIOCSTI)?]);
    let families = families(network, namespaces).iter();
    let others = families.map(|family| condition(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs())));
    let others = SeccompRule::new(others.collect::<Result<_, _>>()?).map_err(said)?;
    rules.insert(libc::SYS_socket, vec![others]);
    #[cfg(target_arch = "x86_64")]
    {
        let older: Vec<_> = rules.iter().map(|(number, rules)| (X32 | number, rules.clone())).collect();
        rules.extend(older);
        rules.extend(X32_REFUSED.map(|number| (X32 | number, Vec::new())));
    }
    install(rules, libc::EPERM)?;
    // Its flags lie in memory, which a filter cannot read. Without it, programs use `clone`.
    install(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)
}

/// The sockets it may have. In a root of its own it sees no local socket but its own; without, those of the whole
/// machine, of which some give everything away.
fn families(network: bool, namespaces: bool) -> &'static [i32] {
    match (network, namespaces) {
        (true, true) => &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK],
        (true, false) => &[AF_INET, AF_INET6, AF_NETLINK],
        (false, true) => &[AF_UNIX],
        // A filter needs a condition: no family has this number.
        (false, false) => &[i32::MAX],
    }
}

fn install(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<(), String> {
    let arch = std::env::consts::ARCH.try_into().map_err(said)?;
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(said)?;
    let program: BpfProgram = filter.try_into().map_err(said)?;
    apply_filter(&program).map_err(said)
}

fn rule(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
    SeccompRule::new(vec![condition(argument, op, value)?]).map_err(said)
}

fn condition(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompCondition, String> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value).map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
