//! TLS spoken by the services themselves, without a gateway that does it for them: each by the certificate that is in its
//! files now, to those alone who trust it.

use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Result, ensure};
use deploy::binaries::binary;
use deploy::stack::Plan;
use shared_testkit::process::Launch;
use shared_testkit::wait;

use crate::stack;

/// A certificate and its key, which are replaced while they are served.
struct Files(tempfile::TempDir);

fn kept(name: &str, kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/service/tests/certificates/{name}.{kind}"))
}

impl Files {
    fn of(name: &str) -> Result<Self> {
        let files = Self(tempfile::tempdir()?);
        files.put(name)?;
        Ok(files)
    }

    fn put(&self, name: &str) -> Result<()> {
        for kind in ["key", "pem"] {
            std::fs::copy(kept(name, kind), self.served(kind))?;
        }
        Ok(())
    }

    fn served(&self, kind: &str) -> PathBuf {
        self.0.path().join(format!("served.{kind}"))
    }
}

/// A command of `recap` for the service on this port, trusting one certificate alone.
async fn recap(port: u16, trusted: &str, args: &[&str]) -> Result<Output> {
    let launch = Launch::of(binary("recap")?)
        .env("SSL_CERT_FILE", kept(trusted, "pem").display().to_string())
        .env("RECAP_URL", format!("https://localhost:{port}"));
    args.iter().fold(launch, |launch, arg| launch.arg(*arg)).output().await
}

#[tokio::test(flavor = "multi_thread")]
async fn services_speak_tls_by_the_certificate_of_now() -> Result<()> {
    let files = Files::of("one")?;
    let served = |kind| files.served(kind).display().to_string();
    let stack = stack!(Plan::default().with("TLS_CERT", served("pem")).with("TLS_KEY", served("key")));
    let (ingest, query) = (stack.ingest[0].port(), stack.query[0].port());
    let chat = files.0.path().join("chat.txt");
    std::fs::write(&chat, "Anna: by TLS\n")?;
    let import = ["import", "--format", "plain", "--conversation", "tls", &*chat.display().to_string()];
    let export = ["export", "tls"];
    let posted = recap(ingest, "one", &import).await?;
    ensure!(posted.status.success(), "{posted:?}");
    let read = recap(query, "one", &export).await?;
    ensure!(read.status.success() && String::from_utf8_lossy(&read.stdout).contains("by TLS"), "{read:?}");
    // Who trusts another certificate, or speaks no TLS, comes to nothing.
    for (port, args) in [(ingest, &import[..]), (query, &export)] {
        ensure!(!recap(port, "two", args).await?.status.success());
        ensure!(reqwest::get(format!("http://127.0.0.1:{port}/chats")).await.is_err(), "answered without TLS");
    }
    files.put("two")?;
    for (port, args) in [(ingest, &import[..]), (query, &export)] {
        wait::until("the new certificate", async || Ok(recap(port, "two", args).await?.status.success().then_some(())))
            .await?;
        ensure!(!recap(port, "one", args).await?.status.success(), "the old one is still served");
    }
    Ok(())
}
