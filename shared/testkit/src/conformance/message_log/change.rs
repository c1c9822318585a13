//! Messages edited and erased.

use std::sync::Arc;

use shared::domain::{Digest, Metadata, Record, RecordBody, Seq};
use shared::ports::{
    AppendError, Condition, Draft, Edit, Entry, MessageLog, Order, Page, PageQuery, PageStart, Position,
};
use tokio::task::JoinSet;

use crate::conformance::build::{
    append, at, batch, batch_at, changes, draft, draft_at, edit, end, erase, fresh, key, named, post, seqs, tenant,
    texts,
};

type Log = Arc<dyn MessageLog>;

const ALL: PageQuery =
    PageQuery { order: Order::Ascending, start: PageStart::Offset(0), since: None, until: None, limit: 1_000 };

async fn record(log: &Log, key: &shared::domain::ConversationKey, seq: u64) -> Record {
    log.records(&[(key.clone(), Seq(seq))]).await.unwrap().remove(0).unwrap()
}

pub async fn an_edit_takes_the_place_of_what_was_said(log: Log) {
    let key = fresh();
    let metadata = Metadata::parse("{\"a\":1}").unwrap();
    let first = Draft { metadata: Some(metadata.clone()), ..named("1", "first") };
    append(&*log, batch(&key, vec![first, draft("second")])).await.unwrap();
    let before = record(&log, &key, 1).await;
    let done = append(&*log, changes(&key, 2_000, vec![edit(1, "better")])).await.unwrap();
    assert_eq!((done.inserted, done.head), (1, Seq(3)));
    let RecordBody::Posted(posted) = record(&log, &key, 1).await.body else { panic!("a message") };
    let RecordBody::Posted(was) = &before.body else { panic!("a message") };
    assert_eq!((&*posted.content, &posted.metadata, posted.salt), ("better", &None, [1; 16]));
    assert_eq!((&posted.user, posted.timestamp, &posted.message_id), (&was.user, was.timestamp, &was.message_id));
    let mark = posted.edit.clone().unwrap();
    assert_eq!((mark.at, mark.trace), (at(2_000), was.trace()));
    let leaf = Digest::edited(Seq(1), "better", None, &[1; 16]);
    assert_eq!(record(&log, &key, 3).await.body, RecordBody::Edited { target: Seq(1), leaf });
    let again = Edit { target: Seq(1), content: "best".into(), metadata: Some(metadata.clone()), salt: [9; 16] };
    append(&*log, changes(&key, 3_000, vec![Entry::Edited(again)])).await.unwrap();
    let RecordBody::Posted(posted) = record(&log, &key, 1).await.body else { panic!("a message") };
    assert_eq!((&*posted.content, posted.metadata.as_ref()), ("best", Some(&metadata)));
    assert_eq!(posted.edit.unwrap().trace, was.trace(), "the first leaf stays");
    let page = log.page(&key, &ALL).await.unwrap().unwrap();
    assert_eq!((texts(&page.records), page.total), (vec!["best", "second"], 2));
    let head = log.head(&key).await.unwrap().unwrap();
    assert_eq!((head.seq, head.last_message, head.messages), (Seq(4), Seq(4), 2));
    assert_eq!(head.received_at, at(3_000));
}

pub async fn an_erased_message_leaves_a_trace_and_nothing_else(log: Log) {
    let key = fresh();
    let drafts = vec![draft_at("first", 10), draft_at("late", 5), draft_at("third", 30)];
    append(&*log, batch(&key, drafts)).await.unwrap();
    let RecordBody::Posted(was) = record(&log, &key, 1).await.body else { panic!("a message") };
    let done = append(&*log, changes(&key, 2_000, vec![erase(1), erase(2), erase(1)])).await.unwrap();
    assert_eq!((done.inserted, done.head), (2, Seq(5)));
    assert_eq!(record(&log, &key, 1).await.body, RecordBody::Removed(was.trace()));
    assert_eq!(record(&log, &key, 5).await.body, RecordBody::Erased { target: Seq(2) });
    let again = append(&*log, changes(&key, 2_000, vec![erase(1)])).await.unwrap();
    assert_eq!((again.inserted, again.head), (0, Seq(5)), "it has gone already");
    let page = log.page(&key, &ALL).await.unwrap().unwrap();
    assert_eq!((texts(&page.records), page.total), (vec!["third"], 1));
    let head = log.head(&key).await.unwrap().unwrap();
    assert_eq!((head.seq, head.last_message, head.messages), (Seq(5), Seq(5), 1));
    assert_eq!(seqs(&log.read(&key, Seq(1), 9).await.unwrap()), [1, 2, 3, 4, 5], "no holes");
    append(&*log, batch_at(&key, 40, vec![draft("next")])).await.unwrap();
    assert!(!record(&log, &key, 6).await.posted().unwrap().late);
    assert_eq!(log.head(&key).await.unwrap().unwrap().messages, 2);
}

