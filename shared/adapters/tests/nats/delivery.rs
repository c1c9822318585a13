//! Notices between a bus that publishes and workers that come and go.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::ports::{EventBus as _, SummarizeAsk, SummarizeReply};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_worker_held_comes_to_another_one() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let (publisher, dying, living) = (connect(&server).await, connect(&server).await, connect(&server).await);
    publisher.notify(notice("a", 1));
    let mut stream = None;
    let held = one(&dying, &mut stream).await;
    // Nothing is said any more: neither an acknowledgement nor progress.
    std::mem::forget(held);
    drop((stream, dying));
    assert_eq!(one(&living, &mut None).await.notice, notice("a", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_worker_is_slow_with_stays_with_it() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let (slow, idle) = (connect(&server).await, connect(&server).await);
    slow.notify(notice("a", 1));
    let held = one(&slow, &mut None).await;
    // Longer than a notice may go without a word: the other one must not get it.
    let other = tokio::time::timeout(Duration::from_secs(40), one(&idle, &mut None)).await;
    assert!(other.is_err(), "it was worked on");
    held.receipt.ack().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_seq_reached_again_after_an_erasure_is_noticed_again() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let mut stream = None;
    for _ in 0..3 {
        bus.notify(notice("a", 1));
        let delivery = one(&bus, &mut stream).await;
        assert_eq!(delivery.notice, notice("a", 1));
        delivery.receipt.ack().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn closing_publishes_what_waits() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let (bus, other) = (connect(&server).await, connect(&server).await);
    let wanted: Vec<_> = (0..2_000).map(|n| notice(&n.to_string(), 7)).collect();
    for one in &wanted {
        bus.notify(one.clone());
    }
    assert!(bus.close(LIMIT).await);
    assert_eq!(bus.pending(), 0);
    assert!(matches!(bus.notices().await, Err(BusError::Closed)));
    all(&other, &mut None, wanted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_characters_pass_and_tenants_stay_apart() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let mut wanted = BTreeSet::new();
    for (tenant, conversation) in [("a.*", "> \u{1f980}"), ("a", ".*> \u{1f980}"), ("$JS.API", " "), ("é\u{2028}", "x")]
    {
        let key = ConversationKey::new(TenantId::parse(tenant).unwrap(), ConversationId::parse(conversation).unwrap());
        bus.notify(Notice { key: key.clone(), seq: Seq(1) });
        wanted.insert(key);
    }
    let mut stream = None;
    let mut seen = BTreeSet::new();
    while seen.len() < wanted.len() {
        let delivery = one(&bus, &mut stream).await;
        seen.insert(delivery.notice.key.clone());
        delivery.receipt.ack().await;
    }
    assert_eq!(seen, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deployments_on_one_server_do_not_meet() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let one_bus = connect(&server).await;
    let other = NatsConfig { nats_prefix: "other".parse().unwrap(), ..NatsConfig::default() };
    let other_bus = NatsEventBus::connect(&server.url().parse().unwrap(), &other).await.unwrap();
    one_bus.notify(notice("a", 1));
    other_bus.notify(notice("b", 1));
    assert_eq!(one(&other_bus, &mut None).await.notice, notice("b", 1));
    assert_eq!(one(&one_bus, &mut None).await.notice, notice("a", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ask_is_put_again_when_the_connection_is_lost() {
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let (asking, worker) = (connect(&server).await, connect(&server).await);
    let mut asks = worker.asks().await.unwrap();
    let ask = SummarizeAsk { key: key("a"), at_least: Seq(3) };
    let answered = {
        let (bus, ask) = (Arc::clone(&asking), ask.clone());
        tokio::spawn(async move { bus.ask(ask, LIMIT).await })
    };
    let (_, lost) = tokio::time::timeout(LIMIT, asks.next()).await.unwrap().unwrap();
    server.restart().await.unwrap();
    let (again, answer) = tokio::time::timeout(LIMIT, asks.next()).await.unwrap().unwrap();
    assert_eq!(again, ask);
    answer.answer(SummarizeReply::Gone).await;
    assert_eq!(answered.await.unwrap().unwrap(), SummarizeReply::Gone);
    lost.answer(SummarizeReply::Failed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_worker_an_ask_ends_before_its_deadline() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let ask = SummarizeAsk { key: key("a"), at_least: Seq(3) };
    assert!(matches!(bus.ask(ask, LIMIT).await, Err(BusError::Unavailable(_))));
}
