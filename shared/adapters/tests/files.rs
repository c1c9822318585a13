//! The embedded files: what survives, what is refused, what is let go.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ActId, Actor, AuditEntry, ConversationKey, Deed, Outcome, Seq, Version};
use shared::ports::{
    Append, AppendError, ArrivalMark, AuditMark, Idempotency, MessageLog, Notice, Order, PageQuery, PageStart, Ports,
};
use shared_adapters::{
    OpenError, SqliteKeyStore, SqliteMessageLog, SqliteViewStore, StoreConfig, open, open_audit, open_closing,
    open_keys,
};
use shared_testkit::conformance::build::{
    append, at, batch, batch_at, draft, draft_at, end, fresh, key, named, tenant, texts,
};
use shared_testkit::conformance::view_store::steps::{message, project, row, save, summary};

const LONG: Duration = Duration::from_mins(1);

fn keyed(batch: Append) -> Append {
    let body = shared::domain::Digest::of(b"body");
    Append { idempotency: Some(Idempotency { key: "k".into(), body }), ..batch }
}

/// Copies a folder as a crash would leave it: without any close.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // The index of the write-ahead log lives in memory and is made anew.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
        }
    }
    to
}

async fn fill(ports: &Ports, key: &ConversationKey) {
    let batches =
        vec![keyed(batch(key, vec![named("1", "a"), draft_at("late", 3)])), end(key, shared::ports::Condition::Open)];
    for outcome in ports.log.append(batches).await {
        outcome.unwrap();
    }
    project(&*ports.views, key, &[message(1, "u", 1), message(2, "u", 2)]).await;
    save(&*ports.views, key, Version::ZERO, &summary(1, 2)).await;
}

async fn check(ports: &Ports, key: &ConversationKey) {
    assert_eq!(texts(&ports.log.read(key, Seq(1), 9).await.unwrap()), ["a", "late", "-"]);
    assert!(append(&*ports.log, keyed(batch(key, vec![named("1", "a")]))).await.unwrap().replayed);
    assert_eq!(append(&*ports.log, batch(key, vec![named("1", "a")])).await.unwrap().duplicates, 1);
    let taken = append(&*ports.log, batch(key, vec![named("1", "other")])).await;
    assert!(matches!(taken, Err(AppendError::MessageIdTaken { .. })), "{taken:?}");
    assert_eq!(row(&*ports.views, key).await.unwrap().summary, Some(summary(1, 2).pointer()));
    assert_eq!(append(&*ports.log, batch_at(key, 2000, vec![draft("next")])).await.unwrap().head, Seq(4));
    let next = ports.log.read(key, Seq(4), 1).await.unwrap().remove(0);
    assert!(!next.posted().unwrap().late);
    assert_eq!(append(&*ports.log, batch(key, vec![draft_at("late", 1999)])).await.unwrap().head, Seq(5));
    assert!(ports.log.read(key, Seq(5), 1).await.unwrap()[0].posted().unwrap().late);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_clean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (StoreConfig::embedded(folder.path()), fresh());
    let (ports, closing) = open_closing(&config).await.unwrap();
    fill(&ports, &key).await;
    assert!(closing.close(LONG).await);
    for name in ["log.db", "views.db"] {
        let wal = folder.path().join(format!("{name}-wal"));
        assert_eq!(std::fs::metadata(wal).map_or(0, |meta| meta.len()), 0, "{name} is in one piece");
    }
    assert!(matches!(append(&*ports.log, batch(&key, vec![draft("x")])).await, Err(AppendError::Unavailable(_))));
    assert!(ports.log.ping().await.is_err() && ports.views.ping().await.is_err() && ports.bus.ping().await.is_err());
    drop(ports);
    check(&open(&config).await.unwrap(), &key).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let key = fresh();
    let ports = open(&StoreConfig::embedded(folder.path())).await.unwrap();
    fill(&ports, &key).await;
    let crashed = copy(folder.path());
    check(&open(&StoreConfig::embedded(crashed.path())).await.unwrap(), &key).await;
}

