//! Prometheus' own tool on its configuration and rules.

use std::process::Command;

use anyhow::{Result, ensure};
use deploy::repository;
use shared_testkit::process::backend;

#[test]
fn configuration_and_rules_are_sound() -> Result<()> {
    let Some(promtool) = backend::find("PROMTOOL_BIN", "promtool") else { return Ok(()) };
    for (what, file) in [("config", "deploy/prometheus.yml"), ("rules", "deploy/prometheus-rules.yml")] {
        let output = Command::new(&promtool).args(["check", what]).arg(repository().join(file)).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && text.contains("SUCCESS"), "{file}: {text}");
    }
    Ok(())
}
