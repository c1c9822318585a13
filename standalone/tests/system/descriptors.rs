//! Open files run out: connections are refused or wait, and the process goes on.

use anyhow::{Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::process::Launch;
use shared_testkit::wait;
use tokio::net::TcpStream;

use crate::RECAP;
use crate::durability::can_trace;

#[tokio::test(flavor = "multi_thread")]
async fn accepting_goes_on_after_descriptors_ran_out() -> Result<()> {
    if !can_trace()? {
        return Ok(());
    }
    let data = tempfile::tempdir()?;
    let mut launch = Launch::recap("strace", data.path());
    for arg in ["-D", "-f", "-o", "/dev/null", "-e", "trace=accept4", "-e", "inject=accept4:error=EMFILE:when=1..4"] {
        launch = launch.arg(arg);
    }
    let server = launch.arg(RECAP).start().await?;
    let client = Client::new(server.address())?;
    client.say("files", &[("u", "posted when descriptors were there again")]).await?;
    ensure!(server.log().contains("cannot accept connections"), "{}", server.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_leave_descriptors_for_the_store() -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = Launch::recap("sh", data.path()).arg("-c").arg(format!("ulimit -n 96; exec {RECAP}"));
    let server = launch.start().await?;
    let client = Client::new(server.address())?;
    client.say("files", &[("u", "before")]).await?;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(server.address()).await?);
    }
    // The client's own connection is one of those that were accepted, so it is served while others are refused.
    client.say("files", &[("u", "meanwhile")]).await?;
    drop(idle);
    wait::until("a new connection", || async {
        let client = Client::new(server.address())?;
        Ok(client.get("/chats/files").await.ok().filter(|answer| answer.status == 200))
    })
    .await?;
    client.say("files", &[("u", "after")]).await?;
    ensure!(client.history("files").await?.len() == 3);
    ensure!(server.stop().await?.code() == Some(0));
    Ok(())
}
