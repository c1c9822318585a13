//! The commands against a server behind TLS, whose certificate an authority of the test's own has signed: nginx, as it
//! stands in front of Recap where others can reach it.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use shared_testkit::process::{Launch, backend};
use shared_testkit::wait;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{Ran, file, path};
use crate::{RECAP, Recap};

/// An authority, and a certificate of `127.0.0.1` that it signed.
const CERTIFICATES: &str = "\
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=Test authority' -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=recap' -keyout server.key -out server.csr
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem";

struct Gateway {
    port: u16,
    files: TempDir,
    _nginx: Child,
}

impl Gateway {
    /// In front of a server; `None` where nginx or openssl is missing.
    async fn before(recap: &Recap) -> Result<Option<Self>> {
        let Some(nginx) = backend::find("NGINX_BIN", "nginx") else { return Ok(None) };
        if backend::find("OPENSSL_BIN", "openssl").is_none() {
            return Ok(None);
        }
        let (files, port) = (tempfile::tempdir()?, backend::free_port()?);
        let made = Command::new("bash").args(["-euc", CERTIFICATES]).current_dir(files.path()).output().await?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(files.path().join("nginx.conf"), settings(files.path(), port, recap.server.address()))?;
        let mut command = Command::new(nginx);
        command.arg("-p").arg(files.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        wait::until("nginx to listen", || async {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok().then_some(()))
        })
        .await?;
        Ok(Some(Self { port, files, _nginx: child }))
    }

    /// Runs a command against it, with an authority to trust or without.
    async fn run(&self, trusted: bool, host: &str, args: &[&str]) -> Result<Ran> {
        let mut launch = Launch::recap(RECAP, self.files.path());
        for arg in args {
            launch = launch.arg(*arg);
        }
        if trusted {
            launch = launch.env("SSL_CERT_FILE", path(&self.files, "ca.pem"));
        }
        Ok(Ran::of(&launch.env("RECAP_URL", format!("https://{host}:{}", self.port)).output().await?))
    }
}

fn settings(folder: &Path, port: u16, server: &str) -> String {
    let folder = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path {folder}/{kind};")).join("\n");
    format!(
        "daemon off; master_process off; pid {folder}/nginx.pid;
        events {{}}
        http {{
            access_log off;
            {temporary}
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {folder}/server.pem;
                ssl_certificate_key {folder}/server.key;
                location / {{
                    proxy_pass http://{server};
                    proxy_http_version 1.1;
                    proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header Connection \"upgrade\";
                }}
            }}
        }}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_speaks_tls_and_trusts_whom_it_is_told_to() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let Some(gateway) = Gateway::before(&recap).await? else { return Ok(()) };
    let chat = file(&files, "tls.txt", "Anna: I will write the report by Friday.\nBen: Thanks!\n")?;

    gateway.run(true, "127.0.0.1", &["health"]).await?.exits(0)?;
    let report = gateway.run(true, "127.0.0.1", &["import", "--json", &chat]).await?.exits(0)?.json()?;
    ensure!(report["imported"] == 2, "{report}");
    let exported = gateway.run(true, "127.0.0.1", &["export", "tls"]).await?.exits(0)?;
    ensure!(exported.out.lines().count() == 2, "{exported:?}");
    recap.client.settled_summary("tls").await?;
    let watched = gateway.run(true, "127.0.0.1", &["watch", "tls", "--once"]).await?.exits(0)?;
    ensure!(watched.out.contains("2 messages"), "{watched:?}");

    let commands = [vec!["health"], vec!["import", &chat], vec!["export", "tls"], vec!["watch", "tls", "--once"]];
    for command in &commands {
        let unknown = gateway.run(false, "127.0.0.1", command).await?.exits(1)?;
        ensure!(unknown.err.contains("nobody whom this machine trusts"), "{command:?}: {unknown:?}");
        ensure!(unknown.err.contains("SSL_CERT_FILE"), "{command:?}: {unknown:?}");
        // The right authority, and another name than the certificate's.
        let other = gateway.run(true, "localhost", command).await?.exits(1)?;
        ensure!(other.err.contains("the certificate of https://localhost"), "{command:?}: {other:?}");
    }
    recap.server.stop().await.context("the server")?;
    let down = gateway.run(true, "127.0.0.1", &["health"]).await?.exits(1)?;
    ensure!(down.err.contains("not ready (status 502)"), "{down:?}");
    Ok(())
}
