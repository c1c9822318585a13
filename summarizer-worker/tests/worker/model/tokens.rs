//! What a summary costs: tokens sent against the text once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use shared::config::SummaryPolicy;
use shared::domain::Seq;
use shared_testkit::model::DirectModel;
use shared_testkit::transcript;
use summarizer_worker::{ModelConfig, WorkerConfig};

use super::{ask, assert_proved, direct};
use crate::world::{World, key, quiet};

const WORDS: [&str; 48] = [
    "release",
    "payment",
    "customer",
    "server",
    "meeting",
    "budget",
    "report",
    "design",
    "contract",
    "invoice",
    "delay",
    "staging",
    "feature",
    "ticket",
    "database",
    "migration",
    "holiday",
    "office",
    "supplier",
    "warehouse",
    "shipment",
    "and",
    "the",
    "with",
    "because",
    "after",
    "before",
    "please",
    "maybe",
    "could",
    "should",
    "we",
    "they",
    "need",
    "send",
    "check",
    "before",
    "until",
    "about",
    "again",
    "tomorrow",
    "early",
    "quite",
    "nobody",
    "knows",
    "whether",
    "into",
    "today",
];

/// Messages of so many words on average.
fn texts(count: usize, words: usize, seed: u64) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let text = |_| {
        let length = random.random_range(words / 2..=words + words / 2);
        let mut text: Vec<&str> = (0..length).map(|_| WORDS[random.random_range(0..WORDS.len())]).collect();
        text.push("done.");
        text.join(" ")
    };
    (0..count).map(text).collect()
}

/// The tokens of the text as a plain transcript, `speaker: text`, a line each.
fn once(world: &World, model: &DirectModel, name: &str) -> u64 {
    let records = world.log.all(&key(name));
    let posted = records.iter().filter_map(|record| record.posted());
    posted.map(|posted| model.tokens(&format!("{}: {}\n", posted.user.as_str(), posted.content))).sum()
}