#[tokio::test]
async fn an_erasure_goes_on_after_a_crash_and_no_text_is_left_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = fresh();
    let log = SqliteMessageLog::open(folder.path()).unwrap();
    for _ in 0..20 {
        append(&log, batch(&key, vec![draft("a text that must go"); 500])).await.unwrap();
    }
    let mark = log.arrivals(&ArrivalMark::default(), 100_000).await.unwrap().mark;
    assert!(log.erase(&key).await.unwrap());
    let crashed = copy(folder.path());
    let mut log = SqliteMessageLog::open(crashed.path()).unwrap();
    assert_eq!(log.erasures(9).await.unwrap(), std::slice::from_ref(&key));
    let other = fresh();
    append(&log, batch(&other, vec![draft("stays")])).await.unwrap();
    assert_eq!(log.arrivals(&mark, 9).await.unwrap().reached[0].key, other);
    let deadline = std::time::Instant::now() + LONG;
    let left = |file: Vec<u8>| file.windows(19).any(|window| window == b"a text that must go");
    loop {
        // Closing brings the write-ahead log back into the file; while it is open, some more records go.
        log.close();
        if !left(std::fs::read(crashed.path().join("log.db")).unwrap()) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "erased text is still in the file");
        log = SqliteMessageLog::open(crashed.path()).unwrap();
        log.ping().await.unwrap();
    }
    let log = SqliteMessageLog::open(crashed.path()).unwrap();
    assert_eq!(texts(&log.read(&other, Seq(1), 9).await.unwrap()), ["stays"]);
}

#[tokio::test]
async fn places_in_the_order_of_arrival_are_not_given_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (gone, next) = (fresh(), fresh());
    let log = SqliteMessageLog::open(folder.path()).unwrap();
    append(&log, batch(&gone, vec![draft("x"); 20])).await.unwrap();
    let mark = log.arrivals(&ArrivalMark::default(), 99).await.unwrap().mark;
    log.erase(&gone).await.unwrap();
    log.close();
    let log = SqliteMessageLog::open(folder.path()).unwrap();
    append(&log, batch(&next, vec![draft("y")])).await.unwrap();
    let reached = log.arrivals(&mark, 99).await.unwrap().reached;
    assert_eq!(reached.iter().map(|reach| &reach.key).collect::<Vec<_>>(), [&next]);
}

#[tokio::test]
async fn a_second_process_is_refused_and_keys_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::embedded(folder.path().join("new/data"));
    let (ports, closing) = open_closing(&config).await.unwrap();
    let refused = open(&config).await.err().unwrap();
    assert!(matches!(refused, OpenError::Taken { .. }));
    assert!(refused.to_string().contains("new/data"), "{refused}");
    let keys = open_keys(&config).await.unwrap();
    assert_eq!(keys.list().await.unwrap(), []);
    assert!(closing.close(LONG).await);
    drop(ports);
    open(&config).await.unwrap();
}

#[tokio::test]
async fn keys_made_beside_a_running_server_are_found_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::embedded(folder.path());
    let ports = open(&config).await.unwrap();
    let made = shared::domain::ApiKey {
        hash: shared::domain::Digest::of(b"secret"),
        prefix: "rk_1".to_owned(),
        tenant: tenant(),
        scopes: vec![shared::domain::Scope::Read].into(),
        rate: None,
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    open_keys(&config).await.unwrap().create(&made).await.unwrap();
    assert_eq!(ports.keys.find(&made.hash).await.unwrap(), Some(made));
}

