//! Outages and returns, in simulated time.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::{FallbackReason, Trigger};
use shared::ports::{Announcement, ChatError, Refusal};
use shared_testkit::model::DirectModel;
use summarizer_worker::{LocalSummarizer, ModelConfig, WorkerConfig};

use super::{ask, assert_proved, direct, engines, newest};
use crate::world::{World, key, quiet, until};

fn away() -> ChatError {
    ChatError::Unavailable { what: "a fault of the test", after: None, paid: false, source: None }
}

fn usual() -> WorkerConfig {
    let policy = SummaryPolicy { conversation_idle_end: Duration::ZERO, ..SummaryPolicy::default() };
    WorkerConfig { policy, ..WorkerConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_away_for_an_hour_is_left_alone_and_its_work_is_made_up_for_newest_first() {
    let mut world = World::new(usual());
    let model = direct(&mut world, &ModelConfig::default());
    model.away(Some(away()));
    for n in 0..12 {
        let name = format!("c{n}");
        let head = world.post(&key(&name), 20).await;
        world.covered(&key(&name), head).await;
        assert_eq!(newest(&world, &name).fallback, Some(FallbackReason::Unavailable));
        tokio::time::sleep(Duration::from_mins(5)).await;
    }
    let in_vain = model.calls().len();
    assert!(in_vain <= 60, "{in_vain} calls in an hour of 12 conversations");
    assert_proved(&world);
    model.away(None);
    let redone = |n: usize| newest(&world, &format!("c{n}")).engine == "openai:mock";
    until("the model's own", || (0..12).all(redone)).await;
    for n in 0..12 {
        let versions = world.views.versions(&key(&format!("c{n}")));
        assert_eq!(versions.last().map(|version| version.trigger), Some(Trigger::Redo));
        assert_eq!(versions.len(), 2, "one of each engine");
    }
    let at = |n: usize| newest(&world, &format!("c{n}")).generated_at;
    assert!((1..12).all(|n| at(n) <= at(n - 1)), "newest conversation first");
    assert_eq!(model.answered(), 12, "each paid once");
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn making_up_for_an_outage_does_not_hold_up_what_is_due_now() {
    let mut world = World::new(usual());
    let config = ModelConfig::default();
    let model = Arc::new(DirectModel::slow(Duration::from_secs(2)));
    let engines = engines(&world, model.clone(), &config);
    world.start_engines(engines);
    model.away(Some(ChatError::Refused(Refusal::Key)));
    for n in 0..30 {
        let name = format!("old{n}");
        let head = world.post(&key(&name), 20).await;
        world.covered(&key(&name), head).await;
    }
    model.away(None);
    until("the first made up for", || (0..30).any(|n| !newest(&world, &format!("old{n}")).degraded)).await;
    for n in 0..5 {
        let begun = world.ports.clock.now();
        let name = format!("live{n}");
        let head = world.post(&key(&name), 20).await;
        world.covered(&key(&name), head).await;
        assert!(newest(&world, &name).generated_at.since(begun) < Duration::from_secs(8), "{name}");
    }
    until("all made up for", || (0..30).all(|n| !newest(&world, &format!("old{n}")).degraded)).await;
}

#[tokio::test(start_paused = true)]
async fn summaries_of_a_time_without_a_model_are_made_anew_when_asked_for() {
    let mut world = World::new(quiet());
    world.start(Arc::new(LocalSummarizer));
    let head = world.post(&key("a"), 5).await;
    ask(&world, "a", head).await;
    world.stop().await;
    let model = direct(&mut world, &ModelConfig::default());
    model.away(Some(away()));
    ask(&world, "a", head).await;
    assert_eq!(newest(&world, "a").engine, "local", "what is there will do while the model is away");
    model.away(None);
    ask(&world, "a", head).await;
    assert_eq!((newest(&world, "a").engine.as_str(), newest(&world, "a").trigger), ("openai:mock", Trigger::Redo));
    ask(&world, "a", head).await;
    assert_eq!((world.views.versions(&key("a")).len(), model.answered()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_pays_again_for_the_call_under_way_only() {
    let mut world = World::new(quiet());
    let config = ModelConfig::default();
    let model = Arc::new(DirectModel::slow(Duration::from_secs(1)));
    let head = world.post(&key("a"), 3_200).await;
    let mut lives = 0;
    while world.views.versions(&key("a")).is_empty() {
        let engines = engines(&world, model.clone(), &config);
        world.start_engines(engines);
        lives += 1;
        // Dies in the middle of a call, again and again.
        let asked = tokio::time::timeout(Duration::from_millis(6_500), ask(&world, "a", head));
        let _ = asked.await;
        world.stop().await;
    }
    assert!(lives >= 3, "{lives}");
    let texts: Vec<String> = model.calls().into_iter().map(|question| question.text).collect();
    let ideal = 23 + 1;
    assert!(texts.len() <= ideal + lives, "{} calls in {lives} lives", texts.len());
    assert_proved(&world);
}

#[tokio::test(start_paused = true)]
async fn listeners_see_the_text_grow_and_what_is_stored_is_the_checked_one() {
    let mut world = World::new(quiet());
    direct(&mut world, &ModelConfig::default());
    let head = world.post(&key("a"), 5).await;
    ask(&world, "a", head).await;
    let told = world.bus.heard();
    let place = |is: fn(&Announcement) -> bool| told.iter().position(is);
    let partial = place(|heard| matches!(heard, Announcement::Partial { .. })).unwrap();
    assert!(partial < place(|heard| matches!(heard, Announcement::Summarized { .. })).unwrap());
}

#[tokio::test(start_paused = true)]
async fn at_most_five_texts_a_second_are_told_while_one_is_written() {
    let mut world = World::new(quiet());
    let model = Arc::new(DirectModel::typing(Duration::from_millis(70)));
    let engines = engines(&world, model, &ModelConfig::default());
    world.start_engines(engines);
    let head = world.post(&key("a"), 30).await;
    let begun = tokio::time::Instant::now();
    ask(&world, "a", head).await;
    let most = begun.elapsed().as_millis() / 200 + 1;
    let partial = |heard: &Announcement| match heard {
        Announcement::Partial { text, .. } => Some(text.clone()),
        _ => None,
    };
    let told: Vec<String> = world.bus.heard().iter().filter_map(partial).collect();
    assert!(told.len() > 2 && told.len() as u128 <= most, "{} texts where {most} may be", told.len());
    assert!(told.windows(2).all(|pair| pair[1].len() > pair[0].len()), "each says more: {told:?}");
}
