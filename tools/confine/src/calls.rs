//! Which system calls a process gives up, by seccomp.

use std::{collections::BTreeMap, ffi::c_long, io};

use SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter, apply_filter_all_threads,
};

/// The older numbers by which a 64-bit program may call as well, where the kernel has them.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;
/// Calls that have a number of their own there, and that number.
#[cfg(target_arch = "x86_64")]
const X32_OTHERS: [(i64, i64); 7] = [
    (libc::SYS_ioctl, 514),
    (libc::SYS_execve, 520),
    (libc::SYS_ptrace, 521),
    (libc::SYS_kexec_load, 528),
    (libc::SYS_process_vm_readv, 539),
    (libc::SYS_process_vm_writev, 540),
    (libc::SYS_execveat, 545),
];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// When a call is refused that is allowed otherwise. The lower half of argument `.0`, counted from 0, is looked at.
#[derive(Debug, Clone, Copy)]
pub enum When<'a> {
    /// It has any of these bits.
    AnyOf(u8, u64),
    /// It lacks this one bit.
    Lacks(u8, u64),
    /// It is this.
    Is(u8, u64),
    /// It is none of these.
    NotAmong(u8, &'a [u64]),
}

/// Who gives them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This thread, and what it starts.
    Thread,
    /// Every thread of this process, and what they start.
    Process,
}

/// Answers `always`, and `sometimes` when they are used so, with `EPERM` from now on; by their older numbers, too.
/// `clone3` is answered with `ENOSYS`: its flags lie in memory, which a filter cannot read, and programs then use `clone`.
///
/// # Errors
/// Where this kernel or this kind of machine filters nothing, or `Process` meets a thread with filters of its own.
pub fn refuse(always: &[c_long], sometimes: &[(c_long, When<'_>)], whose: Whose) -> io::Result<()> {
    let mut rules: Rules = always.iter().map(|number| (*number, Vec::new())).collect();
    for (number, when) in sometimes {
        rules.insert(*number, when.rules()?);
    }
    #[cfg(target_arch = "x86_64")]
    with_older_numbers(&mut rules);
    install(rules, libc::EPERM, whose)?;
    install(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS, whose)
}

#[cfg(target_arch = "x86_64")]
fn with_older_numbers(rules: &mut Rules) {
    let same = rules.iter().map(|(number, rules)| (X32 | number, rules.clone()));
    let others = X32_OTHERS.iter();
    let others = others.filter_map(|(number, older)| Some((X32 | older, rules.get(number)?.clone())));
    let older: Vec<_> = same.chain(others).collect();
    rules.extend(older);
}

impl When<'_> {
    /// One of them is enough for a refusal; none at all refuse every use.
    fn rules(self) -> io::Result<Vec<SeccompRule>> {
        let compare = |argument, op, value| {
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value).map_err(io::Error::other)
        };
        let rule = |conditions| SeccompRule::new(conditions).map_err(io::Error::other);
        match self {
            Self::AnyOf(argument, bits) => (0..u64::BITS)
                .map(|bit| 1_u64 << bit)
                .filter(|bit| bits & bit != 0)
                .map(|bit| rule(vec![compare(argument, MaskedEq(bit), bit)?]))
                .collect(),
            Self::Lacks(argument, bit) => Ok(vec![rule(vec![compare(argument, MaskedEq(bit), 0)?])?]),
            Self::Is(argument, value) => Ok(vec![rule(vec![compare(argument, Eq, value)?])?]),
            Self::NotAmong(_, []) => Ok(Vec::new()),
            Self::NotAmong(argument, values) => {
                let each = values.iter().map(|value| compare(argument, Ne, *value));
                Ok(vec![rule(each.collect::<io::Result<_>>()?)?])
            }
        }
    }
}

fn install(rules: Rules, error: i32, whose: Whose) -> io::Result<()> {
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let refused = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    let applied = match whose {
        Whose::Thread => apply_filter(&program),
        Whose::Process => apply_filter_all_threads(&program),
    };
    applied.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::{net::UdpSocket, os::unix::net::UnixDatagram};

    use super::*;

    /// In a thread of its own, which takes its filter along when it ends.
    fn alone(test: impl FnOnce() + Send) {
        std::thread::scope(|scope| scope.spawn(test).join().unwrap());
    }

    #[test]
    fn what_is_refused_fails_for_this_thread_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        alone(|| {
            refuse(&[libc::SYS_mkdir, libc::SYS_mkdirat], &[], Whose::Thread).unwrap();
            let refused = std::fs::create_dir(folder.path().join("mine")).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
            std::fs::read_dir(folder.path()).unwrap();
        });
        std::fs::create_dir(folder.path().join("theirs")).unwrap();
    }

    #[test]
    fn a_call_is_refused_by_what_its_argument_is() {
        let [inet, unix] = [libc::AF_INET, libc::AF_UNIX].map(|family| u64::from(family.unsigned_abs()));
        // Whether sockets of the network and of the machine can be made.
        let cases = [
            (When::NotAmong(0, &[inet]), true, false),
            (When::NotAmong(0, &[inet, unix]), true, true),
            (When::NotAmong(0, &[]), false, false),
            (When::Is(0, inet), false, true),
            (When::AnyOf(0, inet), false, true),
            (When::AnyOf(0, inet | unix), false, false),
            (When::Lacks(0, inet), true, false),
        ];
        for (when, network, machine) in cases {
            alone(|| {
                refuse(&[], &[(libc::SYS_socket, when)], Whose::Thread).unwrap();
                assert_eq!(UdpSocket::bind("127.0.0.1:0").is_ok(), network, "{when:?}");
                assert_eq!(UnixDatagram::unbound().is_ok(), machine, "{when:?}");
            });
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_call_is_refused_by_its_older_number_too() {
        let mut rules = BTreeMap::from([(libc::SYS_ioctl, When::Is(1, libc::TIOCSTI).rules().unwrap())]);
        with_older_numbers(&mut rules);
        let refused: Vec<_> = rules.keys().copied().collect();
        assert_eq!(refused, [libc::SYS_ioctl, X32 | libc::SYS_ioctl, X32 | 514]);
        assert!(rules.values().all(|conditions| conditions.len() == 1), "under the same condition");
    }
}
