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
    Some(Duration::from_millis(times(pid)?[..2].iter().sum::<u64>() * 1000 / TICKS))
}

/// `utime`, `stime`, and both again of the children that have ended.
fn times(pid: u32) -> Option<[u64; 4]> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<u64> = fields.split_whitespace().skip(11).take(4).map_while(|field| field.parse().ok()).collect();
    fields.try_into().ok()
}

/// What the whole machine, and this process with its ended children, have used: to tell how much others used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    all: u64,
    busy: u64,
    own: u64,
}

impl Usage {
    /// From the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
    pub(crate) fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
        let all = fields.iter().sum();
        let idle = fields.get(3)? + fields.get(4)?;
        Some(Self { all, busy: all - idle, own: times(std::process::id())?.iter().sum() })
    }

    /// The share (0 to 1) of the machine's processors that others used since `before`. Children must have ended.
    pub(crate) fn others_since(self, before: Self) -> f64 {
        let others = (self.busy - before.busy).saturating_sub(self.own - before.own);
        others as f64 / (self.all - before.all).max(1) as f64
    }
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

    #[test]
    fn others_use_between_nothing_and_all() {
        let before = Usage::now().unwrap();
        assert!((0.0..=1.0).contains(&Usage::now().unwrap().others_since(before)));
        let later = Usage { all: before.all + 200, busy: before.busy + 150, own: before.own + 50 };
        assert!((later.others_since(before) - 0.5).abs() < f64::EPSILON);
    }
}