#[tokio::test]
async fn files_of_a_newer_format_are_refused_by_name() {
    for name in ["log.db", "views.db", "keys.db", "audit.db"] {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig::embedded(folder.path());
        let (ports, closing) = open_closing(&config).await.unwrap();
        assert!(closing.close(LONG).await);
        drop(ports);
        let file = rusqlite::Connection::open(folder.path().join(name)).unwrap();
        file.pragma_update(None, "user_version", 99).unwrap();
        drop(file);
        let refused = open(&config).await.err().unwrap();
        let text = refused.to_string();
        assert!(text.contains(name) && text.contains("99") && text.contains("newer"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let refused = open(&StoreConfig::embedded(file.join("data"))).await.err().unwrap();
    assert!(matches!(refused, OpenError::Folder { .. }), "{refused}");
}

#[tokio::test]
async fn broken_files_are_told_not_served() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log.db"), vec![b'x'; 8192]).unwrap();
    assert!(SqliteMessageLog::open(folder.path()).is_err());
    std::fs::write(folder.path().join("views.db"), vec![b'x'; 8192]).unwrap();
    assert!(SqliteViewStore::open(folder.path()).is_err());
    std::fs::write(folder.path().join("keys.db"), vec![b'x'; 8192]).unwrap();
    assert!(SqliteKeyStore::open(folder.path()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_and_stores_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(SqliteMessageLog::open(folder.path()).unwrap());
    let text = "x".repeat(1 << 20);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..300 {
        let (log, batch) = (Arc::clone(&log), batch(&key(&tenant(), &n.to_string()), vec![draft(&text)]));
        let of = batch.key.clone();
        tasks.spawn(async move { (of, append(&*log, batch).await) });
    }
    for (key, outcome) in tasks.join_all().await {
        let head = log.head(&key).await.unwrap();
        match outcome {
            Ok(done) => assert_eq!(head.unwrap().seq, done.head),
            Err(AppendError::Unavailable(_)) => assert_eq!(head, None),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_bounded_under_steady_writing_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(SqliteMessageLog::open(folder.path()).unwrap());
    let wal = folder.path().join("log.db-wal");
    let tenant = tenant();
    let text = "x".repeat(4000);
    let query = PageQuery { order: Order::Descending, start: PageStart::Offset(0), since: None, until: None, limit: 5 };
    let mut largest = 0;
    // 240 MB of text, nearly four times what the write-ahead log may hold.
    for round in 0..200 {
        let key = key(&tenant, &(round % 5).to_string());
        append(&*log, batch(&key, vec![draft(&text); 300])).await.unwrap();
        log.page(&key, &query).await.unwrap();
        largest = largest.max(std::fs::metadata(&wal).unwrap().len());
    }
    assert!(largest < 130 << 20, "{largest} bytes");
    assert_eq!(log.head(&key(&tenant, "0")).await.unwrap().unwrap().seq, Seq(12_000));
}

#[tokio::test]
async fn a_closed_bus_ends_its_streams() {
    let folder = tempfile::tempdir().unwrap();
    let (ports, closing) = open_closing(&StoreConfig::embedded(folder.path())).await.unwrap();
    let (mut notices, mut asks) = (ports.bus.notices().await.unwrap(), ports.bus.asks().await.unwrap());
    let waiting = tokio::spawn(async move { notices.next(1).await.is_err() });
    let asked = tokio::spawn(async move { asks.next().await.is_err() });
    assert!(closing.close(LONG).await);
    assert!(waiting.await.unwrap() && asked.await.unwrap());
    ports.bus.notify(Notice { key: fresh(), seq: Seq(1) });
    assert_eq!(ports.bus.pending(), 0);
}

#[tokio::test]
async fn idempotency_keys_are_kept_for_two_days_and_then_let_go() {
    const HOUR: i64 = 3_600_000;
    let folder = tempfile::tempdir().unwrap();
    let ports = open(&StoreConfig::embedded(folder.path())).await.unwrap();
    let key = fresh();
    let post = |name: &str, hour: i64| {
        let body = shared::domain::Digest::of(b"body");
        let idempotency = Some(Idempotency { key: name.into(), body });
        append(&*ports.log, Append { idempotency, ..batch_at(&key, hour * HOUR, vec![draft("text")]) })
    };
    assert!(!post("first", 0).await.unwrap().replayed);
    assert!(!post("second", 1).await.unwrap().replayed);
    assert!(!post("third", 47).await.unwrap().replayed);
    assert!(post("first", 47).await.unwrap().replayed);
    // Those that are old enough go with the next key that is kept.
    assert!(!post("fourth", 48).await.unwrap().replayed);
    assert!(post("first", 48).await.unwrap().replayed);
    assert!(!post("fifth", 50).await.unwrap().replayed);
    for (name, known) in [("first", false), ("second", false), ("third", true), ("fourth", true)] {
        assert_eq!(post(name, 50).await.unwrap().replayed, known, "{name}");
    }
}

#[tokio::test]
async fn entries_of_the_audit_record_can_be_neither_changed_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let ports = open(&StoreConfig::embedded(folder.path())).await.unwrap();
    let entry = AuditEntry {
        act: ActId::from_random([1; 16]),
        at: at(1),
        tenant: tenant(),
        actor: Actor::Operator,
        deed: Deed::RevokeKey { prefix: "rk_1".to_owned() },
        outcome: Outcome::Asked,
    };
    ports.audit.record(&entry).await.unwrap();
    let file = rusqlite::Connection::open(folder.path().join("audit.db")).unwrap();
    for sql in ["UPDATE entries SET body = '{}'", "DELETE FROM entries", "REPLACE INTO entries VALUES (1, '{}')"] {
        let refused = file.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("audit record"), "{sql}: {refused}");
    }
    let beside = open_audit(&StoreConfig::embedded(folder.path())).await.unwrap();
    assert_eq!(beside.entries(&AuditMark::default(), 9).await.unwrap().entries, [entry]);
}
