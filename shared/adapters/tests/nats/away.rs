//! NATS is not there: at the start, for a while, for long.

use shared::domain::Version;
use shared::ports::{Announcement, EventBus as _};
use tokio::sync::broadcast::error::RecvError;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bus_starts_before_its_server() {
    let Some(mut server) = NatsServer::stopped("").unwrap() else { return };
    let bus = connect(&server).await;
    assert!(matches!(bus.ping().await, Err(BusError::Unavailable(_))));
    bus.notify(notice("a", 1));
    bus.announce(Announcement::Ended { key: key("a") });
    assert_eq!(bus.pending(), 1);
    server.restart().await.unwrap();
    ready(&bus).await;
    assert_eq!(one(&bus, &mut None).await.notice, notice("a", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn away_for_long_the_queue_stays_bounded_and_then_goes_out() {
    /// As many conversations as may wait.
    const MOST: usize = 65_536;
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    ready(&bus).await;
    server.kill().await.unwrap();
    wait::until("the loss to be seen", async || Ok(bus.ping().await.err())).await.unwrap();
    for seq in 1..=3 {
        for n in 0..100_000 {
            bus.notify(notice(&n.to_string(), seq));
        }
        bus.announce(Announcement::Summarized { key: key("1"), version: Version(seq) });
    }
    // Some were on their way when it died, and come back into their places.
    assert!(bus.pending() <= MOST && bus.pending() > MOST - 1_000, "{}", bus.pending());
    server.restart().await.unwrap();
    wait::until("all to be published", async || Ok((bus.pending() == 0).then_some(()))).await.unwrap();
    // One for each conversation, with its highest seq.
    all(&bus, &mut None, (0..1_000).map(|n| notice(&n.to_string(), 3)).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_loses_nothing_and_acknowledgements_still_count() {
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let wanted: Vec<_> = (0..20).map(|n| notice(&n.to_string(), 1)).collect();
    for one in &wanted {
        bus.notify(one.clone());
    }
    let mut stream = None;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(one(&bus, &mut stream).await);
    }
    server.restart().await.unwrap();
    let mut left = wanted;
    for delivery in held {
        left.retain(|want| *want != delivery.notice);
        ready(&bus).await;
        delivery.receipt.ack().await;
    }
    all(&bus, &mut stream, left).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_again_and_again_every_notice_still_arrives() {
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let (publisher, worker) = (connect(&server).await, connect(&server).await);
    let mut stream = None;
    for round in 1..=5 {
        let wanted: Vec<_> = (0..500).map(|n| notice(&n.to_string(), round)).collect();
        for one in &wanted {
            publisher.notify(one.clone());
        }
        server.restart().await.unwrap();
        all(&worker, &mut stream, wanted).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn listeners_are_told_that_they_may_have_missed_something() {
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let (speaker, listener) = (connect(&server).await, connect(&server).await);
    let mut heard = listener.announcements().await.unwrap();
    let first = Announcement::Summarized { key: key("a"), version: Version(1) };
    speaker.announce(first.clone());
    assert_eq!(tokio::time::timeout(LIMIT, heard.recv()).await.unwrap(), Ok(first));
    server.restart().await.unwrap();
    assert_eq!(tokio::time::timeout(LIMIT, heard.recv()).await.unwrap(), Err(RecvError::Closed));
    let again = async || Ok(listener.announcements().await.ok());
    let mut heard = wait::until("a new subscription", again).await.unwrap();
    ready(&speaker).await;
    let second = Announcement::Summarized { key: key("a"), version: Version(2) };
    // What was said of the gap may close it once more; then the news come.
    loop {
        speaker.announce(second.clone());
        match tokio::time::timeout(LIMIT, heard.recv()).await.expect("news in time") {
            Ok(news) => return assert_eq!(news, second),
            Err(_) => heard = wait::until("a new subscription", again).await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_hangs_is_noticed() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let mut stream = bus.notices().await.unwrap();
    bus.notify(notice("a", 1));
    stream.next(1).await.unwrap().remove(0).receipt.ack().await;
    server.freeze().await.unwrap();
    bus.notify(notice("a", 2));
    let silence = tokio::time::timeout(LIMIT, stream.next(1)).await.expect("an error in time");
    assert!(silence.is_err(), "nothing can have come");
    server.thaw().await.unwrap();
    all(&bus, &mut None, vec![notice("a", 2)]).await;
}
