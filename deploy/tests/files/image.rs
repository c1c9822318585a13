//! `deploy/Dockerfile` and `.dockerignore`: one small image, with every program that is deployed.

use anyhow::{Context as _, Result, ensure};
use deploy::repository;

/// Programs of the workspace that nobody deploys: the load generator, which needs the sources.
const LEFT_OUT: [&str; 1] = ["recap-bench"];

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(repository().join(path)).with_context(|| path.to_owned())
}

/// Package and binary of each member of the workspace that has a `main`.
fn binaries() -> Result<Vec<(String, String)>> {
    let workspace = read("Cargo.toml")?;
    let members =
        workspace.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).context("no members")?;
    let mut found = Vec::new();
    for member in members.split('"').skip(1).step_by(2) {
        if !repository().join(member).join("src/main.rs").is_file() {
            continue;
        }
        let manifest = read(&format!("{member}/Cargo.toml"))?;
        let named =
            |text: &str| text.split("name = \"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
        let package = named(&manifest).with_context(|| format!("{member} has no name"))?;
        let binary = manifest.split("[[bin]]").nth(1).and_then(named).unwrap_or_else(|| package.clone());
        found.push((package, binary));
    }
    Ok(found)
}

#[test]
fn the_image_holds_every_program_of_the_workspace() -> Result<()> {
    let image = read("deploy/Dockerfile")?;
    let binaries = binaries()?;
    ensure!(binaries.len() >= 5, "only {binaries:?}");
    for (package, binary) in &binaries {
        let built = image.contains(&format!("-p {package}"));
        let copied = image.contains(&format!("/src/target/release/{binary} "));
        let wanted = !LEFT_OUT.contains(&package.as_str());
        ensure!(built == wanted && copied == wanted, "{binary}: built {built}, copied {copied}");
    }
    Ok(())
}

#[test]
fn it_is_built_in_stages_and_runs_as_nobody_on_a_base_without_a_shell() -> Result<()> {
    let image = read("deploy/Dockerfile")?;
    let stages: Vec<&str> = image.lines().filter(|line| line.starts_with("FROM ")).collect();
    ensure!(stages.len() == 2 && stages[0].ends_with(" AS build"), "{stages:?}");
    ensure!(stages[1].contains("distroless") && stages[1].ends_with(":nonroot"), "{stages:?}");
    let toolchain = read("rust-toolchain.toml")?;
    let version = stages[0].split(':').nth(1).and_then(|rest| rest.split('-').next()).context("no version of Rust")?;
    ensure!(toolchain.contains(&format!("\"{version}")), "the image builds with Rust {version}: {toolchain}");
    ensure!(image.contains("HEALTHCHECK ") && image.contains("CMD [\"recap\", \"health\"]"), "no health check");
    // Health asks where the server listens.
    ensure!(image.contains("LISTEN_ADDR=0.0.0.0:8000") && image.contains("EXPOSE 8000"), "no port");
    ensure!(!image.contains("USER root") && !image.contains("/bin/sh"), "root or a shell");
    Ok(())
}

#[test]
fn neither_results_nor_secrets_nor_data_go_into_the_build() -> Result<()> {
    let ignored = read(".dockerignore")?;
    let lines: Vec<&str> = ignored.lines().collect();
    for name in ["target", "data", ".git", ".env", "**/node_modules"] {
        ensure!(lines.contains(&name), "{name} is sent to the build");
    }
    // All that is ignored by version control stays out of the build as well.
    for line in read(".gitignore")?.lines().map(|line| line.trim_start_matches('/')).filter(|line| !line.is_empty()) {
        ensure!(lines.iter().any(|name| name.trim_start_matches("**/") == line), "{line} is sent to the build");
    }
    Ok(())
}
