//! What reading and checking a body of `POST /chats` costs.

use criterion::{Criterion, Throughput};
use ingest_api::request::PostChatsRequest;
use shared::config::MessageLimits;
use shared::ports::IdSource;

struct Zeros;

impl IdSource for Zeros {
    fn random(&self) -> [u8; 16] {
        [0; 16]
    }
}

fn body(messages: usize, extra: &str) -> String {
    let text = "Could you send me the numbers for the release before Friday? I would like to check them once more.";
    let list: Vec<String> = (0..messages)
        .map(|i| format!(r#"{{"content":"{i} {text}","timestamp":"2023-01-01T09:00:00Z"{extra}}}"#))
        .collect();
    format!(r#"{{"conversation_id":"meeting_123","user_id":"john_doe","messages":[{}]}}"#, list.join(","))
}

fn parse(criterion: &mut Criterion) {
    let limits = MessageLimits::default();
    let mut group = criterion.benchmark_group("parse");
    for (name, messages, extra) in [
        ("1 message", 1, ""),
        ("100 messages", 100, ""),
        ("100 messages with metadata", 100, r#","metadata":{"client":"web","tags":["a","b"],"reply_to":7}"#),
    ] {
        let body = body(messages, extra);
        group.throughput(Throughput::Elements(messages as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| PostChatsRequest::parse(std::hint::black_box(body.as_bytes()), &limits, &Zeros));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parse(&mut criterion);
    criterion.final_summary();
}
