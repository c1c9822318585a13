//! Cost of a message, of 100 messages and of 10,000: linear.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use shared_insights::{Gist, LiveInsights, Message, fold, gist, merge, message_sentiment};

const SEGMENT: usize = 40;

/// Synthetic work chat, about 15 words a message.
fn texts(count: usize) -> Vec<String> {
    let openings = [
        "I'll send the",
        "Can you check the",
        "We decided to move the",
        "I think we should discuss the",
        "The customer asked about the",
        "Sorry, I broke the",
    ];
    let things = [
        "release notes",
        "billing report",
        "login page",
        "search index",
        "onboarding guide",
        "backup schedule",
        "mobile design",
    ];
    let endings = [
        "by Friday, is that fine?",
        "because the tests were failing again.",
        "before the meeting tomorrow.",
        "and tell Ben what is still missing.",
        "so that nobody has to wait for it!",
    ];
    (0..count)
        .map(|at| format!("{} {} number {} {}", openings[at % 6], things[at % 7], at % 97, endings[at % 5]))
        .collect()
}

fn messages(texts: &[String]) -> Vec<Message<'_>> {
    let authors = ["Anna", "Ben", "Carla"];
    texts
        .iter()
        .zip(authors.iter().cycle())
        .zip(1..)
        .map(|((text, author), seq)| Message { seq, author, text, at_ms: 1_772_625_600_000 })
        .collect()
}

/// As the worker does it: gists of segments, merged by 32, and the open tail.
fn summarize(messages: &[Message<'_>]) -> usize {
    let mut gists: Vec<Gist> = Vec::new();
    let whole = messages.len() / SEGMENT * SEGMENT;
    for segment in messages[..whole].chunks(SEGMENT) {
        gists.push(gist(segment));
        if gists.len() == 32 {
            gists = vec![merge(&gists)];
        }
    }
    fold(&gists, &messages[whole..]).brief.len()
}

fn costs(criterion: &mut Criterion) {
    let texts = texts(10_000);
    let messages = messages(&texts);
    let mut group = criterion.benchmark_group("message");
    let ten = "I'll send the billing report to Ben before Friday evening";
    group.throughput(Throughput::Elements(1));
    group.bench_function("sentiment", |bench| bench.iter(|| message_sentiment(black_box(ten))));
    let mut live = LiveInsights::default();
    let mut next = 0;
    group.bench_function("live", |bench| {
        bench.iter(|| {
            live.add(black_box(&messages[next % messages.len()]));
            next += 1;
        });
    });
    group.finish();
    let mut group = criterion.benchmark_group("summary");
    group.sample_size(20);
    for count in [20, 100, 1_000, 10_000] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} messages"), |bench| {
            bench.iter(|| summarize(black_box(&messages[..count])));
        });
    }
    group.bench_function("100 messages without gists", |bench| bench.iter(|| fold(&[], black_box(&messages[..100]))));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    costs(&mut criterion);
    criterion.final_summary();
}
