//! Usage and configuration: all complaints at once, and the exit codes.

use anyhow::{Result, ensure};
use shared_testkit::process::Launch;

use crate::RECAP;

#[tokio::test]
async fn all_wrong_settings_are_said_at_once() -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = Launch::recap(RECAP, data.path())
        .env("SUMMARY_EVERY", "often")
        .env("SUMMARY_IDLE", "soon")
        .env("LISTEN_ADDR", "nowhere")
        .env("STORE_URL", "floppy:./data");
    let output = launch.output().await?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2), "{} {text}", output.status);
    for setting in ["summary-every", "summary-idle", "listen-addr", "store-url"] {
        ensure!(text.contains(setting), "nothing about {setting} in {text}");
    }
    ensure!(!text.contains("listening on"), "{text}");
    Ok(())
}

#[tokio::test]
async fn bad_usage_exits_with_2_and_help_with_0() -> Result<()> {
    let data = tempfile::tempdir()?;
    for (args, code) in [
        (vec!["--no-such-flag"], 2),
        (vec!["keys", "create", "--tenant", "acme", "--scopes", "everything"], 2),
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec!["keys", "revoke", "rk_nothing"], 1),
    ] {
        let mut launch = Launch::recap(RECAP, data.path());
        for arg in &args {
            launch = launch.arg(*arg);
        }
        let output = launch.output().await?;
        ensure!(output.status.code() == Some(code), "{args:?}: {output:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_address_in_use_is_said_so() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let data = tempfile::tempdir()?;
    let address = taken.local_addr()?.to_string();
    let output = Launch::recap(RECAP, data.path()).env("LISTEN_ADDR", &address).output().await?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && text.contains(&address), "{} {text}", output.status);
    Ok(())
}
