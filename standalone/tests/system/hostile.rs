//! Clients that mean harm, or know no better: nothing of theirs is carried out twice, hidden or half, and nobody else
//! notices. `SLOW_CLIENTS` sets how many slow ones come at once.

use anyhow::{Result, ensure};
use shared_testkit::scenarios::{every_route, frames, slow, smuggling};

use crate::{Recap, check};

async fn sound(recap: Recap) -> Result<()> {
    let metrics = recap.client.get("/metrics").await?;
    ensure!(!metrics.text.contains("code=\"internal\""), "{}", metrics.text);
    recap.server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_on_every_route() -> Result<()> {
    let recap = Recap::start().await?;
    println!("{}", every_route::every_route_refuses_bad_input(&recap.client).await?);
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_not_smuggled() -> Result<()> {
    let recap = Recap::start().await?;
    println!("{}", smuggling::nothing_is_smuggled(&recap.client, recap.server.address()).await?);
    smuggling::honest_pipelines_are_answered(&recap.client, recap.server.address()).await?;
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_understood_or_refused() -> Result<()> {
    let recap = Recap::start().await?;
    let (client, address) = (&recap.client, recap.server.address());
    println!("{}", frames::odd_frames_are_understood(client, address).await?);
    println!("{}", frames::broken_frames_end_their_connection(client, address).await?);
    println!("{} close frames answered", frames::closes_are_answered(address).await?);
    frames::compression_is_refused(client, address).await?;
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_disturb_nobody() -> Result<()> {
    let slow: usize = std::env::var("SLOW_CLIENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let recap = Recap::with(slow::settings).await?;
    let pid = recap.server.pid()?;
    let told = slow::slow_clients_disturb_nobody(&recap.client, recap.server.address(), pid, slow, 60).await?;
    println!("{told}");
    ensure!(told.sent_away[2] == 0, "readers that went on reading were sent away");
    let others = told.sent_away.iter().sum::<usize>();
    ensure!(others + slow.div_ceil(40) >= slow, "{told}");
    sound(recap).await
}
