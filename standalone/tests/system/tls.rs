//! TLS spoken by the process itself.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use shared_testkit::process::Launch;
use shared_testkit::process::backend::free_port;

use crate::{RECAP, repository};

fn file(name: &str) -> PathBuf {
    repository().join("shared/service/tests/certificates").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_by_tls_says_so_and_its_own_commands_come_in() -> Result<()> {
    let data = tempfile::tempdir()?;
    let operators = format!("127.0.0.1:{}", free_port()?);
    let launch = Launch::recap(RECAP, data.path())
        .env("TLS_CERT", file("one.pem").display().to_string())
        .env("TLS_KEY", file("one.key").display().to_string())
        .env("ADMIN_ADDR", &operators);
    let server = launch.start_when("listening on https://").await?;
    ensure!(server.log().contains("https://localhost:"), "no link: {}", server.log());
    let port = server.address().rsplit(':').next().unwrap_or_default().to_owned();
    let client = Launch::of(RECAP)
        .env("SSL_CERT_FILE", file("one.pem").display().to_string())
        .arg("export")
        .arg("nowhere")
        .arg("--url")
        .arg(format!("https://localhost:{port}"));
    let output = client.output().await?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(told.contains("conversation_not_found"), "{told}");
    // Health is asked where operators are served, without TLS.
    let health = Launch::of(RECAP).env("ADMIN_ADDR", &operators).arg("health").output().await?;
    ensure!(health.status.success(), "{health:?}");
    ensure!(server.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_settings_or_files_that_do_not_fit_are_a_fault_at_start() -> Result<()> {
    let data = tempfile::tempdir()?;
    let with = |key: Option<&str>| {
        let launch = Launch::recap(RECAP, data.path()).env("TLS_CERT", file("one.pem").display().to_string());
        match key {
            Some(key) => launch.env("TLS_KEY", file(key).display().to_string()),
            None => launch,
        }
    };
    let half = with(None).output().await?;
    ensure!(half.status.code() == Some(2), "{half:?}");
    for key in ["two.key", "one.pem", "none.key"] {
        let unfit = with(Some(key)).output().await?;
        let told = String::from_utf8_lossy(&unfit.stderr).into_owned();
        ensure!(unfit.status.code() == Some(1) && told.contains("TLS"), "{key}: {told}");
    }
    Ok(())
}
