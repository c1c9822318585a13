//! What a user wrote, found in the log itself.

use std::sync::Arc;

use shared::domain::{ConversationKey, Seq, TenantId};
use shared::ports::{Draft, MessageLog, WrittenMark};

use crate::conformance::build::{append, at, batch_at, changes, draft, edit, erase, key, tenant, user};

type Log = Arc<dyn MessageLog>;

fn by(name: &str, content: &str) -> Draft {
    Draft { user: user(name), ..draft(content) }
}

/// All places, ordered, read so many at a time.
async fn all(log: &Log, tenant: &TenantId, name: &str, until: i64, limit: usize) -> Vec<(ConversationKey, Seq)> {
    let (mut found, mut mark) = (Vec::new(), WrittenMark::default());
    loop {
        let part = log.written(tenant, &user(name), at(until), &mark, limit).await.unwrap();
        assert!(part.places.len() <= limit);
        found.extend(part.places);
        if !part.more {
            found.sort();
            return found;
        }
        assert_ne!(part.mark, mark, "it goes on");
        mark = part.mark;
    }
}

pub async fn all_that_a_user_wrote_is_found(log: Log) {
    let (mine, theirs) = (tenant(), tenant());
    let (a, b, foreign) = (key(&mine, "a"), key(&mine, "b"), key(&theirs, "a"));
    for round in 0..4 {
        let drafts = || vec![by("anna", "one"), by("ben", "two"), by("anna", "three")];
        append(&*log, batch_at(&a, 100 + round, drafts())).await.unwrap();
        append(&*log, batch_at(&b, 100, drafts())).await.unwrap();
        append(&*log, batch_at(&foreign, 100, drafts())).await.unwrap();
    }
    let places =
        |key: &ConversationKey, seqs: &[u64]| -> Vec<_> { seqs.iter().map(|seq| (key.clone(), Seq(*seq))).collect() };
    let seqs = [1, 3, 4, 6, 7, 9, 10, 12];
    let expected = [places(&a, &seqs), places(&b, &seqs)].concat();
    for limit in [1, 3, 1_000] {
        assert_eq!(all(&log, &mine, "anna", 1_000, limit).await, expected, "{limit} at a time");
    }
    assert_eq!(all(&log, &mine, "ben", 1_000, 2).await.len(), 8);
    assert_eq!(all(&log, &theirs, "anna", 1_000, 100).await, places(&foreign, &seqs), "another tenant's");
    for nobody in ["ann", "ANNA", "anna ", "carl"] {
        assert_eq!(all(&log, &mine, nobody, 1_000, 100).await, [], "{nobody}");
    }
}

pub async fn what_came_later_is_left_out(log: Log) {
    let key = key(&tenant(), "a");
    for millis in [100, 200, 300] {
        // A time of the client's own says nothing of when it was received.
        let old = Draft { timestamp: Some(at(5)), ..by("anna", "old") };
        append(&*log, batch_at(&key, millis, vec![by("anna", "x"), old])).await.unwrap();
    }
    for (until, expected) in [(99, 0), (100, 2), (299, 4), (300, 6)] {
        let found = all(&log, &key.tenant, "anna", until, 2).await;
        assert_eq!(found, (1..=expected).map(|seq| (key.clone(), Seq(seq))).collect::<Vec<_>>(), "{until}");
    }
}

pub async fn what_is_edited_is_found_and_what_is_erased_is_not(log: Log) {
    let tenant = tenant();
    let (a, gone) = (key(&tenant, "a"), key(&tenant, "gone"));
    append(&*log, batch_at(&a, 100, vec![by("anna", "one"), by("anna", "two"), by("anna", "three")])).await.unwrap();
    append(&*log, batch_at(&gone, 100, vec![by("anna", "one")])).await.unwrap();
    append(&*log, changes(&a, 150, vec![edit(1, "better"), erase(2)])).await.unwrap();
    assert!(log.erase(&gone).await.unwrap());
    assert_eq!(all(&log, &tenant, "anna", 1_000, 9).await, [(a.clone(), Seq(1)), (a.clone(), Seq(3))]);
    append(&*log, batch_at(&gone, 200, vec![by("ben", "new"), by("anna", "new")])).await.unwrap();
    assert_eq!(all(&log, &tenant, "anna", 1_000, 9).await.last(), Some(&(gone, Seq(2))), "in its next life");
}
