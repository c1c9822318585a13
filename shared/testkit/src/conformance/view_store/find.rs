//! Lists and histories.

use std::sync::Arc;

use shared::domain::{Seq, Timestamp, Version};
use shared::ports::{HistoryQuery, ListQuery, ViewStore};

use super::steps::{ended, message, names, project, save, summary};
use crate::conformance::build::{at, key, tenant, user};

/// The backend under test.
type Store = Arc<dyn ViewStore>;

fn list(contains: Option<&str>, offset: u64, limit: usize) -> ListQuery {
    ListQuery { contains: contains.map(str::to_owned), offset, limit }
}

pub async fn a_list_is_newest_first_and_filtered(store: Store) {
    let (mine, theirs) = (tenant(), tenant());
    for (name, millis) in [("alpha", 30), ("beta", 10), ("Alpha", 20), ("al%pha_", 40), ("same-2", 5), ("same-1", 5)] {
        project(&*store, &key(&mine, name), &[message(1, "u", millis), message(2, "u", 1)]).await;
    }
    project(&*store, &key(&theirs, "alpha"), &[message(1, "u", 99)]).await;
    let whole = ["al%pha_", "alpha", "Alpha", "beta", "same-1", "same-2"];
    let (rows, total) = store.list(&mine, &list(None, 0, 100)).await.unwrap();
    assert_eq!((names(&rows, &mine), total), (whole.to_vec(), 6));
    for (offset, limit) in [(0, 2), (2, 2), (5, 2), (6, 2), (1 << 62, 1)] {
        let (rows, total) = store.list(&mine, &list(None, offset, limit)).await.unwrap();
        let skip = usize::try_from(offset).unwrap();
        let expected: Vec<_> = whole.into_iter().skip(skip).take(limit).collect();
        assert_eq!((names(&rows, &mine), total), (expected, 6));
    }
    for (contains, expected) in
        [("lpha", vec!["alpha", "Alpha"]), ("%", vec!["al%pha_"]), ("a_", vec!["al%pha_"]), ("zz", vec![])]
    {
        let (rows, total) = store.list(&mine, &list(Some(contains), 0, 100)).await.unwrap();
        assert_eq!((names(&rows, &mine), total), (expected.clone(), expected.len() as u64), "{contains}");
    }
    project(&*store, &key(&mine, "beta"), &[message(3, "u", 100)]).await;
    let (rows, _) = store.list(&mine, &list(None, 0, 1)).await.unwrap();
    assert_eq!(names(&rows, &mine), ["beta"]);
}

pub async fn history_holds_what_overlaps_the_range(store: Store) {
    let (tenant, other) = (tenant(), tenant());
    for (name, first, last) in [("early", 10, 20), ("long", 5, 90), ("late", 60, 80), ("point", 40, 40)] {
        let records = [message(1, "u", first), message(2, "v", 95), message(3, "u", last), message(4, "u", first)];
        project(&*store, &key(&tenant, name), &records).await;
    }
    project(&*store, &key(&tenant, "not mine"), &[message(1, "v", 50)]).await;
    project(&*store, &key(&other, "early"), &[message(1, "u", 50)]).await;
    let ask = async |start: Option<i64>, end: Option<i64>, offset, limit| {
        let query = HistoryQuery { start: start.map(at), end: end.map(at), offset, limit };
        let (rows, total) = store.history(&tenant, &user("u"), &query).await.unwrap();
        (rows.iter().map(|row| row.conversation.to_string()).collect::<Vec<_>>(), total)
    };
    let cases: [(Option<i64>, Option<i64>, &[&str]); 8] = [
        (None, None, &["long", "late", "point", "early"]),
        (Some(20), None, &["long", "late", "point", "early"]),
        (Some(21), None, &["long", "late", "point"]),
        (None, Some(9), &["long"]),
        (None, Some(10), &["long", "early"]),
        (Some(40), Some(40), &["long", "point"]),
        (Some(91), Some(99), &[]),
        (Some(50), Some(20), &["long"]),
    ];
    for (start, end, expected) in cases {
        if start > end && end.is_some() {
            continue;
        }
        let (rows, total) = ask(start, end, 0, 100).await;
        assert_eq!((rows, total), (expected.iter().map(ToString::to_string).collect(), expected.len() as u64));
    }
    assert_eq!(ask(None, None, 1, 2).await, (vec!["late".to_owned(), "point".to_owned()], 4));
    assert_eq!(ask(None, None, 9, 2).await, (vec![], 4));
    let query = HistoryQuery { start: None, end: None, offset: 0, limit: 1 };
    let (rows, _) = store.history(&tenant, &user("u"), &query).await.unwrap();
    let row = &rows[0];
    assert_eq!((row.first, row.last, row.messages), (at(5), at(90), 3));
    assert_eq!((row.last_seq, row.latest_seq), (Seq(3), Seq(2)));
}

