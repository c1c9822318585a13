//! What a process costs, from `/proc`. Law: unknown is told as unknown, never as zero.

use std::time::Duration;

/// Resident memory in bytes: now, and the most so far. Linux only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

/// `VmRSS` and `VmHWM` of proc(5).
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Memory { now: kibibytes(&status, "VmRSS:")?, peak: kibibytes(&status, "VmHWM:")? })
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    let number: u64 = line[name.len()..].trim().strip_suffix(" kB")?.parse().ok()?;
    Some(number * 1024)
}

/// Clock ticks a second in `/proc` (`USER_HZ`), 100 on every Linux architecture in use.
const TICKS: u64 = 100;

/// Processor time so far of all threads, in user and kernel mode: `utime` and `stime` of proc(5).
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn knows_this_process() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.now > 0 && memory.peak >= memory.now);
        assert!(cpu(std::process::id()).is_some());
        assert_eq!(cpu(0), None);
    }
}
