//! Whatever the bus does with notices, views follow the log and everything is covered.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::Seq;
use shared::ports::EventBus;
use shared_adapters::{ChannelEventBus, NatsConfig, NatsEventBus};
use shared_testkit::faulty_bus::{BusFaults, FaultyEventBus};
use shared_testkit::process::NatsServer;
use summarizer_worker::{WorkerConfig, check};

use crate::memory::{CountingEngine, MemoryBus};
use crate::oracle::{assert_covered, assert_views};
use crate::random::settle;
use crate::world::{World, key, until};

/// Half are lost, the others come up to ten times, in any order.
const BAD: BusFaults = BusFaults { lost: 50, copies: 10, delay: Duration::from_secs(2) };

fn config() -> WorkerConfig {
    let policy = SummaryPolicy {
        summary_idle: Duration::from_secs(1),
        summary_min_interval: Duration::from_millis(500),
        conversation_idle_end: Duration::ZERO,
        ..SummaryPolicy::default()
    };
    WorkerConfig { policy, ..WorkerConfig::default() }
}

async fn three_workers(bus: Arc<dyn EventBus>) {
    let mut world = World::over(config(), bus);
    let engine = CountingEngine::paid();
    for _ in 0..3 {
        world.start(engine.clone());
    }
    for round in 0..30 {
        for conversation in 0..20 {
            world.post(&key(&format!("c{conversation}")), 1 + (round + conversation) % 7).await;
        }
        // Some life passes between posts, as workers take their part.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for conversation in 0..5 {
        world.end(&key(&format!("c{conversation}"))).await;
    }
    settle(&world).await;
    assert_views(&world);
    assert_covered(&world);
    world.stop().await;
    let report = check(&world.ports).await.unwrap();
    assert!(report.is_clean() && report.behind == 0, "{report}: {:?}", report.faults);
}

#[tokio::test(start_paused = true)]
async fn in_memory_notices_lost_doubled_delayed_and_shuffled_change_nothing() {
    for seed in 0..8 {
        three_workers(Arc::new(FaultyEventBus::new(Arc::new(MemoryBus::new(seed)), seed, BAD))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn within_a_process_they_change_nothing() {
    for seed in 0..8 {
        three_workers(Arc::new(FaultyEventBus::new(Arc::new(ChannelEventBus::new()), seed, BAD))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_notice_at_all_changes_nothing() {
    let none = BusFaults { lost: 100, ..BusFaults::NONE };
    three_workers(Arc::new(FaultyEventBus::new(Arc::new(MemoryBus::new(1)), 1, none))).await;
}

async fn nats(server: &NatsServer) -> Arc<NatsEventBus> {
    Arc::new(NatsEventBus::connect(&server.url().parse().unwrap(), &NatsConfig::default()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_nats_they_change_nothing() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    three_workers(Arc::new(FaultyEventBus::new(nats(&server).await, 1, BAD))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_nats_killed_and_robbed_of_its_files_they_change_nothing() {
    let Some(mut server) = NatsServer::start().await.unwrap() else { return };
    let bus = nats(&server).await;
    let mut working = tokio::spawn(three_workers(bus));
    let mut times = 0;
    loop {
        server.kill().await.unwrap();
        if times % 2 == 1 {
            server.lose_files().unwrap();
        }
        server.restart().await.unwrap();
        times += 1;
        // It lives so long until it is killed again.
        if let Ok(worked) = tokio::time::timeout(Duration::from_millis(700), &mut working).await {
            worked.unwrap();
            break;
        }
    }
    assert!(times > 1, "killed {times} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_nats_a_poisoned_conversation_becomes_a_dead_letter_and_stops_nobody() {
    let Some(server) = NatsServer::start().await.unwrap() else { return };
    let mut world = World::over(WorkerConfig { project_attempts: 3, ..config() }, nats(&server).await);
    world.log.break_record(&key("bad"), 3);
    world.start_counting();
    world.post(&key("bad"), 5).await;
    let good = world.post(&key("good"), 5).await;
    world.projected(&key("good"), good).await;
    world.projected(&key("bad"), Seq(2)).await;
    let attempts = || world.views.state.lock().letters.get(&key("bad")).map(|letter| letter.attempts);
    until("the dead letter", || attempts() >= Some(3)).await;
    world.stop().await;
}