pub async fn history_of_an_unknown_user_is_empty(store: Store) {
    let query = HistoryQuery { start: Some(Timestamp::MIN), end: Some(Timestamp::MAX), offset: 0, limit: 10 };
    assert_eq!(store.history(&tenant(), &user("nobody"), &query).await.unwrap(), (vec![], 0));
}

pub async fn uncovered_conversations_go_by_key(store: Store) {
    let tenant = tenant();
    let keys = ["b", "a", "d", "c", "é"].map(|name| key(&tenant, name));
    for key in &keys {
        project(&*store, key, &[message(1, "u", 1), message(2, "u", 2), ended(3, 3)]).await;
    }
    project(&*store, &key(&tenant, "only an end"), &[ended(1, 1)]).await;
    let all = store.uncovered(None, 100_000).await.unwrap();
    assert_eq!(names(&all, &tenant), ["a", "b", "c", "d", "é"]);
    let two = store.uncovered(Some(&keys[1]), 2).await.unwrap();
    assert_eq!(names(&two, &tenant), ["b", "c"]);
    save(&*store, &keys[0], Version::ZERO, &summary(1, 2)).await;
    save(&*store, &keys[2], Version::ZERO, &summary(1, 1)).await;
    let rest = store.uncovered(None, 100_000).await.unwrap();
    assert_eq!(names(&rest, &tenant), ["a", "c", "d", "é"], "b is covered, d in part only");
    project(&*store, &keys[0], &[ended(4, 4)]).await;
    assert_eq!(names(&store.uncovered(Some(&keys[1]), 1).await.unwrap(), &tenant), ["c"], "an end is no message");
    project(&*store, &keys[0], &[message(5, "u", 5)]).await;
    assert_eq!(names(&store.uncovered(Some(&keys[1]), 1).await.unwrap(), &tenant), ["b"]);
}

pub async fn idle_conversations_go_by_time(store: Store) {
    let tenant = tenant();
    for (name, millis) in [("b", 20), ("a", 10), ("c", 30)] {
        project(&*store, &key(&tenant, name), &[message(1, "u", millis)]).await;
    }
    project(&*store, &key(&tenant, "ended"), &[message(1, "u", 5), ended(2, 6)]).await;
    let idle = async |before| {
        let rows = store.idle(at(before), 100_000).await.unwrap();
        names(&rows, &tenant).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(idle(30).await, ["a", "b"]);
    project(&*store, &key(&tenant, "a"), &[ended(2, 11)]).await;
    assert_eq!(idle(31).await, ["b", "c"]);
    project(&*store, &key(&tenant, "a"), &[message(3, "u", 12)]).await;
    assert_eq!(idle(31).await, ["a", "b", "c"]);
}

pub async fn the_conversations_of_a_user_go_by_name(store: Store) {
    let (mine, theirs) = (tenant(), tenant());
    for (name, millis) in [("b", 10), ("a", 30), ("é", 20), ("B", 40), ("ba", 5)] {
        project(&*store, &key(&mine, name), &[message(1, "u", millis), message(2, "v", 1)]).await;
    }
    project(&*store, &key(&mine, "of another"), &[message(1, "v", 1)]).await;
    project(&*store, &key(&theirs, "a"), &[message(1, "u", 99)]).await;
    for limit in [1, 2, 9] {
        let (mut found, mut after) = (Vec::<String>::new(), None);
        loop {
            let part = store.posted_in(&mine, &user("u"), after.as_ref(), limit).await.unwrap();
            found.extend(part.iter().map(ToString::to_string));
            let Some(last) = part.into_iter().next_back() else { break };
            after = Some(last);
        }
        assert_eq!(found, ["B", "a", "b", "ba", "é"], "{limit} at a time");
    }
    assert_eq!(store.posted_in(&mine, &user("w"), None, 9).await.unwrap(), []);
}
