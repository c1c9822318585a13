//! What summaries of transcripts cost with a model: tokens sent against the text once, at once and growing.
//!
//! `cargo run -p summarizer-worker --example model_cost -- FILE LINE [LINE…]`, with a file of one JSON object
//! `{"messages":[{"user_id","content"}]}` a line. The model is the one of tests; tokens are counted as a real one would.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not the product")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::config::SummaryPolicy;
use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, UserId};
use shared::ports::{Append, Condition, Draft, Entry, Notice, Ports, SummarizeAsk};
use shared_adapters::{StoreConfig, open};
use shared_service::Tasks;
use shared_testkit::model::DirectModel;
use shared_testkit::transcript;
use summarizer_worker::{Engines, ModelConfig, ModelSummarizer, WorkerConfig, build};

type Lines = Vec<(String, String)>;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap();
    println!("| transcript | messages | text once | how | versions | calls | sent | written | sent / once | took |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for line in arguments {
        let lines = transcript::from_file(Path::new(&file), line.parse().unwrap()).unwrap();
        for step in [lines.len(), 200, 20] {
            row(&line, &lines, step).await;
        }
    }
}

async fn row(name: &str, lines: &Lines, step: usize) {
    let folder = tempfile::tempdir().unwrap();
    let ports = open(&StoreConfig::embedded(folder.path())).await.unwrap();
    let model = Arc::new(DirectModel::new(false));
    let config = ModelConfig::default();
    let engines = Engines::model(ModelSummarizer::new(model.clone(), &ports, &config).unwrap(), &config);
    let tasks = Tasks::new();
    let policy = SummaryPolicy {
        summary_every: u64::MAX,
        summary_idle: Duration::from_hours(9),
        summary_min_interval: Duration::ZERO,
        ..SummaryPolicy::default()
    };
    build(&ports, engines, &WorkerConfig { policy, ..WorkerConfig::default() }, &tasks);
    let key = ConversationKey::new(TenantId::public(), ConversationId::parse("c").unwrap());
    let begun = Instant::now();
    for chunk in lines.chunks(step) {
        let at_least = append(&ports, &key, chunk).await;
        ports.bus.ask(SummarizeAsk { key: key.clone(), at_least }, Duration::from_mins(5)).await.unwrap();
    }
    let took = begun.elapsed();
    let (versions, _) = ports.views.summaries(&key, 0, 100_000).await.unwrap();
    assert!(versions.iter().all(|version| !version.degraded));
    let once: u64 = lines.iter().map(|(user, text)| model.tokens(&format!("{user}: {text}\n"))).sum();
    let billed = model.billed();
    let how = if step >= lines.len() { "at once".to_owned() } else { format!("by {step}") };
    println!(
        "| {name} | {} | {once} | {how} | {} | {} | {} | {} | {:.2} | {:.1} s |",
        lines.len(),
        versions.len(),
        model.answered(),
        billed.tokens_in,
        billed.tokens_out,
        billed.tokens_in as f64 / once as f64,
        took.as_secs_f64(),
    );
    tasks.shutdown(Duration::from_secs(10)).await.unwrap();
}

async fn append(ports: &Ports, key: &ConversationKey, lines: &[(String, String)]) -> Seq {
    let entry = |(user, text): &(String, String)| {
        Entry::Posted(Draft {
            user: UserId::parse(user.as_str()).unwrap(),
            message_id: None,
            content: text.as_str().into(),
            timestamp: None,
            metadata: None,
            salt: [7; 16],
        })
    };
    let batch = Append {
        key: key.clone(),
        entries: lines.iter().map(entry).collect(),
        idempotency: None,
        received_at: ports.clock.now(),
        condition: Condition::Always,
    };
    let head = ports.log.append(vec![batch]).await.pop().unwrap().unwrap().head;
    ports.bus.notify(Notice { key: key.clone(), seq: head });
    head
}
