//! Compare-and-set of views with their participations.

use std::sync::Arc;

use shared::domain::{Seq, Version};
use shared::ports::{CasOutcome, HistoryQuery, HistoryRow, ViewStore};
use tokio::task::JoinSet;

use super::steps::{commit, ended, message, project, row, step, summary};
use crate::conformance::build::{at, fresh, key, tenant, user};

/// The backend under test.
type Store = Arc<dyn ViewStore>;

const ALL: HistoryQuery = HistoryQuery { start: None, end: None, offset: 0, limit: 100 };

pub async fn a_view_comes_back_as_it_was(store: Store) {
    let tenant = tenant();
    let (a, b, none) = (key(&tenant, "a/ 🦀"), key(&tenant, "b"), key(&tenant, "none"));
    let first = project(&*store, &a, &[message(1, "u", -5), message(2, "Zoë 🦀", 7), ended(3, 8)]).await;
    let second = project(&*store, &b, &[ended(1, 8)]).await;
    let rows = store.conversations(&[b.clone(), none, a.clone(), b.clone()]).await.unwrap();
    let views: Vec<_> = rows.into_iter().map(|row| row.map(|row| (row.key, row.view, row.summary))).collect();
    let (of_a, of_b) = ((a, first.clone(), None), (b, second, None));
    assert_eq!(views, [Some(of_b.clone()), None, Some(of_a.clone()), Some(of_b)]);
    let stored = row(&*store, &of_a.0).await.unwrap().view;
    assert_eq!(stored.to_json().unwrap(), first.to_json().unwrap(), "the same bytes");
}

pub async fn a_step_is_applied_only_where_it_was_made_from(store: Store) {
    let key = fresh();
    let first = step(&key, None, &[message(1, "u", 1)]);
    let second = step(&key, Some(&first.view), &[message(2, "u", 2)]);
    assert_eq!(commit(&*store, second.clone()).await, CasOutcome::Stale, "there is no view yet");
    assert_eq!(commit(&*store, first.clone()).await, CasOutcome::Applied);
    assert_eq!(commit(&*store, first.clone()).await, CasOutcome::Stale, "there is one now");
    assert_eq!(commit(&*store, second.clone()).await, CasOutcome::Applied);
    assert_eq!(commit(&*store, second.clone()).await, CasOutcome::Stale, "it has moved");
    let mut other = step(&key, Some(&second.view), &[message(3, "u", 3)]);
    other.from = Some((Seq(2), first.view.digest));
    assert_eq!(commit(&*store, other).await, CasOutcome::Stale, "another digest at the same seq");
    assert_eq!(row(&*store, &key).await.unwrap().view, second.view);
}

pub async fn a_stale_step_changes_nothing_and_stops_no_other(store: Store) {
    let tenant = tenant();
    let keys = ["a", "b", "c"].map(|name| key(&tenant, name));
    project(&*store, &keys[1], &[message(1, "u", 1)]).await;
    let steps = keys.iter().map(|key| step(key, None, &[message(1, "u", 1), message(2, "v", 2)])).collect();
    let outcomes = store.commit(steps).await.unwrap();
    assert_eq!(outcomes, [CasOutcome::Applied, CasOutcome::Stale, CasOutcome::Applied]);
    assert_eq!(row(&*store, &keys[1]).await.unwrap().view.applied_seq, Seq(1));
    let counts = [2, 1, 2];
    for (key, count) in keys.iter().zip(counts) {
        assert_eq!(store.participants(key).await.unwrap(), count);
    }
    assert_eq!(store.history(&tenant, &user("v"), &ALL).await.unwrap().1, 2);
    assert!(store.commit(vec![]).await.unwrap().is_empty());
}

