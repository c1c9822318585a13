//! What a summary costs: tokens sent against the text once.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use shared_testkit::model::DirectModel;
use summarizer_worker::ModelConfig;

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
async fn short_messages_in_short_steps_cost_a_bounded_share_more() {
    // Here the orders of each call weigh more than the 20 messages that it is about.
    let ratio = ratio(1_000, 20, 15).await;
    assert!(ratio <= 180, "{ratio}");
}

#[test]
fn the_same_text_is_counted_alike_by_both_sides() {
    let model = Arc::new(DirectModel::new(false));
    assert_eq!(model.tokens("Hello, world!"), 4);
}