pub async fn only_messages_can_be_changed(log: Log) {
    let key = fresh();
    let refused = append(&*log, changes(&key, 1, vec![erase(1)])).await;
    assert!(matches!(refused, Err(AppendError::NotFound)), "{refused:?}");
    post(&*log, &key, vec![draft("a"), draft("b")]).await;
    append(&*log, end(&key, Condition::Open)).await.unwrap();
    append(&*log, changes(&key, 1, vec![erase(1)])).await.unwrap();
    for target in [0, 3, 4, 5, u64::MAX] {
        for entry in [erase(target), edit(target, "x")] {
            let refused = append(&*log, changes(&key, 1, vec![erase(2), entry])).await;
            assert!(matches!(refused, Err(AppendError::NoMessage { target: at }) if at.0 == target), "{refused:?}");
        }
    }
    let refused = append(&*log, changes(&key, 1, vec![edit(1, "x")])).await;
    assert!(matches!(refused, Err(AppendError::MessageErased { target: Seq(1) })), "{refused:?}");
    let refused = append(&*log, changes(&key, 1, vec![erase(2), edit(2, "x")])).await;
    assert!(matches!(refused, Err(AppendError::MessageErased { target: Seq(2) })), "{refused:?}");
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["-", "b", "-", "-"], "nothing of a refused batch");
}

pub async fn the_chain_holds_whatever_is_changed(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![draft("a"), draft_at("late", 3), draft("c")]).await;
    let chain = |records: &[Record]| records.iter().fold(Digest::genesis(&key), Digest::then);
    let before = chain(&log.read(&key, Seq(1), 9).await.unwrap());
    append(&*log, changes(&key, 5, vec![edit(1, "x"), edit(1, "y"), erase(2), edit(3, "z")])).await.unwrap();
    let records = log.read(&key, Seq(1), 9).await.unwrap();
    assert_eq!((seqs(&records).len(), texts(&records)[..3].to_vec()), (7, vec!["y", "-", "z"]));
    assert_eq!(chain(&records[..3]), before);
    let with = chain(&records);
    append(&*log, changes(&key, 6, vec![erase(1), erase(3)])).await.unwrap();
    assert_eq!(chain(&log.read(&key, Seq(1), 7).await.unwrap()), with);
}

pub async fn what_was_changed_is_not_posted_again(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![named("1", "secret"), named("2", "wrong"), named("3", "kept")]).await;
    append(&*log, changes(&key, 5, vec![erase(1), edit(2, "right")])).await.unwrap();
    for (id, content) in [("1", "secret"), ("2", "wrong"), ("2", "right"), ("3", "kept")] {
        let again = append(&*log, batch(&key, vec![named(id, content)])).await.unwrap();
        assert_eq!((again.inserted, again.duplicates, again.head), (0, 1, Seq(5)), "{id} {content}");
    }
    let page = log.page(&key, &ALL).await.unwrap().unwrap();
    assert_eq!(texts(&page.records), ["right", "kept"]);
}

pub async fn a_change_opens_nothing(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![draft("a"), draft("b")]).await;
    append(&*log, end(&key, Condition::Open)).await.unwrap();
    append(&*log, changes(&key, 5, vec![edit(1, "x")])).await.unwrap();
    append(&*log, changes(&key, 5, vec![erase(2)])).await.unwrap();
    let head = log.head(&key).await.unwrap().unwrap();
    assert!(head.ended.is_some());
    assert_eq!(append(&*log, end(&key, Condition::Open)).await.unwrap().inserted, 0, "it has ended already");
    post(&*log, &key, vec![draft("c")]).await;
    assert_eq!(log.head(&key).await.unwrap().unwrap().ended, None);
}