pub async fn of_many_workers_one_moves_a_view(store: Store) {
    let key = fresh();
    let mut view = None;
    for seq in 1..=5 {
        let mut tasks = JoinSet::new();
        let step = step(&key, view.as_ref(), &[message(seq, "u", 1)]);
        for _ in 0..16 {
            let (store, step) = (Arc::clone(&store), step.clone());
            tasks.spawn(async move { commit(&*store, step).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == CasOutcome::Applied).count(), 1);
        view = Some(step.view);
    }
    let (rows, _) = store.history(&key.tenant, &user("u"), &ALL).await.unwrap();
    assert_eq!((rows.len(), rows[0].messages), (1, 5));
}

pub async fn participations_are_counted_once_however_steps_are_cut(store: Store) {
    let tenant = tenant();
    let records: Vec<_> = (1..=40)
        .map(|seq| message(seq, ["u", "v", "w"][usize::try_from(seq * seq % 3).unwrap()], seq.cast_signed() * 7 % 11))
        .collect();
    let mut found = Vec::new();
    for cut in [1, 3, 40] {
        let key = key(&tenant, &format!("cut-{cut}"));
        for part in records.chunks(cut) {
            project(&*store, &key, part).await;
        }
        assert_eq!(store.participants(&key).await.unwrap(), 2);
        let (rows, _) = store.history(&tenant, &user("v"), &ALL).await.unwrap();
        let row = rows.into_iter().find(|row| row.conversation == key.conversation).unwrap();
        found.push(HistoryRow { conversation: fresh().conversation, ..row });
    }
    let own = || records.iter().filter(|r| r.posted().unwrap().user == user("v"));
    let time = |record: &shared::domain::Record| record.posted().unwrap().timestamp;
    let last = own().max_by_key(|record| (time(record), record.seq)).unwrap();
    let newest = records.iter().max_by_key(|record| (time(record), record.seq)).unwrap();
    let expected = HistoryRow {
        conversation: fresh().conversation,
        first: own().map(time).min().unwrap(),
        last: time(last),
        last_seq: last.seq,
        messages: own().count() as u64,
        latest_seq: newest.seq,
    };
    assert_eq!(found, [expected.clone(), expected.clone(), expected]);
}

pub async fn all_messages_of_a_tenant_are_counted(store: Store) {
    let (mine, other) = (tenant(), tenant());
    assert_eq!(store.messages(&mine).await.unwrap(), 0);
    for (tenant, name, messages) in [(&mine, "a", 3), (&mine, "b", 2), (&other, "a", 7)] {
        let records: Vec<_> =
            (1..=messages).map(|seq| message(seq, ["u", "v"][usize::from(seq % 2 == 0)], 1)).collect();
        project(&*store, &key(tenant, name), &records).await;
    }
    assert_eq!(store.messages(&mine).await.unwrap(), 5);
    store.erase(&key(&mine, "a")).await.unwrap();
    assert_eq!((store.messages(&mine).await.unwrap(), store.messages(&other).await.unwrap()), (2, 7));
}

pub async fn a_replaced_view_keeps_its_summaries(store: Store) {
    let key = fresh();
    project(&*store, &key, &[message(1, "wrong", 50), message(2, "wrong too", 60)]).await;
    let stored = summary(1, 2);
    assert_eq!(store.save_summary(&key, Version::ZERO, &stored).await.unwrap(), CasOutcome::Applied);
    let right = step(&key, None, &[message(1, "u", 1), message(2, "v", 2), message(3, "u", 3)]);
    store.replace(right.clone()).await.unwrap();
    store.replace(right.clone()).await.unwrap();
    let row = row(&*store, &key).await.unwrap();
    assert_eq!((&row.view, row.summary), (&right.view, Some(stored.pointer())));
    assert_eq!(store.newest_summary(&key).await.unwrap(), Some(stored));
    assert_eq!(store.participants(&key).await.unwrap(), 2);
    assert_eq!(store.history(&key.tenant, &user("wrong"), &ALL).await.unwrap().1, 0);
    let (rows, _) = store.history(&key.tenant, &user("u"), &ALL).await.unwrap();
    assert_eq!((rows[0].messages, rows[0].last, rows[0].last_seq), (2, at(3), Seq(3)));
    let (uncovered, tenant) = (store.uncovered(None, 10_000).await.unwrap(), &key.tenant);
    assert_eq!(super::steps::names(&uncovered, tenant), ["c"], "message 3 is not covered");
    let new = fresh();
    store.replace(step(&new, None, &[message(1, "u", 1)])).await.unwrap();
    assert_eq!(store.participants(&new).await.unwrap(), 1);
    project(&*store, &key, &[message(4, "v", 4)]).await;
}
