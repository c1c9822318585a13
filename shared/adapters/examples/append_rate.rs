//! How fast the embedded log appends, durably, and how fast it is read: `cargo run --release --example append_rate`.
//!
//! Prints rates beside what the disk can do alone (write 8 KiB, sync, again), so that runs on different machines
//! compare, and the processor's time for each message (callers included), which other load changes less.
//! `APPEND_RATE_FOLDER` chooses the disk, `APPEND_RATE_SECONDS` the length of each line; three numbers as arguments
//! (callers, messages in a batch, conversations) run one line only.

#![expect(clippy::expect_used, reason = "a measurement that fails has nothing to report")]

use std::io::{Seek as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, Timestamp, UserId};
use shared::ports::{Append, ArrivalMark, Condition, Draft, Entry, MessageLog, Order, PageQuery, PageStart, Position};
use shared_adapters::SqliteMessageLog;

const TEXT: &str = "Could we move the release to Friday? The import still drops two of the attachments, I think.";

/// Callers, messages in a batch, conversations.
const LINES: [(u64, u64, u64); 7] =
    [(1, 1, 1), (64, 1, 1000), (64, 1, 50_000), (256, 1, 1000), (8, 100, 1000), (16, 100, 1000), (64, 100, 1000)];

fn key(number: u64) -> ConversationKey {
    let name = ConversationId::parse(format!("conversation-{number:06}")).expect("a valid id");
    ConversationKey::new(TenantId::public(), name)
}

fn batch(conversation: u64, messages: usize, now: i64) -> Append {
    let user = UserId::parse(format!("user-{}", conversation % 500)).expect("a valid id");
    let draft = || Draft {
        user: user.clone(),
        message_id: None,
        content: TEXT.into(),
        timestamp: None,
        metadata: None,
        salt: [7; 16],
    };
    Append {
        key: key(conversation),
        entries: (0..messages).map(|_| Entry::Posted(draft())).collect(),
        idempotency: None,
        received_at: Timestamp::from_millis(now),
        condition: Condition::Always,
    }
}

async fn appends(
    log: &Arc<SqliteMessageLog>,
    callers: u64,
    messages: usize,
    conversations: u64,
    length: Duration,
) -> f64 {
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (log, done) = (Arc::clone(log), Arc::clone(&done));
        tasks.spawn(async move {
            let mut round = caller;
            while started.elapsed() < length {
                let now = 1_700_000_000_000 + i64::try_from(started.elapsed().as_millis()).unwrap_or(0);
                let conversation = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) % conversations;
                let outcome = log.append(vec![batch(conversation, messages, now)]).await;
                assert!(outcome[0].is_ok(), "{outcome:?}");
                done.fetch_add(1, Ordering::Relaxed);
                round += callers;
            }
        });
    }
    tasks.join_all().await;
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

async fn timed<T>(label: &str, times: u32, mut call: impl AsyncFnMut(u32) -> T) {
    let mut spans = Vec::new();
    for round in 0..times {
        let started = Instant::now();
        call(round).await;
        spans.push(started.elapsed());
    }
    spans.sort();
    println!("{label:<44} p50 {:>9.1?}  p99 {:>9.1?}", spans[spans.len() / 2], spans[spans.len() * 99 / 100]);
}

async fn pages(log: &SqliteMessageLog, total: u64) {
    let conversation = key(u64::MAX);
    let mut left = total;
    while left > 0 {
        let size = left.min(1000);
        log.append(vec![batch(u64::MAX, usize::try_from(size).unwrap_or(1000), 5)]).await;
        left -= size;
    }
    let query = |start| PageQuery { order: Order::Ascending, start, since: None, until: None, limit: 50 };
    let page = async |start| log.page(&conversation, &query(start)).await.expect("a page");
    timed("first page of 50", 500, async |_| page(PageStart::Offset(0)).await).await;
    timed("deep page of 50", 500, async |n| page(PageStart::Offset(total / 2 + u64::from(n) * 97)).await).await;
    let place = |n: u32| Position { timestamp: Timestamp::from_millis(5), seq: Seq(total / 2 + u64::from(n) * 97) };
    timed("cursor page of 50", 500, async |n| page(PageStart::After(place(n))).await).await;
    timed("head", 500, async |_| log.head(&conversation).await.expect("a head")).await;
    let started = Instant::now();
    let mut from = Seq(1);
    while from.0 <= total {
        from = log.read(&conversation, from, 1000).await.expect("records").last().map_or(from, |last| last.seq.next());
    }
    println!("{:<44} {:>9.0} messages/s", "read in steps of 1000", total as f64 / started.elapsed().as_secs_f64());
}

/// Seconds that this process has used the processor, where the system tells.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split(' ').filter_map(|field| field.parse().ok()).collect();
    // Fields 14 and 15, of which the second is the name and so no number; in hundredths of a second.
    fields.get(11..13).map_or(0.0, |times| times.iter().sum::<f64>() / 100.0)
}

fn syncs(folder: &std::path::Path) -> f64 {
    let mut file = tempfile::tempfile_in(folder).expect("a file");
    file.write_all(&vec![1; 4 << 20]).and_then(|()| file.sync_all()).expect("written");
    let started = Instant::now();
    for round in 0..500_u64 {
        file.seek(std::io::SeekFrom::Start(round * 8192)).expect("seek");
        file.write_all(&[2; 8192]).and_then(|()| file.sync_data()).expect("written");
    }
    500.0 / started.elapsed().as_secs_f64()
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let seconds = std::env::var("APPEND_RATE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let parent = std::env::var_os("APPEND_RATE_FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let length = Duration::from_secs(seconds);
    let folder = tempfile::tempdir_in(&parent).expect("a folder");
    println!("{:<44} {:>9.0} /s", "write 8 KiB and sync", syncs(folder.path()));
    let log = Arc::new(SqliteMessageLog::open(folder.path()).expect("a log"));
    let asked: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let lines = match asked[..] {
        [callers, messages, conversations] => vec![(callers, messages, conversations)],
        _ => LINES.to_vec(),
    };
    for (callers, messages, conversations) in lines {
        let before = processor();
        let size = usize::try_from(messages).expect("a small number");
        let rate = appends(&log, callers, size, conversations, length).await;
        let label = format!("{callers} callers x {messages}, {conversations} conversations");
        let stored = rate * messages as f64 * length.as_secs_f64();
        let each = (processor() - before) * 1e6 / stored;
        println!("{label:<44} {rate:>9.0} appends/s {:>9.0} messages/s {each:>6.2} us each", rate * messages as f64);
    }
    if asked.len() == 3 {
        return;
    }
    pages(&log, 1_000_000).await;
    let started = Instant::now();
    let arrivals = log.arrivals(&ArrivalMark::default(), 10_000).await.expect("arrivals");
    println!(
        "{:<44} {:>9.1?}",
        format!("10,000 arrivals in {} conversations", arrivals.reached.len()),
        started.elapsed()
    );
    let file = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |meta| meta.len() >> 20);
    println!("log.db {} MiB, write-ahead log {} MiB", file("log.db"), file("log.db-wal"));
}
