//! The systemd units: one for each binary, with variables that it reads.

use anyhow::{Context, Result, ensure};
use deploy::repository;

use crate::{SERVICES, variables};

#[test]
fn each_binary_has_its_unit() -> Result<()> {
    for service in SERVICES.iter().chain(&["recap"]) {
        let path = repository().join(format!("deploy/systemd/{service}.service"));
        let unit = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let setting = |name: &str| unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
        let start: Vec<&str> = setting("ExecStart");
        ensure!(start == [format!("/usr/local/bin/{service}")], "{service}: {start:?}");
        let stop: Vec<&str> = setting("TimeoutStopSec");
        ensure!(stop.first().and_then(|seconds| seconds.parse().ok()) > Some(10), "{service} is killed while it stops");
        // On one machine, what may wait gives way to those who answer requests.
        let nice: Vec<&str> = setting("Nice");
        ensure!(nice == if *service == "summarizer-worker" { &["10"][..] } else { &[] }, "{service}: {nice:?}");
        let read = variables(service)?;
        let set: Vec<&str> = setting("Environment");
        for name in set.iter().filter_map(|pair| pair.split('=').next()) {
            ensure!(read.contains(name), "{service} does not read {name}");
        }
    }
    Ok(())
}
