//! What operators see: Prometheus scrapes every service, and rules and dashboard ask for metrics that exist.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use deploy::repository;
use deploy::stack::Plan;
use serde_json::Value;
use shared_testkit::client::Client;
use shared_testkit::process::backend;
use shared_testkit::wait;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::stack;

/// Names of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("recap_")).map(str::to_owned).collect()
}

/// All metrics that a set of scrapes has, by the names that queries use.
fn series(scrapes: &[String]) -> BTreeSet<String> {
    let lines = scrapes.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

async fn sound_metrics(promtool: &std::path::Path, text: &str) -> Result<()> {
    let mut child =
        Command::new(promtool).args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no standard input")?.write_all(text.as_bytes()).await?;
    let output = child.wait_with_output().await?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    // A summary is what this one counts, not the metric's type.
    let known = "recap_summary_uncovered_messages metric name should not include type 'summary'";
    let others: Vec<&str> =
        complaints.lines().filter(|line| !line.trim().is_empty() && !line.contains(known)).collect();
    ensure!(others.is_empty(), "promtool check metrics: {others:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_dashboard_ask_for_what_the_services_tell() -> Result<()> {
    let stack = stack!(Plan::default());
    stack.client.say("seen", &[("u", "We ship on Friday.")]).await?;
    stack.client.settled_summary("seen").await?;
    let mut socket = shared_testkit::socket::Socket::connect(&stack.address(), "conversation_id=seen").await?;
    socket.until("summary").await?;
    stack.client.say("seen", &[("u", "The notes are done.")]).await?;
    socket.until_that("summary", |frame| frame["covers"]["last_seq"] == 2).await?;
    stack.client.get("/nowhere").await?;
    let mut scrapes = Vec::new();
    for replica in stack.ingest.iter().chain(&stack.workers).chain(&stack.query) {
        scrapes.push(replica.operators()?.get("/metrics").await?.text);
    }
    let told = series(&scrapes);
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(repository().join("deploy/grafana/recap.json"))?)?;
    let rules = std::fs::read_to_string(repository().join("deploy/prometheus-rules.yml"))?;
    let mut asked = names(&rules);
    for target in dashboard["panels"].as_array().context("no panels")?.iter().filter_map(|p| p["targets"].as_array()) {
        for query in target {
            asked.extend(names(query["expr"].as_str().context("no expr")?));
        }
    }
    ensure!(asked.len() > 10, "{asked:?}");
    let missing: Vec<&String> = asked.difference(&told).collect();
    ensure!(missing.is_empty(), "no service tells {missing:?}; told are {told:?}");
    if let Some(promtool) = backend::find("PROMTOOL_BIN", "promtool") {
        for scrape in &scrapes {
            sound_metrics(&promtool, scrape).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_every_service() -> Result<()> {
    let Some(prometheus) = backend::find("PROMETHEUS_BIN", "prometheus") else { return Ok(()) };
    let stack = stack!(Plan::of(1, 1, 1));
    let folder = tempfile::tempdir()?;
    // The deployed file, with names that a container network resolves replaced by what runs here.
    let mut text = std::fs::read_to_string(repository().join("deploy/prometheus.yml"))?;
    for (name, replica) in
        [("ingest-api", &stack.ingest[0]), ("query-api", &stack.query[0]), ("summarizer-worker", &stack.workers[0])]
    {
        let (begin, rest) = text.split_once(&format!("- names: [{name}]")).context("no such job")?;
        let rest = rest.split_once("port:").and_then(|(_, rest)| rest.split_once('\n')).context("no port")?.1;
        let begin = begin.trim_end().strip_suffix("dns_sd_configs:").context("no dns_sd_configs")?;
        let target = format!("127.0.0.1:{}", replica.admin_port());
        text = format!("{begin}static_configs:\n      - targets: [\"{target}\"]\n{rest}");
    }
    text = text.replace("scrape_interval: 15s", "scrape_interval: 500ms");
    std::fs::write(folder.path().join("prometheus.yml"), text)?;
    std::fs::copy(repository().join("deploy/prometheus-rules.yml"), folder.path().join("prometheus-rules.yml"))?;
    let address = format!("127.0.0.1:{}", backend::free_port()?);
    let mut child = Command::new(prometheus)
        .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let client = Client::new(&address)?;
    wait::until("every job to be up", || async {
        let Ok(answer) = client.get("/api/v1/query?query=sum(up)").await else { return Ok(None) };
        let Ok(body) = answer.json() else { return Ok(None) };
        Ok((body["data"]["result"][0]["value"][1] == "3").then_some(()))
    })
    .await?;
    let rules = client.get("/api/v1/rules").await?.ok()?;
    ensure!(rules["data"]["groups"][0]["rules"].as_array().is_some_and(|list| list.len() > 5), "{rules}");
    child.kill().await?;
    Ok(())
}
