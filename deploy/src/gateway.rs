//! nginx with the deployed file: ports, folders and replicas are put in, all else is as deployed.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use shared_testkit::process::backend;
use shared_testkit::wait;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::repository;

/// A running gateway.
pub struct Gateway {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Gateway {
    /// In front of these ports; `None` if there is no nginx.
    pub async fn start(ingest: &[u16], query: &[u16]) -> Result<Option<Self>> {
        let Some(binary) = find() else { return Ok(None) };
        let (port, folder) = (backend::free_port()?, tempfile::tempdir()?);
        let deployed = std::fs::read_to_string(repository().join("deploy/nginx.conf"))?;
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, adapt(&deployed, port, &folder, ingest, query)?)?;
        let mut command = Command::new(binary);
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-g", "daemon off;"]);
        let log = std::fs::File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let gateway = Self { child: command.spawn()?, port, folder };
        let address = gateway.address();
        let listens =
            wait::until("the gateway", || async { Ok(tokio::net::TcpStream::connect(&address).await.ok().map(drop)) });
        listens.await.with_context(|| gateway.log())?;
        Ok(Some(gateway))
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it has complained of.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Stops it and its workers.
    pub async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("the gateway has ended")?;
        ensure!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?.success());
        self.child.wait().await?;
        Ok(())
    }
}

impl Drop for Gateway {
    /// A killed master would leave its workers behind; told to end, it takes them along.
    fn drop(&mut self) {
        let Some(pid) = self.child.id() else { return };
        let told = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status();
        if told.is_ok_and(|status| status.success()) {
            for _ in 0..100 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

/// nginx, which Debian keeps off the path of ordinary users.
fn find() -> Option<PathBuf> {
    let debian = PathBuf::from("/usr/sbin/nginx");
    if std::env::var_os("NGINX_BIN").is_none() && debian.is_file() {
        return Some(debian);
    }
    backend::find("NGINX_BIN", "nginx")
}

fn adapt(deployed: &str, port: u16, folder: &TempDir, ingest: &[u16], query: &[u16]) -> Result<String> {
    let mut text = deployed.replace("/tmp/", &format!("{}/", folder.path().display()));
    // One worker: as many as on a large machine would only take memory here.
    text = once(&text, "worker_processes auto;", "worker_processes 1;")?;
    text = once(&text, "worker_rlimit_nofile 65536;", "")?;
    text = once(&text, "listen 8000 ", &format!("listen 127.0.0.1:{port} "))?;
    for (name, ports) in [("ingest-api:8001", ingest), ("query-api:8002", query)] {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("server {name}")));
        let line = line.with_context(|| format!("no upstream {name}"))?.to_owned();
        let lines: Vec<String> = ports.iter().map(|port| line.replace(name, &format!("127.0.0.1:{port}"))).collect();
        text = once(&text, &line, &lines.join("\n"))?;
    }
    Ok(text)
}

fn once(text: &str, from: &str, to: &str) -> Result<String> {
    ensure!(text.matches(from).count() == 1, "deploy/nginx.conf must hold {from:?} once");
    Ok(text.replacen(from, to, 1))
}
