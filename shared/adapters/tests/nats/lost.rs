//! The server has lost its files, or somebody removed the stream or the consumer.

use async_nats::jetstream;
use shared::ports::EventBus as _;

use super::*;

async fn administrator(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_its_files_gone_stream_and_consumer_are_made_again() {
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let mut stream = None;
    bus.notify(notice("a", 1));
    let old = one(&bus, &mut stream).await;
    server.kill().await.unwrap();
    server.lose_files().unwrap();
    server.restart().await.unwrap();
    bus.notify(notice("b", 1));
    let new = one(&bus, &mut stream).await;
    assert_eq!(new.notice, notice("b", 1));
    // Both have the same numbers in their streams: acknowledging the old one must not touch the new one.
    old.receipt.ack().await;
    drop(new);
    assert_eq!(one(&bus, &mut stream).await.notice, notice("b", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_removed_stream_is_made_again() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let (publisher, worker) = (connect(&server).await, connect(&server).await);
    let mut stream = None;
    for seq in 1..=3 {
        publisher.notify(notice("a", seq));
        all(&worker, &mut stream, vec![notice("a", seq)]).await;
        administrator(&server).await.delete_stream("RECAP").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_removed_consumer_is_made_again() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    let mut stream = None;
    for seq in 1..=3 {
        bus.notify(notice("a", seq));
        all(&bus, &mut stream, vec![notice("a", seq)]).await;
        let recap = administrator(&server).await.get_stream("RECAP").await.unwrap();
        recap.delete_consumer("workers").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_differs_is_put_right() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let administrator = administrator(&server).await;
    let wrong = jetstream::stream::Config {
        name: "RECAP".to_owned(),
        subjects: vec!["recap.notice.>".to_owned()],
        ..jetstream::stream::Config::default()
    };
    administrator.create_stream(wrong).await.unwrap();
    let bus = connect(&server).await;
    ready(&bus).await;
    let mut recap = administrator.get_stream("RECAP").await.unwrap();
    let config = &recap.info().await.unwrap().config;
    assert_eq!((config.max_messages_per_subject, config.max_age), (1, Duration::from_hours(24)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_stream_keeps_one_notice_for_each_conversation_and_no_text() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let bus = connect(&server).await;
    for seq in 1..=50 {
        bus.notify(notice("a", seq));
        wait::until("the notice to be stored", async || Ok((bus.pending() == 0).then_some(()))).await.unwrap();
    }
    assert!(bus.close(LIMIT).await);
    let mut recap = administrator(&server).await.get_stream("RECAP").await.unwrap();
    let state = recap.info().await.unwrap().state.clone();
    assert_eq!(state.messages, 1);
    let message = recap.get_raw_message(state.last_sequence).await.unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!(payload, serde_json::json!({"key": {"tenant": "public", "conversation": "a"}, "seq": 50}));
    let id = message.headers.get("Nats-Msg-Id").unwrap().as_str().to_owned();
    assert!(id.ends_with(":50") && message.subject.ends_with(id.trim_end_matches(":50")), "{id}");
}
