//! Summaries and gists taken back, and views folded anew.

use std::sync::Arc;

use shared::domain::{Digest, Record, RecordBody, Seq, Version};
use shared::ports::{CasOutcome, Gist, GistKey, HistoryQuery, Span, ViewStore};

use super::steps::{commit, message, names, project, row, save, step, summary};
use crate::conformance::build::{at, fresh, key, tenant, user};

type Store = Arc<dyn ViewStore>;

fn gist(name: &[u8]) -> GistKey {
    GistKey { content: Digest::of(name), maker: "local/1".into() }
}

fn erased(seq: u64, target: u64, millis: i64) -> Record {
    Record { seq: Seq(seq), received_at: at(millis), body: RecordBody::Erased { target: Seq(target) } }
}

fn removed(record: &Record) -> Record {
    let trace = record.posted().unwrap().trace();
    Record { body: RecordBody::Removed(trace), ..record.clone() }
}

pub async fn what_was_made_from_a_message_is_taken_back(store: Store) {
    let tenant = tenant();
    let (changed, other) = (key(&tenant, "changed"), key(&tenant, "other"));
    for key in [&changed, &other] {
        let records: Vec<_> = (1..=9).map(|seq| message(seq, "u", seq.cast_signed())).collect();
        project(&*store, key, &records).await;
        for (version, last) in [(1, 2), (2, 5), (3, 9)] {
            save(&*store, key, Version(version - 1), &summary(version, last)).await;
        }
        let epoch = row(&*store, key).await.unwrap().epoch;
        for (name, first, last) in [(b"a", 1, 3), (b"b", 4, 6), (b"c", 7, 9), (b"d", 1, 9)] {
            let span = Span { first: Seq(first), last: Seq(last) };
            store.save_gist(key, epoch, &gist(name), span, &Gist("text".into())).await.unwrap();
        }
    }
    let before = row(&*store, &changed).await.unwrap();
    assert_eq!(store.retract(&changed, &[Seq(4), Seq(5)]).await.unwrap(), Version(3));
    let now = row(&*store, &changed).await.unwrap();
    assert_eq!((now.summary, now.version, now.retracted(), now.view), (None, Version(3), true, before.view));
    assert_ne!(now.epoch, before.epoch);
    assert_eq!(store.newest_summary(&changed).await.unwrap(), None);
    assert_eq!(store.summaries(&changed, 0, 9).await.unwrap(), (vec![summary(1, 2)], 1));
    for (name, stays) in [(b"a", true), (b"b", false), (b"c", true), (b"d", false)] {
        assert_eq!(store.gist(&changed, &gist(name)).await.unwrap().is_some(), stays, "{name:?}");
        assert!(store.gist(&other, &gist(name)).await.unwrap().is_some());
    }
    assert_eq!(names(&store.uncovered(None, 100_000).await.unwrap(), &tenant), ["changed"]);
    assert_eq!(store.newest_summary(&other).await.unwrap(), Some(summary(3, 9)));
    assert_eq!(save(&*store, &changed, Version(2), &summary(3, 9)).await, CasOutcome::Stale, "3 was given");
    assert_eq!(save(&*store, &changed, Version(3), &summary(4, 9)).await, CasOutcome::Applied);
    assert_eq!(store.newest_summary(&changed).await.unwrap(), Some(summary(4, 9)));
    assert_eq!(row(&*store, &changed).await.unwrap().summary, Some(summary(4, 9).pointer()));
    let (versions, total) = store.summaries(&changed, 0, 9).await.unwrap();
    assert_eq!((versions, total), (vec![summary(4, 9), summary(1, 2)], 2));
    assert_eq!(store.retract(&fresh(), &[Seq(1)]).await.unwrap(), Version::ZERO, "no such view");
}

