//! Reading by seq, by place and in order of arrival.

use std::collections::HashMap;
use std::sync::Arc;

use shared::domain::{ConversationKey, Seq};
use shared::ports::{ArrivalMark, Condition, ConversationMark, MessageLog, Order, PageQuery, PageStart};

use crate::conformance::build::{append, batch, draft, end, fresh, key, post, seqs, tenant, texts};

/// The backend under test.
type Log = Arc<dyn MessageLog>;

pub async fn reading_begins_anywhere_and_stops_at_the_limit(log: Log) {
    let key = fresh();
    append(&*log, batch(&key, (0..20).map(|n| draft(&n.to_string())).collect())).await.unwrap();
    append(&*log, end(&key, Condition::Always)).await.unwrap();
    for (from, limit, expected) in [(1, 5, 1..=5), (18, 99, 18..=21), (21, 1, 21..=21)] {
        let records = log.read(&key, Seq(from), limit).await.unwrap();
        assert_eq!(seqs(&records), expected.collect::<Vec<_>>());
    }
    assert_eq!(seqs(&log.read(&key, Seq::ZERO, 2).await.unwrap()), [1, 2]);
    assert!(log.read(&key, Seq(22), 9).await.unwrap().is_empty());
}

pub async fn single_records_are_found_by_place(log: Log) {
    let tenant = tenant();
    let (a, b, none) = (key(&tenant, "a"), key(&tenant, "b"), key(&tenant, "none"));
    post(&*log, &a, vec![draft("a1"), draft("a2")]).await;
    post(&*log, &b, vec![draft("b1")]).await;
    let place = |key: &ConversationKey, seq| (key.clone(), Seq(seq));
    let places = [place(&b, 1), place(&a, 2), place(&none, 1), place(&a, 3), place(&a, 0), place(&a, 2)];
    let found = log.records(&places).await.unwrap();
    let shown: Vec<_> = found.iter().map(|r| r.as_ref().map(|r| texts(std::slice::from_ref(r))[0])).collect();
    assert_eq!(shown, [Some("b1"), Some("a2"), None, None, None, Some("a2")]);
    // Runs, one that goes on after the end, one right after another conversation's, one backwards.
    let places = [place(&b, 0), place(&b, 1), place(&a, 2), place(&a, 3), place(&a, 4), place(&b, 1), place(&b, 0)];
    let found = log.records(&places).await.unwrap();
    let shown: Vec<_> = found.iter().map(|r| r.as_ref().map(|r| texts(std::slice::from_ref(r))[0])).collect();
    assert_eq!(shown, [None, Some("b1"), Some("a2"), None, None, Some("b1"), None]);
    assert!(log.records(&[]).await.unwrap().is_empty());
}

pub async fn nothing_is_found_of_an_unknown_conversation(log: Log) {
    let key = fresh();
    assert!(log.read(&key, Seq(1), 9).await.unwrap().is_empty());
    assert_eq!(log.head(&key).await.unwrap(), None);
    let query = PageQuery { order: Order::Ascending, start: PageStart::Offset(0), since: None, until: None, limit: 9 };
    assert_eq!(log.page(&key, &query).await.unwrap(), None);
    assert!(!log.erase(&key).await.unwrap());
}

pub async fn arrivals_go_on_behind_a_mark(log: Log) {
    let tenant = tenant();
    let mut mark = ArrivalMark::default();
    let mut expected: HashMap<ConversationKey, u64> = HashMap::new();
    let mut seen: HashMap<ConversationKey, u64> = HashMap::new();
    for round in 0..4 {
        for n in 0..5 {
            let key = key(&tenant, &format!("c{}", (n + round) % 7));
            let head = append(&*log, batch(&key, vec![draft("x"); n + 1])).await.unwrap().head.0;
            expected.insert(key, head);
        }
        loop {
            let arrivals = log.arrivals(&mark, 4).await.unwrap();
            let mut keys: Vec<_> = arrivals.reached.iter().map(|reach| reach.key.clone()).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), arrivals.reached.len(), "each conversation once");
            for reach in arrivals.reached {
                let best = seen.entry(reach.key).or_default();
                *best = reach.seq.0.max(*best);
            }
            if !arrivals.more && arrivals.mark == mark {
                break;
            }
            mark = arrivals.mark;
        }
        for (key, head) in &expected {
            assert_eq!(seen.get(key), Some(head), "{key:?} in round {round}");
        }
    }
    let all = log.arrivals(&mark, 100).await.unwrap();
    assert!(!all.more && all.reached.iter().all(|reach| reach.key.tenant != tenant));
}

pub async fn all_conversations_are_listed_once(log: Log) {
    let tenant = tenant();
    let mut expected = Vec::new();
    for n in 0..7 {
        let key = key(&tenant, &format!("c{n}"));
        append(&*log, batch(&key, vec![draft("x"), draft("y")])).await.unwrap();
        append(&*log, batch(&key, vec![draft("z")])).await.unwrap();
        if n == 3 {
            log.erase(&key).await.unwrap();
        } else {
            expected.push(key);
        }
    }
    for limit in [1, 3, 1000] {
        let (mut mark, mut found) = (ConversationMark::default(), Vec::new());
        loop {
            let listed = log.conversations(&mark, limit).await.unwrap();
            assert!(listed.keys.len() <= limit);
            found.extend(listed.keys.into_iter().filter(|key| key.tenant == tenant));
            if !listed.more {
                break;
            }
            assert_ne!(listed.mark, mark, "it goes on");
            mark = listed.mark;
        }
        found.sort();
        assert_eq!(found, expected, "in steps of {limit}");
    }
}