pub async fn many_changes_at_once_leave_one_erased_message(log: Log) {
    let key = fresh();
    post(&*log, &key, (0..4).map(|n| draft(&format!("text {n}"))).collect()).await;
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let (log, key) = (Arc::clone(&log), key.clone());
        let entry = if n % 3 == 0 { erase(2) } else { edit(1 + n % 2, &format!("edit {n}")) };
        tasks.spawn(async move {
            loop {
                match append(&*log, changes(&key, 5, vec![entry.clone()])).await {
                    Err(error) if error.is_transient() => {}
                    Ok(_) | Err(AppendError::MessageErased { .. }) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    tasks.join_all().await;
    let records = log.read(&key, Seq(1), 99).await.unwrap();
    assert!(seqs(&records).iter().copied().eq(1..=records.len() as u64), "dense");
    assert!(matches!(records[1].body, RecordBody::Removed(_)));
    let page = log.page(&key, &ALL).await.unwrap().unwrap();
    assert_eq!((seqs(&page.records), page.total), (vec![1, 3, 4], 3));
}

pub async fn pages_pass_over_what_was_erased(log: Log) {
    let key = fresh();
    let times = (0..90).map(|n: i64| draft_at(&format!("m{n}"), if n % 7 == 3 { n * 10 - 55 } else { n * 10 }));
    append(&*log, batch(&key, times.collect())).await.unwrap();
    // A long run, single ones, and late ones.
    let gone: Vec<u64> = (20..60).chain([1, 4, 11, 70, 90]).collect();
    append(&*log, changes(&key, 5, gone.iter().map(|seq| erase(*seq)).collect())).await.unwrap();
    append(&*log, batch_at(&key, 2_000, vec![draft("last")])).await.unwrap();
    let mut all = log.read(&key, Seq(1), 1_000).await.unwrap();
    all.retain(|record| record.posted().is_some());
    assert_eq!(all.len(), 46);
    let place = |record: &Record| Position { timestamp: record.posted().unwrap().timestamp, seq: record.seq };
    all.sort_by_key(place);
    for order in [Order::Ascending, Order::Descending] {
        for (since, until) in [(None, None), (Some(at(150)), None), (Some(at(95)), Some(at(640)))] {
            let mut range = all.clone();
            range.retain(|record| {
                let at = place(record).timestamp;
                since.is_none_or(|since| at >= since) && until.is_none_or(|until| at <= until)
            });
            if order == Order::Descending {
                range.reverse();
            }
            for offset in (0..=range.len()).step_by(7) {
                let expected = Page {
                    records: range.iter().skip(offset).take(3).cloned().collect(),
                    total: range.len() as u64,
                    more: offset + 3 < range.len(),
                };
                let start = PageStart::Offset(offset as u64);
                let query = PageQuery { order, start, since, until, limit: 3 };
                assert_eq!(log.page(&key, &query).await.unwrap().unwrap(), expected, "{query:?}");
                let Some(before) = offset.checked_sub(1).map(|last| place(&range[last])) else { continue };
                let query = PageQuery { start: PageStart::After(before), ..query };
                assert_eq!(log.page(&key, &query).await.unwrap().unwrap(), expected, "{query:?}");
            }
        }
    }
}

pub async fn nothing_is_left_of_a_changed_conversation_that_was_erased(log: Log) {
    let tenant = tenant();
    let (gone, stays) = (key(&tenant, "gone"), key(&tenant, "stays"));
    for key in [&gone, &stays] {
        post(&*log, key, vec![named("1", "a"), draft("b")]).await;
        append(&*log, changes(key, 5, vec![edit(1, "x"), erase(2)])).await.unwrap();
    }
    assert!(log.erase(&gone).await.unwrap());
    assert_eq!(log.head(&gone).await.unwrap(), None);
    append(&*log, batch(&gone, vec![named("1", "anew")])).await.unwrap();
    assert_eq!(texts(&log.read(&gone, Seq(1), 9).await.unwrap()), ["anew"]);
    assert_eq!(log.head(&gone).await.unwrap().unwrap().messages, 1);
    assert_eq!(texts(&log.read(&stays, Seq(1), 9).await.unwrap()), ["x", "-", "-", "-"]);
}