pub async fn nothing_of_an_earlier_epoch_is_kept(store: Store) {
    let key = fresh();
    project(&*store, &key, &[message(1, "u", 1), message(2, "u", 2)]).await;
    let span = Span { first: Seq(1), last: Seq(2) };
    for round in 0..3 {
        let old = row(&*store, &key).await.unwrap();
        store.retract(&key, &[Seq(1)]).await.unwrap();
        let late = summary(old.version.0 + 1, 2);
        let saved = store.save_summary(&key, old.epoch, old.version, &late).await.unwrap();
        assert_eq!(saved, CasOutcome::Stale);
        store.save_gist(&key, old.epoch, &gist(b"late"), span, &Gist("text".into())).await.unwrap();
        assert_eq!(store.gist(&key, &gist(b"late")).await.unwrap(), None);
        assert_eq!(store.newest_summary(&key).await.unwrap(), None);
        let now = row(&*store, &key).await.unwrap();
        let next = summary(now.version.0 + 1, 2);
        let saved = store.save_summary(&key, now.epoch, now.version, &next).await.unwrap();
        assert_eq!(saved, CasOutcome::Applied, "round {round}");
        assert_eq!(store.summaries(&key, 0, 9).await.unwrap(), (vec![next], 1));
    }
}

pub async fn a_whole_step_takes_the_place_of_all_participations(store: Store) {
    let tenant = tenant();
    let (changed, other) = (key(&tenant, "changed"), key(&tenant, "other"));
    project(&*store, &other, &[message(1, "a", 1)]).await;
    let records = [message(1, "a", 10), message(2, "b", 20), message(3, "b", 30)];
    let view = project(&*store, &changed, &records).await;
    let epoch = store.retract(&changed, &[Seq(1), Seq(3)]).await.unwrap();
    assert_eq!(epoch, Version::ZERO);
    let all = [removed(&records[0]), records[1].clone(), removed(&records[2]), erased(4, 1, 40), erased(5, 3, 40)];
    let mut whole = step(&changed, None, &all);
    whole.from = Some((view.applied_seq, view.digest));
    whole.whole = true;
    let expected = whole.view.clone();
    assert_eq!(commit(&*store, whole.clone()).await, CasOutcome::Applied);
    assert_eq!(commit(&*store, whole).await, CasOutcome::Stale, "it has moved");
    assert_eq!(row(&*store, &changed).await.unwrap().view, expected);
    assert_eq!(store.participants(&changed).await.unwrap(), 1);
    let query = HistoryQuery { start: None, end: None, offset: 0, limit: 9 };
    let (rows, total) = store.history(&tenant, &user("b"), &query).await.unwrap();
    assert_eq!((rows[0].messages, rows[0].last_seq, rows[0].last, total), (1, Seq(2), at(20), 1));
    let (rows, total) = store.history(&tenant, &user("a"), &query).await.unwrap();
    assert_eq!((rows[0].conversation.as_str(), total), ("other", 1));
    let next = step(&changed, Some(&expected), &[message(6, "a", 60)]);
    assert_eq!(commit(&*store, next).await, CasOutcome::Applied);
    assert_eq!(store.participants(&changed).await.unwrap(), 2);
}

pub async fn a_conversation_without_messages_needs_no_summary(store: Store) {
    let tenant = tenant();
    let key = key(&tenant, "c");
    let first = message(1, "u", 1);
    let view = project(&*store, &key, std::slice::from_ref(&first)).await;
    save(&*store, &key, Version::ZERO, &summary(1, 1)).await;
    store.retract(&key, &[Seq(1)]).await.unwrap();
    let mut whole = step(&key, None, &[removed(&first), erased(2, 1, 5)]);
    whole.from = Some((view.applied_seq, view.digest));
    whole.whole = true;
    let empty = whole.view.clone();
    assert_eq!((empty.messages, empty.last_message), (0, Seq(2)));
    assert_eq!(commit(&*store, whole).await, CasOutcome::Applied);
    assert!(names(&store.uncovered(None, 100_000).await.unwrap(), &tenant).is_empty());
    assert_eq!(store.participants(&key).await.unwrap(), 0);
    let step = step(&key, Some(&empty), &[message(3, "u", 9)]);
    assert_eq!(commit(&*store, step).await, CasOutcome::Applied);
    assert_eq!(names(&store.uncovered(None, 100_000).await.unwrap(), &tenant), ["c"]);
}
