//! How fast the worker catches up, and how long a post takes to be projected while it is idle.
//!
//! `cargo run -p summarizer-worker --release --example catch_up -- [messages] [conversations]`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not the product")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::config::SummaryPolicy;
use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, UserId};
use shared::ports::{Announcement, Append, Condition, Draft, Entry, Notice, Ports};
use shared_adapters::{StoreConfig, open};
use shared_service::Tasks;
use summarizer_worker::{LocalSummarizer, WorkerConfig, build, check};

const LINES: [&str; 4] = [
    "Good morning everyone, can the release move to Friday?",
    "Yes, if the payment tests are green by Thursday evening. I'll look at them.",
    "We decided to drop the old export format with this release, right?",
    "Thanks, that sounds great! I will write the release notes on Wednesday.",
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let messages: usize = numbers.next().unwrap_or(400_000);
    let conversations: usize = numbers.next().unwrap_or(1_000);
    let folder = tempfile::tempdir().unwrap();
    let ports = open(&StoreConfig::embedded(folder.path())).await.unwrap();
    fill(&ports, messages, conversations).await;

    let tasks = Tasks::new();
    let hour = Duration::from_hours(1);
    let policy = SummaryPolicy { summary_every: u64::MAX, summary_idle: hour, ..SummaryPolicy::default() };
    let config = WorkerConfig { policy, ..WorkerConfig::default() };
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    build(&ports, Arc::new(LocalSummarizer), &config, &tasks);
    let per = messages / conversations;
    for n in 0..conversations {
        while !reached(&ports, &key(n), per as u64).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let (took, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("catch-up of {messages} messages in {conversations} conversations: {took:.2} s, {cpu:.2} s of CPU");
    println!("  {:.0} messages/s, {:.0} messages/s of one core", messages as f64 / took, messages as f64 / cpu);
    latency(&ports).await;
    tasks.shutdown(Duration::from_secs(10)).await.unwrap();
    let begun = Instant::now();
    println!("check: {} in {:?}", check(&ports).await.unwrap(), begun.elapsed());
}

async fn latency(ports: &Ports) {
    let mut told = ports.bus.announcements().await.unwrap();
    let mut took = Vec::new();
    for n in 0..500usize {
        let key = key(n % 7);
        let head = append(ports, &key, 1).await;
        let begun = Instant::now();
        ports.bus.notify(Notice { key: key.clone(), seq: head });
        let wanted = Announcement::Projected { key, seq: head };
        while told.recv().await.unwrap() != wanted {}
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    println!("notice → projected, idle: p50 {:?}, p99 {:?}", took[took.len() / 2], took[took.len() * 99 / 100]);
}

async fn reached(ports: &Ports, key: &ConversationKey, seq: u64) -> bool {
    let rows = ports.views.conversations(std::slice::from_ref(key)).await.unwrap();
    rows[0].as_ref().is_some_and(|row| row.view.applied_seq >= Seq(seq))
}

async fn fill(ports: &Ports, messages: usize, conversations: usize) {
    let per = messages / conversations;
    let begun = Instant::now();
    // As they would come: each conversation a little at a time.
    let step = per.clamp(1, 100);
    for _ in 0..per / step {
        for chunk in (0..conversations).collect::<Vec<_>>().chunks(100) {
            let batches = chunk.iter().map(|n| batch(ports, &key(*n), step)).collect();
            for outcome in ports.log.append(batches).await {
                outcome.unwrap();
            }
        }
    }
    println!("filled in {:?}", begun.elapsed());
}

async fn append(ports: &Ports, key: &ConversationKey, count: usize) -> Seq {
    ports.log.append(vec![batch(ports, key, count)]).await.pop().unwrap().unwrap().head
}

fn batch(ports: &Ports, key: &ConversationKey, count: usize) -> Append {
    let entry = |n: usize| {
        Entry::Posted(Draft {
            user: UserId::parse(["anna", "ben", "carla", "dmitri"][n % 4]).unwrap(),
            message_id: None,
            content: LINES[n % 4].into(),
            timestamp: None,
            metadata: None,
            salt: [7; 16],
        })
    };
    Append {
        key: key.clone(),
        entries: (0..count).map(entry).collect(),
        idempotency: None,
        received_at: ports.clock.now(),
        condition: Condition::Always,
    }
}

fn key(n: usize) -> ConversationKey {
    ConversationKey::new(TenantId::public(), ConversationId::parse(format!("c{n}")).unwrap())
}

/// CPU time of this process so far, from `/proc/self/stat`; 0 where there is none.
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}
