//! The machine that figures are of. Law: figures without their machine mean nothing.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::load::Latencies;

/// How many writes the disk is asked for.
const WRITES: usize = 200;
/// And for how long at most.
const WRITING: Duration = Duration::from_secs(5);

/// Processor, kernel, file system, and what an fsync takes in `folder`.
pub(crate) fn describe(folder: &Path) -> Result<Vec<String>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut lines = vec![format!("{cores} cores, {}", processor())];
    lines.push(format!("{} {}", std::env::consts::OS, first_line("/proc/sys/kernel/osrelease")));
    let disk =
        mount(folder).map_or_else(|| "unknown file system".to_owned(), |(device, kind)| format!("{kind} on {device}"));
    let mut syncs = syncs(folder)?;
    lines.push(format!("{disk}; write of 4 KiB and fdatasync: {}", syncs.told()));
    Ok(lines)
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Device and type of the file system that a folder lies on: the longest mount point above it.
fn mount(folder: &Path) -> Option<(String, String)> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mut found = None;
    let mut longest = 0;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(device), Some(point), Some(kind)) = (fields.next(), fields.next(), fields.next()) else { continue };
        if folder.starts_with(point) && point.len() >= longest {
            longest = point.len();
            found = Some((device.to_owned(), kind.to_owned()));
        }
    }
    found
}

/// What the log's commit waits for: a small write at the end of a file, made durable.
fn syncs(folder: &Path) -> Result<Latencies> {
    let mut file = tempfile::tempfile_in(folder)?;
    let (mut latencies, begin) = (Latencies::default(), Instant::now());
    for _ in 0..WRITES {
        let before = Instant::now();
        file.write_all(&[0x55; 4096])?;
        file.sync_data()?;
        latencies.add(before.elapsed());
        if begin.elapsed() > WRITING {
            break;
        }
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_cores_and_a_disk() {
        let folder = tempfile::tempdir().unwrap();
        let lines = describe(folder.path()).unwrap();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains(" cores, ") && lines[2].contains("fdatasync"));
    }
}
