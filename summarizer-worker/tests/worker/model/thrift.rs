//! What is new waits until it is worth a call, and never for ever.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::{Seq, Trigger};
use shared::ports::ChatError;
use shared_testkit::model::DirectModel;
use summarizer_worker::{LocalSummarizer, ModelConfig, WorkerConfig};

use super::{ask, assert_proved, direct, newest};
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

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_opened_again_waits_as_any() {
    let (world, _) = begun(&ModelConfig::default()).await;
    world.end(&key("a")).await;
    tokio::time::sleep(Duration::from_secs(400)).await;
    let head = world.post(&key("a"), 1).await;
    let took = time_until(&world, head).await;
    assert!((60..62).contains(&took.as_secs()), "its end is no text that waits: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_full_schedule_drops_is_found_again() {
    let mut world = usual();
    world.config.summary_schedule = 1;
    direct(&mut world, &ModelConfig::default());
    let names = ["a", "b", "c"];
    for posted in [20, 3] {
        let mut heads = Vec::new();
        for name in names {
            heads.push(world.post(&key(name), posted).await);
        }
        let begun = world.ports.clock.now();
        for (name, head) in names.into_iter().zip(heads) {
            world.covered(&key(name), head).await;
        }
        let took = world.ports.clock.now().since(begun);
        assert!(took < Duration::from_secs(160), "{took:?}");
    }
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn several_workers_hold_it_and_one_asks() {
    let (mut world, model) = begun(&ModelConfig::default()).await;
    let engines = super::engines(&world, model.clone(), &ModelConfig::default());
    world.start_engines(engines);
    let head = world.post(&key("a"), 3).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let took = time_until(&world, head).await + Duration::from_secs(30);
    assert!((60..62).contains(&took.as_secs()), "{took:?}");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(model.answered(), 2);
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn what_the_local_engine_wrote_is_made_again_while_more_waits() {
    let mut world = usual();
    let model = direct(&mut world, &ModelConfig::default());
    model.away(Some(ChatError::Unavailable { what: "away", after: None, paid: false, source: None }));
    let head = world.post(&key("a"), 20).await;
    world.covered(&key("a"), head).await;
    assert!(newest(&world, "a").degraded);
    model.away(None);
    let begun = world.ports.clock.now();
    while newest(&world, "a").degraded {
        assert!(world.ports.clock.now().since(begun) < Duration::from_mins(4), "not before the wait is over");
        world.post(&key("a"), 1).await;
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    assert_eq!(newest(&world, "a").trigger, Trigger::Redo);
    let head = Seq(world.log.all(&key("a")).len() as u64);
    world.covered(&key("a"), head).await;
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn changes_of_what_waits_wait_with_it() {
    let (world, model) = begun(&ModelConfig::default()).await;
    world.post(&key("a"), 5).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.edit(&key("a"), 21).await;
    world.erase_message(&key("a"), 23).await;
    let head = Seq(27);
    assert!(time_until(&world, head).await < Duration::from_secs(62));
    assert_eq!(model.answered(), 2, "no summary tells of these messages yet");
    let last = model.calls().pop().unwrap().text;
    let told = |n: usize| last.contains(&format!("Message number {n} is here."));
    assert_eq!([20, 21, 22, 23, 24].map(told), [true, false, true, false, true], "{last}");
    assert_proved(&world);
    // An erasure of all that waits leaves nothing to wait for.
    world.post(&key("a"), 1).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.erase_message(&key("a"), 24).await;
    world.covered(&key("a"), head.next().next()).await;
    assert_proved(&world);
}
