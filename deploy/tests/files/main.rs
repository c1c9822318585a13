//! What is deployed with, held against the binaries: compose file, manifests, units, rules. Nothing is started but
//! `--help`.

mod compose;
mod image;
mod kubernetes;
mod prometheus;
mod units;

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use deploy::binaries::binary;
use deploy::repository;
use yaml_rust2::{Yaml, YamlLoader};

/// The services of the distributed mode.
const SERVICES: [&str; 3] = ["ingest-api", "summarizer-worker", "query-api"];

/// What a binary says of itself, without any setting of this machine.
fn help(service: &str) -> Result<String> {
    let output = Command::new(binary(service)?).arg("--help").env_clear().output()?;
    ensure!(output.status.success(), "{service} --help: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The environment variables that a binary reads.
fn variables(service: &str) -> Result<BTreeSet<String>> {
    let help = help(service)?;
    let named = help.split("[env: ").skip(1);
    Ok(named.filter_map(|rest| rest.split(['=', ']']).next()).map(str::to_owned).collect())
}

/// The documents of a file of this repository.
fn documents(path: &str) -> Result<Vec<Yaml>> {
    let text = std::fs::read_to_string(repository().join(path)).with_context(|| path.to_owned())?;
    YamlLoader::load_from_str(&text).with_context(|| path.to_owned())
}

/// Keys of a mapping that are texts.
fn keys(map: &Yaml) -> Vec<&str> {
    map.as_hash().into_iter().flat_map(|map| map.keys()).filter_map(Yaml::as_str).collect()
}

/// A list of texts.
fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect()
}

/// The port of an address such as `0.0.0.0:8001`.
fn port(address: &str) -> Result<i64> {
    address.rsplit(':').next().context("no port")?.parse().with_context(|| address.to_owned())
}

/// That the binary understands a setting: else it ends with 2, before it asks anybody how he is.
fn takes(service: &str, name: &str, value: &str) -> Result<()> {
    let output = Command::new(binary(service)?).arg("--health").env_clear().env(name, value).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() != Some(2), "{service} {name}={value}: {text}");
    Ok(())
}
