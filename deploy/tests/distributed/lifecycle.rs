//! SIGTERM of each service under load and with many listeners: a clean end in time, and nobody is the worse for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use deploy::load::Load;
use deploy::stack::{Plan, STOP};
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::wait;

use crate::stack;

const SOCKETS: usize = 500;

/// Listens, connecting again when told that the server goes, until a summary covers `last`.
async fn listen(address: String, told: Arc<AtomicUsize>, covered: Arc<AtomicUsize>, last: u64) -> Result<()> {
    let mut version = 0;
    loop {
        let query = format!("conversation_id=listened&since_version={version}");
        let mut socket = Socket::reconnect(&address, &query).await?;
        loop {
            match socket.next().await? {
                Frame::Json(frame) if frame["type"] == "summary" => {
                    let next = frame["version"].as_u64().unwrap_or_default();
                    ensure!(next > version, "version {next} came after {version}");
                    version = next;
                    if frame["covers"]["last_seq"].as_u64() >= Some(last) {
                        covered.fetch_add(1, Ordering::Relaxed);
                        return Ok(());
                    }
                }
                Frame::Json(_) => {}
                Frame::Closed(code, reason) => {
                    ensure!(code == 1001, "closed with {code} {reason}");
                    told.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Frame::Gone => break,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_ends_cleanly_under_load_with_500_listeners() -> Result<()> {
    let mut stack = stack!(Plan::of(2, 2, 2));
    stack.client.say("listened", &[("u", "We ship on Friday.")]).await?;
    stack.client.settled_summary("listened").await?;
    let (told, covered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut listening = tokio::task::JoinSet::new();
    for _ in 0..SOCKETS {
        listening.spawn(listen(stack.address(), Arc::clone(&told), Arc::clone(&covered), 2));
    }
    let mut open = 0.0;
    let all = wait::until("all listeners", || async {
        let mut sockets = 0.0;
        for replica in &stack.query {
            sockets += replica.metric("recap_push_sockets", &[]).await?;
        }
        Ok((sockets >= SOCKETS as f64).then_some(sockets))
    });
    open += all.await?;
    ensure!(open >= SOCKETS as f64);
    let load = Load::start(std::slice::from_ref(&stack.client), "stopped", 4, 6);
    for replica in stack.ingest.iter_mut().chain(&mut stack.workers).chain(&mut stack.query) {
        load.more(20).await?;
        let begun = Instant::now();
        let status = replica.stop().await?;
        ensure!(status.code() == Some(0), "{} ended with {status}", replica.service());
        ensure!(begun.elapsed() < STOP, "{} took {:?}", replica.service(), begun.elapsed());
        replica.start().await?;
        replica.ready().await?;
    }
    let mut ledger = load.finish().await?;
    // All were with one of the two query-apis, and told when it went; none was told twice before it had another.
    ensure!(told.load(Ordering::Relaxed) >= SOCKETS, "{} listeners were told", told.load(Ordering::Relaxed));
    stack.client.say("listened", &[("u", "The release notes are done.")]).await?;
    ledger.acknowledged("listened", "We ship on Friday.");
    ledger.acknowledged("listened", "The release notes are done.");
    while let Some(listened) = listening.join_next().await {
        listened??;
    }
    ensure!(covered.load(Ordering::Relaxed) == SOCKETS);
    stack.check(&ledger).await
}
