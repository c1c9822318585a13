//! Summarize: when, from what, and with what proof.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::{Digest, Seq, Trigger, Version};
use shared::ports::{Announcement, EventBus as _, MessageLog as _, SummarizeAsk, SummarizeReply};
use summarizer_worker::{LocalSummarizer, WorkerConfig, rebuild};

use crate::memory::{Call, CountingEngine};
use crate::oracle::{assert_covered, assert_views};
use crate::world::{World, key, quiet, until};

/// The documented policy.
fn usual() -> WorkerConfig {
    let policy = SummaryPolicy { conversation_idle_end: Duration::ZERO, ..SummaryPolicy::default() };
    WorkerConfig { policy, ..WorkerConfig::default() }
}

fn folds(engine: &CountingEngine) -> usize {
    engine.count(|call| matches!(call, Call::Fold { .. }))
}

async fn ask(world: &World, name: &str, at_least: Seq) -> SummarizeReply {
    world.bus.ask(SummarizeAsk { key: key(name), at_least }, Duration::from_mins(10)).await.unwrap()
}

fn triggers(world: &World, name: &str) -> Vec<Trigger> {
    world.views.versions(&key(name)).iter().map(|version| version.trigger).collect()
}

#[tokio::test(start_paused = true)]
async fn count_silence_and_end_each_make_a_version_in_their_time() {
    let mut world = World::new(usual());
    world.start_counting();
    let begun = world.ports.clock.now();
    let head = world.post(&key("a"), 20).await;
    world.covered(&key("a"), head).await;
    let first = world.views.versions(&key("a"))[0].generated_at;
    assert!(first.since(begun) < Duration::from_secs(1), "20 messages need no silence");
    let head = world.post(&key("a"), 1).await;
    world.covered(&key("a"), head).await;
    let second = world.views.versions(&key("a"))[1].generated_at;
    assert!(second.since(first) >= Duration::from_secs(30), "unasked versions keep their distance");
    let posted = world.ports.clock.now();
    world.post(&key("a"), 1).await;
    let last = world.end(&key("a")).await;
    world.covered(&key("a"), Seq(last.0 - 1)).await;
    let third = world.views.versions(&key("a"))[2].generated_at;
    assert!(third.since(posted) < Duration::from_secs(1), "the last one does not wait");
    assert_eq!(triggers(&world, "a"), [Trigger::Count, Trigger::Silence, Trigger::End]);
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_the_end_after_the_last_summary_and_when_all_was_covered_before() {
    let mut world = World::new(usual());
    world.start_counting();
    world.post(&key("a"), 3).await;
    world.end(&key("a")).await;
    let ended = Announcement::Ended { key: key("a") };
    until("the end", || world.heard(&ended) > 0).await;
    let told = world.bus.heard();
    let place = |what: &Announcement| told.iter().position(|told| told == what).unwrap();
    assert!(place(&Announcement::Summarized { key: key("a"), version: Version(1) }) < place(&ended));

    let head = world.post(&key("b"), 3).await;
    assert_eq!(ask(&world, "b", head).await, SummarizeReply::Stored { version: Version(1) });
    world.end(&key("b")).await;
    until("the end", || world.heard(&Announcement::Ended { key: key("b") }) > 0).await;
    assert_eq!(triggers(&world, "b"), [Trigger::Demand]);
}

#[tokio::test(start_paused = true)]
async fn equal_asks_share_one_run_and_project_first() {
    let mut world = World::new(quiet());
    world.config.reconcile_interval = Duration::from_hours(1);
    let engine = world.start_counting();
    until("the start", || !world.views.state.lock().checkpoints.is_empty() || world.bus.settled()).await;
    let texts: Vec<String> = (0..5).map(|n| format!("Text {n}")).collect();
    let head = world.append(&key("a"), &texts).await;
    let asks = (0..100).map(|_| ask(&world, "a", head));
    let replies = futures_util::future::join_all(asks).await;
    assert!(replies.iter().all(|reply| *reply == SummarizeReply::Stored { version: Version(1) }));
    assert_eq!(folds(&engine), 1);
    assert_eq!(ask(&world, "a", head).await, SummarizeReply::Stored { version: Version(1) });
    assert_eq!(folds(&engine), 1, "the stored one will do");
    assert_eq!(ask(&world, "nobody", Seq(1)).await, SummarizeReply::Gone);
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn what_is_erased_before_a_summary_knew_of_it_is_covered_all_the_same() {
    let mut world = World::new(usual());
    world.start(Arc::new(CountingEngine::default()));
    world.post(&key("a"), 20).await;
    until("a summary", || world.views.versions(&key("a")).len() == 1).await;
    let last = world.post(&key("a"), 1).await;
    world.erase_message(&key("a"), last.0 - 1).await;
    let head = last.next();
    assert!(world.log.all(&key("a"))[20].posted().is_none(), "it was the last one");
    until("all covered", || world.views.versions(&key("a")).last().is_some_and(|v| v.covers.last_seq == head)).await;
    let versions = world.views.versions(&key("a"));
    assert_eq!(versions.last().map(|version| version.covers.messages), Some(20));
}

#[tokio::test(start_paused = true)]
async fn asks_do_not_wait_for_the_distance_and_those_who_want_more_get_more() {
    let mut world = World::new(usual());
    let engine = Arc::new(CountingEngine { takes: Duration::from_secs(2), ..CountingEngine::default() });
    world.start(engine.clone());
    let begun = world.ports.clock.now();
    let first = world.post(&key("a"), 4).await;
    let early = ask(&world, "a", first);
    let late = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let second = world.post(&key("a"), 4).await;
        ask(&world, "a", second).await
    };
    let (early, late) = tokio::join!(early, late);
    assert_eq!(early, SummarizeReply::Stored { version: Version(1) });
    assert_eq!(late, SummarizeReply::Stored { version: Version(2) });
    assert!(world.ports.clock.now().since(begun) < Duration::from_secs(6));
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn growth_reads_a_bounded_part_and_pays_for_nothing_twice() {
    let mut world = World::new(quiet());
    let engine = CountingEngine::paid();
    world.start(engine.clone());
    let head = world.post(&key("a"), 5_000).await;
    ask(&world, "a", head).await;
    let segments = engine.count(|call| matches!(call, Call::Gist(_)));
    assert_eq!(
        (segments, engine.count(|call| *call == Call::Merge(32))),
        (124, 3),
        "the last full segment is closed by the message after it"
    );
    for round in 0..40 {
        if round % 10 == 5 {
            world.stop().await;
            world.start(engine.clone());
        }
        let head = world.post(&key("a"), 20).await;
        world.projected(&key("a"), head).await;
        let read = world.log.records_read();
        ask(&world, "a", head).await;
        // The open segment, and one record to see that the conversation is still there.
        assert!(world.log.records_read() - read <= 40 + 20 + 1);
    }
    assert_covered(&world);
    let calls = engine.calls.lock().clone();
    let mut gists: Vec<&Call> = calls.iter().filter(|call| matches!(call, Call::Gist(_))).collect();
    assert_eq!(gists.len(), 5_800 / 40 - 1);
    gists.dedup();
    assert_eq!(gists.len(), 5_800 / 40 - 1, "no segment twice");
    let wide = |call: &&Call| matches!(call, Call::Fold { gists, tail } if *gists > 32 || *tail > 40);
    assert_eq!(calls.iter().filter(wide).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn segments_do_not_depend_on_when_they_are_read() {
    let mut gists = Vec::new();
    for steps in [vec![700], vec![1, 39, 40, 41, 79, 500], vec![13; 54]] {
        let mut world = World::new(quiet());
        let engine = CountingEngine::paid();
        world.start(engine.clone());
        let mut last = Seq::ZERO;
        for step in steps {
            last = world.post(&key("a"), step).await;
            ask(&world, "a", last).await;
        }
        assert!(last.0 >= 700);
        assert_covered(&world);
        let calls = engine.calls.lock().clone();
        gists.push(calls.into_iter().filter(|call| matches!(call, Call::Gist(_))).take(17).collect::<Vec<_>>());
    }
    assert_eq!(gists[0].len(), 17);
    assert!(gists.iter().all(|other| *other == gists[0]));
}

#[tokio::test(start_paused = true)]
async fn a_very_long_conversation_folds_from_few_gists() {
    let mut world = World::new(quiet());
    let engine = world.start_counting();
    // 2,000 segments: 1 gist of level 2, 30 of level 1, 16 of level 0.
    let head = world.post(&key("a"), 80_000 - 32 * 40 + 16 * 40).await;
    ask(&world, "a", head).await;
    assert!(engine.count(|call| matches!(call, Call::Fold { gists, .. } if *gists > 16 && *gists <= 32)) == 1);
    assert_covered(&world);
    let gists = world.views.state.lock().gists.len();
    assert!(gists < 100, "what costs nothing is kept only while it is needed, not {gists}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_or_foreign_cut_costs_a_reading_and_nothing_else() {
    let mut world = World::new(quiet());
    let engine = CountingEngine::paid();
    world.start(engine.clone());
    let head = world.post(&key("a"), 500).await;
    ask(&world, "a", head).await;
    let made = engine.count(|call| matches!(call, Call::Gist(_)));
    {
        let mut state = world.views.state.lock();
        for gist in state.gists.values_mut() {
            // A cut that says that its chain is another one.
            if gist.0.contains("levels") {
                let mut cut: serde_json::Value = serde_json::from_str(&gist.0).unwrap();
                cut["chain"] = serde_json::to_value(Digest::of(b"another life")).unwrap();
                gist.0 = cut.to_string().into();
            }
        }
    }
    let head = world.post(&key("a"), 10).await;
    ask(&world, "a", head).await;
    world.views.state.lock().gists.retain(|_, gist| !gist.0.contains("levels"));
    let head = world.post(&key("a"), 20).await;
    ask(&world, "a", head).await;
    assert_eq!(world.views.versions(&key("a")).len(), 3);
    assert_eq!(engine.count(|call| matches!(call, Call::Gist(_))), made + 1, "530 messages: one segment more");
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn lost_gists_are_made_again() {
    let mut world = World::new(quiet());
    let engine = CountingEngine::paid();
    world.start(engine.clone());
    let head = world.post(&key("a"), 100).await;
    ask(&world, "a", head).await;
    // What was in memory goes too.
    world.stop().await;
    world.views.state.lock().gists.retain(|_, gist| gist.0.contains("levels"));
    world.start(engine.clone());
    let head = world.post(&key("a"), 10).await;
    assert!(matches!(ask(&world, "a", head).await, SummarizeReply::Stored { .. }));
    assert_eq!(engine.count(|call| matches!(call, Call::Gist(_))), 4);
    assert_views_soon(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_away_is_asked_again_until_everything_is_covered() {
    let mut world = World::new(usual());
    let engine = world.start_counting();
    engine.faults.next(6);
    let head = world.post(&key("a"), 20).await;
    assert_eq!(ask(&world, "a", head).await, SummarizeReply::Failed);
    world.covered(&key("a"), head).await;
    assert_eq!(engine.faults.left(), 0);
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_cut_smaller_and_nothing_is_left_out() {
    let mut world = World::new(quiet());
    let engine = Arc::new(CountingEngine { most: 2_000, ..CountingEngine::default() });
    world.start(engine.clone());
    let mut texts: Vec<String> = (0..50).map(|n| format!("{n} {}", "word ".repeat(60))).collect();
    texts[20] = "é".repeat(9_000);
    let head = world.append(&key("a"), &texts).await;
    assert_eq!(ask(&world, "a", head).await, SummarizeReply::Stored { version: Version(1) });
    let version = &world.views.versions(&key("a"))[0];
    let mut seqs: Vec<u64> = serde_json::from_str(&version.content.brief).unwrap();
    seqs.dedup();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_stored_that_the_view_does_not_prove() {
    let mut world = World::new(usual());
    world.start_counting();
    let head = world.post(&key("a"), 5).await;
    world.projected(&key("a"), head).await;
    world.views.state.lock().views.get_mut(&key("a")).unwrap().message_digest = Digest::of(b"wrong");
    until("the failure", || !world.views.state.lock().letters.is_empty()).await;
    assert_eq!(world.views.state.lock().letters[&key("a")].hop, "summarize");
    assert!(world.views.versions(&key("a")).is_empty());
    let report = rebuild(&world.ports).await.unwrap();
    assert_eq!((report.faulty, report.repaired), (1, 1));
    world.covered(&key("a"), head).await;
    assert_views(&world);
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_what_was_not_summarized() {
    let mut world = World::new(quiet());
    world.start_counting();
    let heads: Vec<Seq> = [world.post(&key("a"), 25).await, world.post(&key("b"), 2).await].into();
    world.projected(&key("b"), heads[1]).await;
    world.stop().await;
    world.config = usual();
    // More than the schedule holds: the sweep comes again.
    world.config.summary_schedule = 1;
    world.start_counting();
    world.covered(&key("a"), heads[0]).await;
    world.covered(&key("b"), heads[1]).await;
    assert_covered(&world);
}

#[tokio::test(start_paused = true)]
async fn one_of_two_workers_summarizes_and_both_answer() {
    let mut world = World::new(usual());
    let engine = Arc::new(CountingEngine { takes: Duration::from_secs(100), ..CountingEngine::default() });
    world.start(engine.clone());
    world.start(engine.clone());
    let head = world.post(&key("a"), 20).await;
    world.covered(&key("a"), head).await;
    // Longer than a lease: it was prolonged.
    assert_eq!(folds(&engine), 1);
    assert_eq!(ask(&world, "a", head).await, SummarizeReply::Stored { version: Version(1) });
}

#[tokio::test(start_paused = true)]
async fn a_summary_of_an_erased_conversation_does_not_come_back() {
    let mut world = World::new(usual());
    let engine = Arc::new(CountingEngine { takes: Duration::from_secs(20), ..CountingEngine::default() });
    world.start(engine.clone());
    world.post(&key("a"), 100).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.log.erase(&key("a")).await.unwrap();
    until("the fold", || folds(&engine) == 1).await;
    until("nothing left", || {
        let state = world.views.state.lock();
        state.summaries.is_empty() && state.gists.is_empty() && state.views.is_empty()
    })
    .await;
    let stored = |heard: &&Announcement| matches!(heard, Announcement::Summarized { .. });
    assert_eq!(world.bus.heard().iter().filter(stored).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_conversation_ends_and_a_talking_one_does_not() {
    let mut world = World::new(usual());
    world.config.policy.conversation_idle_end = Duration::from_mins(1);
    world.start_counting();
    let begun = world.ports.clock.now();
    world.post(&key("silent"), 3).await;
    until("the end", || {
        world.heard(&Announcement::Ended { key: key("silent") }) > 0 && world.log.all(&key("silent")).len() == 4
    })
    .await;
    assert!(world.ports.clock.now().since(begun) < Duration::from_secs(70));
    for _ in 0..8 {
        world.post(&key("talking"), 1).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert_eq!(world.log.all(&key("talking")).len(), 8);
    assert_eq!(world.log.all(&key("silent")).len(), 4, "it ends once");
    // Silence again after it was opened again.
    world.post(&key("silent"), 1).await;
    until("the second end", || world.log.all(&key("silent")).len() == 6).await;
    assert_views_soon(&world).await;
}

async fn assert_views_soon(world: &World) {
    for key in world.log.keys() {
        world.projected(&key, Seq(world.log.all(&key).len() as u64)).await;
    }
    assert_views(world);
}

#[tokio::test(start_paused = true)]
async fn the_local_engine_covers_a_long_conversation() {
    let mut world = World::new(quiet());
    world.start(Arc::new(LocalSummarizer));
    let mut last = Seq::ZERO;
    for _ in 0..3 {
        last = world.post(&key("a"), 1_500).await;
        assert!(matches!(ask(&world, "a", last).await, SummarizeReply::Stored { .. }));
    }
    let version = world.views.versions(&key("a")).pop().unwrap();
    assert_eq!((version.engine.as_str(), version.covers.messages, version.covers.last_seq), ("local", 4_500, last));
    assert_eq!(version.prompt_version, "2");
    assert!(!version.content.brief.is_empty());
}
