//! What this process has cost so far: processor time and memory.

use std::{fs, io, mem::MaybeUninit, time::Duration};

/// Processor time of all threads of this process, dead ones included; its children are not counted.
pub fn cpu() -> Duration {
    let usage = rusage();
    let of = |time: libc::timeval| {
        // Neither is ever negative, and microseconds are below a million.
        let (seconds, micros) = (time.tv_sec.unsigned_abs(), time.tv_usec.unsigned_abs());
        Duration::from_secs(seconds) + Duration::from_micros(micros)
    };
    of(usage.ru_utime) + of(usage.ru_stime)
}

#[expect(unsafe_code, reason = "the standard library has no word for getrusage")]
fn rusage() -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: the pointer is to a whole `rusage`, and the kernel writes all of it when it answers 0.
    unsafe {
        let answer = libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        assert_eq!(answer, 0, "getrusage refuses only arguments that we do not pass");
        usage.assume_init()
    }
}

/// Memory of a process, in kilobytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub now_kb: u64,
    /// Resident at most since the process began.
    pub peak_kb: u64,
}

/// Memory of this process, as the kernel tells it.
pub fn memory() -> io::Result<Memory> {
    memory_of(std::process::id())
}

/// Memory of another process.
pub fn memory_of(pid: u32) -> io::Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path)?;
    let of = |key| field_kb(&status, key).ok_or_else(|| io::Error::other(format!("no `{key}` in {path}")));
    Ok(Memory { now_kb: of("VmRSS:")?, peak_kb: of("VmHWM:")? })
}

fn field_kb(status: &str, key: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_status_is_read_in_kilobytes() {
        let status = "VmPeak:\t  900 kB\nVmHWM:\t   123 kB\nVmRSS:\t    45 kB\n";
        assert_eq!(field_kb(status, "VmHWM:"), Some(123));
        assert_eq!(field_kb(status, "VmSwap:"), None);
    }
}
