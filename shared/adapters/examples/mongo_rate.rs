//! What the log over MongoDB's protocol appends, beside what the bare driver inserts of the same documents with the
//! same write concern, group size and connections: `cargo run --release --features mongodb --example mongo_rate`.
//!
//! Prints ratios: the rates themselves say more of the server. `MONGO_RATE_URL` names a server, else one is started
//! (`$MONGOD_BIN`, or the substitute, on which only the ratios mean something); `MONGO_RATE_SECONDS` is the length of
//! each round. Both sides take turns, and medians are compared.

#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, RawDocumentBuf, rawdoc};
use mongodb::options::{Acknowledgment, ClientOptions, InsertManyOptions, WriteConcern};
use shared::domain::{ConversationId, ConversationKey, TenantId, Timestamp, UserId};
use shared::ports::{Append, Condition, Draft, Entry, MessageLog};
use shared_adapters::{MongoConfig, MongoStore, SystemIds};
use shared_testkit::process::MongoServer;

const TEXT: &str = "Could we move the release to Friday? The import still drops two of the attachments, I think.";
const ROUNDS: usize = 5;

/// Commits beside each other, batches in each, messages in a batch.
#[derive(Clone, Copy)]
struct Line {
    lanes: u64,
    batches: u64,
    messages: u64,
}

const LINES: [(Line, f64); 2] =
    [(Line { lanes: 4, batches: 10, messages: 100 }, 0.8), (Line { lanes: 2, batches: 32, messages: 1 }, 0.6)];

fn binary(bytes: Vec<u8>) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes }
}

/// A document as the log stores it.
fn document(lane: u64, conversation: u64, seq: u64, group: u64) -> RawDocumentBuf {
    let id = [lane.to_be_bytes(), conversation.to_be_bytes(), seq.to_be_bytes()].concat();
    let mut document = rawdoc! { "_id": binary(id), "n": 1_700_000_000_000_i64, "g": 0x5EED_5EED_5EED_i64 };
    if group > 1 {
        document.append(mongodb::bson::cstr!("f"), seq.cast_signed() % group.cast_signed());
        document.append(mongodb::bson::cstr!("c"), group.cast_signed());
    }
    document.append(mongodb::bson::cstr!("s"), binary(vec![7; 16]));
    document.append(mongodb::bson::cstr!("u"), "user-17");
    document.append(mongodb::bson::cstr!("x"), TEXT);
    document
}

fn batch(lane: u64, conversation: u64, messages: u64) -> Append {
    let name = ConversationId::parse(format!("conversation-{lane}-{conversation:06}")).expect("a valid id");
    let draft = || Draft {
        user: UserId::parse("user-17").expect("a valid id"),
        message_id: None,
        content: TEXT.into(),
        timestamp: None,
        metadata: None,
        salt: [7; 16],
    };
    Append {
        key: ConversationKey::new(TenantId::public(), name),
        entries: (0..messages).map(|_| Entry::Posted(draft())).collect(),
        idempotency: None,
        received_at: Timestamp::from_millis(1_700_000_000_000),
        condition: Condition::Always,
    }
}

/// Messages a second, `lanes` at once for a while.
async fn rate<F: Future<Output = u64> + Send + 'static>(
    lanes: u64,
    length: Duration,
    commit: impl Fn(u64, u64) -> F + Clone + Send + Sync + 'static,
) -> f64 {
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..lanes {
        let (done, commit) = (Arc::clone(&done), commit.clone());
        tasks.spawn(async move {
            let mut round = 0;
            while started.elapsed() < length {
                done.fetch_add(commit(lane, round).await, Ordering::Relaxed);
                round += 1;
            }
        });
    }
    tasks.join_all().await;
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

async fn bare(url: &str, line: Line, round: usize, length: Duration) -> f64 {
    let options = ClientOptions::parse(url).await.expect("a URL");
    let client = mongodb::Client::with_options(options).expect("a client");
    let database = client.database(&format!("bare_{round}_{}", line.messages));
    let collection = database.collection::<RawDocumentBuf>("messages");
    let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let insert = InsertManyOptions::builder().ordered(false).write_concern(concern).build();
    rate(line.lanes, length, move |lane, round| {
        let (collection, insert) = (collection.clone(), insert.clone());
        async move {
            let mut documents = Vec::new();
            for conversation in 0..line.batches {
                let seqs = round * line.messages..(round + 1) * line.messages;
                documents.extend(seqs.map(|seq| document(lane, conversation, seq, line.messages)));
            }
            let count = documents.len() as u64;
            collection.insert_many(documents).with_options(insert).await.expect("inserted");
            count
        }
    })
    .await
}

async fn log(store: &MongoStore, line: Line, length: Duration) -> f64 {
    let log = Arc::clone(&store.log);
    rate(line.lanes, length, move |lane, _| {
        let log = Arc::clone(&log);
        async move {
            let batches = (0..line.batches).map(|conversation| batch(lane, conversation, line.messages)).collect();
            let outcomes = log.append(batches).await;
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            line.batches * line.messages
        }
    })
    .await
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let seconds = std::env::var("MONGO_RATE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3.0);
    let length = Duration::from_secs_f64(seconds);
    let mut started = None;
    let url = match std::env::var("MONGO_RATE_URL") {
        Ok(url) => url,
        Err(_) => started.insert(MongoServer::start().await.expect("a server").expect("a binary")).url("rate"),
    };
    for (line, aim) in LINES {
        let (mut bares, mut logs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            bares.push(bare(&url, line, round, length).await);
            // A database of its own for each round too, so that both sides meet collections of one size.
            let name = format!("log_{round}_{}", line.messages);
            let of_round = url.replace("/rate?", &format!("/{name}?"));
            let config = MongoConfig::new(of_round.parse().expect("a URL"));
            let store = MongoStore::connect(&config, Arc::new(SystemIds)).await.expect("a URL");
            store.migrate().await.expect("indexes");
            logs.push(log(&store, line, length).await);
        }
        let (bare, log) = (median(bares), median(logs));
        let Line { lanes, batches, messages } = line;
        println!(
            "{lanes} lanes of {batches} x {messages}: {log:.0} messages/s, bare driver {bare:.0}: {:.2} (aim {aim})",
            log / bare
        );
    }
    drop(started);
}
