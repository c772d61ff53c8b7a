//! The system calls that the crates we have do not offer as safe functions.
#![expect(unsafe_code, reason = "each call is given pointers that live as long as it, or none")]

use std::{
    ffi::{CString, c_ulong},
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    ptr,
    time::Duration,
};

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// `mount(2)`: `source` and `kind` are not looked at by every kind of mount.
pub(super) fn mount(source: &Path, target: &Path, kind: &str, flags: c_ulong, data: &str) -> io::Result<()> {
    let (source, target) = (text(source.as_os_str().as_bytes())?, text(target.as_os_str().as_bytes())?);
    let (kind, data) = (text(kind.as_bytes())?, text(data.as_bytes())?);
    // SAFETY: four strings that end in NUL and outlive the call, which keeps none of them.
    let done =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) };
    told(done)
}

/// Changes the flags of the mount at `target`.
pub(super) fn mount_flags(target: &Path, flags: c_ulong) -> io::Result<()> {
    let target = text(target.as_os_str().as_bytes())?;
    // SAFETY: as above; the kernel allows no source, kind and data here.
    told(unsafe { libc::mount(ptr::null(), target.as_ptr(), ptr::null(), flags, ptr::null()) })
}

/// Takes away the mount on top of the current folder, and what is mounted in it.
pub(super) fn detach_here() -> io::Result<()> {
    // SAFETY: a constant string.
    told(unsafe { libc::umount2(c".".as_ptr(), libc::MNT_DETACH) })
}

/// New namespaces for this process, which must have one thread.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES), "files are shared by nobody but us");
    // SAFETY: what makes it unsafe is a table of files that threads do not share any more; these flags leave that alone.
    Ok(unsafe { unshare_unsafe(flags) }?)
}

/// Which of two files has something to read, or is closed by its other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    First,
    Second,
    /// The time was over.
    Neither,
}

/// Waits `patience` at most until one of the two can be read from, or is closed by its other end.
pub(super) fn first_readable(
    first: BorrowedFd<'_>,
    second: BorrowedFd<'_>,
    patience: Duration,
) -> io::Result<Ready> {
    let ms = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    let watch =
        |file: BorrowedFd<'_>| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut both = [watch(first), watch(second)];
    // SAFETY: two entries, of files that are open for as long as they are borrowed.
    while unsafe { libc::poll(both.as_mut_ptr(), 2, ms) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(match both.map(|file| file.revents != 0) {
        [true, _] => Ready::First,
        [_, true] => Ready::Second,
        _ => Ready::Neither,
    })
}

/// Closes a file by its number, if it is open.
pub(super) fn close(number: i32) {
    // SAFETY: called before anything else opens a file, for numbers that nothing here owns.
    unsafe { libc::close(number) };
}

/// Bytes of one page of memory.
pub(super) fn page_bytes() -> u64 {
    // SAFETY: no pointers.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4_096)
}

fn text(bytes: &[u8]) -> io::Result<CString> {
    Ok(CString::new(bytes)?)
}

fn told(done: libc::c_int) -> io::Result<()> {
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