/// Tokens sent for a conversation that comes in steps, in hundredths of its text once.
async fn ratio(count: usize, step: usize, words: usize) -> u64 {
    let mut world = World::new(quiet());
    let model = direct(&mut world, &ModelConfig::default());
    for (at, texts) in texts(count, words, 7).chunks(step).enumerate() {
        let head = world.append(&key("a"), texts).await;
        world.notify(&key("a"), head);
        ask(&world, "a", head).await;
        assert_eq!(world.views.versions(&key("a")).len(), at + 1);
    }
    assert_proved(&world);
    assert!(world.views.versions(&key("a")).iter().all(|version| !version.degraded));
    let limit = u64::from(ModelConfig::default().llm_context_tokens);
    for question in model.calls() {
        let tokens = model.tokens(&question.role) + model.tokens(&question.text) + model.tokens(&question.schema);
        assert!(tokens < limit, "a call of {tokens} tokens");
    }
    let sent: u64 = world.views.versions(&key("a")).iter().map(|version| version.usage.tokens_in).sum();
    assert_eq!(sent, model.billed().tokens_in, "versions say what was paid");
    let once = once(&world, &model, "a");
    let ratio = sent * 100 / once;
    println!("{count} messages of {words} words in steps of {step}: {sent} tokens sent, {once} once, {ratio} %");
    ratio
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_sent_little_more_than_once() {
    for count in [100, 1_000, 10_000] {
        assert!(ratio(count, count, 30).await <= 160);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_messages_fit_a_window_of_eight_thousand_tokens() {
    assert!(ratio(100_000, 100_000, 20).await <= 160);
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_grows_is_sent_little_more_than_once() {
    for (messages, words) in [(2_000, 45), (1_000, 25)] {
        assert!(ratio(messages, 20, words).await <= 160);
    }
}

#[tokio::test(start_paused = true)]
async fn short_messages_cost_a_bounded_share_more_where_somebody_asks_for_each_short_step() {
    // Here the orders of each call weigh more than the 20 messages that it is about.
    let ratio = ratio(1_000, 20, 15).await;
    assert!(ratio <= 195, "{ratio}");
}

/// Messages come in such steps, so far apart on average, until the chat ends; nobody asks for a summary. What that
/// sends, in hundredths of the text once, and the versions made.
async fn unasked(name: &str, texts: &[String], step: usize, gap: Duration, config: ModelConfig) -> (u64, usize) {
    let policy = SummaryPolicy { conversation_idle_end: Duration::ZERO, ..SummaryPolicy::default() };
    // Nothing is lost here, and looking for it takes long in hours of simulated time.
    let reconcile_interval = Duration::from_hours(1);
    let mut world = World::new(WorkerConfig { policy, reconcile_interval, ..WorkerConfig::default() });
    let model = direct(&mut world, &config);
    let mut random = StdRng::seed_from_u64(3);
    for texts in texts.chunks(step) {
        let head = world.append(&key("a"), texts).await;
        world.notify(&key("a"), head);
        let share: f64 = if step > 1 { 1.0 } else { -(1.0 - random.random::<f64>()).ln() };
        tokio::time::sleep(gap.mul_f64(share)).await;
    }
    let end = world.end(&key("a")).await;
    world.covered(&key("a"), Seq(end.0 - 1)).await;
    assert_proved(&world);
    let versions = world.views.versions(&key("a"));
    assert!(versions.iter().all(|version| !version.degraded));
    let sent: u64 = versions.iter().map(|version| version.usage.tokens_in).sum();
    let (once, messages, calls) = (once(&world, &model, "a"), texts.len(), model.answered());
    let (ratio, made) = (sent * 100 / once, versions.len());
    println!(
        "{messages} {name} by {step} each {gap:?}: {made} versions, {calls} calls, {once} once, {sent}, {ratio} %"
    );
    (ratio, made)
}

#[tokio::test(start_paused = true)]
async fn a_chat_of_short_messages_that_goes_on_is_sent_little_more_than_once() {
    let texts = texts(1_000, 15, 7);
    for (step, gap) in [(1, 5), (20, 50)] {
        let gap = Duration::from_secs(gap);
        let (ratio, _) = unasked("messages of 15 words", &texts, step, gap, ModelConfig::default()).await;
        assert!(ratio <= 160, "{ratio}");
    }
}

#[tokio::test(start_paused = true)]
async fn real_speech_that_goes_on_is_sent_little_more_than_once() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Some(folder) = transcript::evaluation(&repository) else { return };
    for line in [7, 18] {
        let lines = transcript::from_file(&folder.join("ami.jsonl"), line).unwrap();
        let texts: Vec<String> = lines.into_iter().map(|(_, text)| text).collect();
        for (step, gap) in [(1, 2_500), (20, 50_000)] {
            let gap = Duration::from_millis(gap);
            let name = format!("turns of transcript {line}");
            let (ratio, _) = unasked(&name, &texts, step, gap, ModelConfig::default()).await;
            assert!(ratio <= 160, "{ratio}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_chat_costs_less_where_few_new_words_wait() {
    let texts = texts(300, 15, 7);
    for (gap, bound) in [(10, 180), (30, 460), (60, 790)] {
        let gap = Duration::from_secs(gap);
        let (ratio, versions) = unasked("messages of 15 words", &texts, 1, gap, ModelConfig::default()).await;
        let at_once = ModelConfig { llm_min_new_tokens: 0, ..ModelConfig::default() };
        let (before, versions_before) = unasked("that do not wait", &texts, 1, gap, at_once).await;
        assert!(ratio <= bound && ratio < before && versions < versions_before, "{ratio} {before}");
    }
}

#[test]
fn the_same_text_is_counted_alike_by_both_sides() {
    let model = Arc::new(DirectModel::new(false));
    assert_eq!(model.tokens("Hello, world!"), 4);
}
