//! What is new waits until it is worth a call, and never for ever.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::{Seq, Trigger};
use shared_testkit::model::DirectModel;
use summarizer_worker::{LocalSummarizer, ModelConfig, WorkerConfig};

use super::{ask, assert_proved, direct};
use crate::world::{World, key};

/// The documented policy, and a summary of the first 20 messages.
async fn begun(config: &ModelConfig) -> (World, Arc<DirectModel>) {
    let mut world = usual();
    let model = direct(&mut world, config);
    let begun = world.ports.clock.now();
    let head = world.post(&key("a"), 20).await;
    world.covered(&key("a"), head).await;
    assert!(world.ports.clock.now().since(begun) < Duration::from_secs(1), "the first does not wait");
    // Beyond the distance between two.
    tokio::time::sleep(Duration::from_secs(40)).await;
    (world, model)
}

fn usual() -> World {
    let policy = SummaryPolicy { conversation_idle_end: Duration::ZERO, ..SummaryPolicy::default() };
    World::new(WorkerConfig { policy, ..WorkerConfig::default() })
}

/// How long it takes until the newest message is covered.
async fn time_until(world: &World, head: Seq) -> Duration {
    let begun = world.ports.clock.now();
    world.covered(&key("a"), head).await;
    world.ports.clock.now().since(begun)
}

fn last_trigger(world: &World) -> Option<Trigger> {
    world.views.versions(&key("a")).last().map(|version| version.trigger)
}

#[tokio::test(start_paused = true)]
async fn few_new_words_wait_for_a_longer_silence() {
    let (world, model) = begun(&ModelConfig::default()).await;
    let head = world.post(&key("a"), 20).await;
    let took = time_until(&world, head).await;
    assert!((60..62).contains(&took.as_secs()), "{took:?}");
    assert_eq!(model.answered(), 2);
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_falls_silent_the_first_of_few_words_waits_so_long_at_most() {
    let (world, model) = begun(&ModelConfig::default()).await;
    let begun = world.ports.clock.now();
    let mut head = Seq::ZERO;
    while world.views.versions(&key("a")).len() < 2 {
        assert!(world.ports.clock.now().since(begun) < Duration::from_secs(320), "for ever");
        head = world.post(&key("a"), 1).await;
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    let took = world.views.versions(&key("a"))[1].generated_at.since(begun);
    assert!((300..310).contains(&took.as_secs()), "{took:?}");
    assert_eq!(model.answered(), 2, "nobody was asked meanwhile");
    world.covered(&key("a"), head).await;
}

#[tokio::test(start_paused = true)]
async fn enough_new_words_do_not_wait() {
    let (world, _) = begun(&ModelConfig::default()).await;
    // 11 tokens each.
    let head = world.post(&key("a"), 150).await;
    let took = time_until(&world, head).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(last_trigger(&world), Some(Trigger::Count));
    // One look at too few does not make the rest of them wait.
    tokio::time::sleep(Duration::from_secs(40)).await;
    world.post(&key("a"), 30).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let head = world.post(&key("a"), 150).await;
    let took = time_until(&world, head).await;
    assert!(took < Duration::from_secs(11), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_a_change_and_those_who_ask_do_not_wait() {
    let (world, _) = begun(&ModelConfig::default()).await;
    let head = world.post(&key("a"), 1).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(world.views.versions(&key("a")).len(), 1, "it waits");
    ask(&world, "a", head).await;
    assert_eq!(last_trigger(&world), Some(Trigger::Demand));
    for trigger in [Trigger::Change, Trigger::End] {
        world.post(&key("a"), 1).await;
        tokio::time::sleep(Duration::from_secs(45)).await;
        let head = if trigger == Trigger::End {
            Seq(world.end(&key("a")).await.0 - 1)
        } else {
            world.edit(&key("a"), 3).await;
            Seq(world.log.all(&key("a")).len() as u64)
        };
        let took = time_until(&world, head).await;
        assert!(took < Duration::from_secs(1), "{trigger:?} {took:?}");
        assert_eq!(last_trigger(&world), Some(trigger));
    }
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_where_that_is_switched_off_or_costs_nothing() {
    let (world, _) = begun(&ModelConfig { llm_min_new_tokens: 0, ..ModelConfig::default() }).await;
    let head = world.post(&key("a"), 1).await;
    assert!(time_until(&world, head).await < Duration::from_secs(12));
    let mut world = usual();
    world.start(Arc::new(LocalSummarizer));
    for _ in 0..2 {
        let head = world.post(&key("a"), 20).await;
        assert!(time_until(&world, head).await < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(40)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_a_worker_stops_is_made_by_the_next() {
    let (mut world, model) = begun(&ModelConfig::default()).await;
    let head = world.post(&key("a"), 1).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.stop().await;
    let config = ModelConfig::default();
    let engines = super::engines(&world, model.clone(), &config);
    world.start_engines(engines);
    let took = time_until(&world, head).await;
    assert!(took < Duration::from_secs(80), "{took:?}");
}
