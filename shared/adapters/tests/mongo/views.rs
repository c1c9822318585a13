//! Workers that die between the commands of one step.

use shared::domain::{Seq, Version};
use shared::ports::{CasOutcome, HistoryQuery, ViewStore};
use shared_testkit::conformance::build::{fresh, user};
use shared_testkit::conformance::view_store::steps::{commit, message, project, row, save, step, summary};
use shared_testkit::mongo_proxy::Fault;
use std::time::Duration;

use crate::stage::{Stage, proxied};

const ALL: HistoryQuery = HistoryQuery { start: None, end: None, offset: 0, limit: 100 };

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn participations_follow_a_view_whose_worker_died() {
    let Some(stage) = Stage::new().await else { return };
    // Before the rows, after the rows but before anybody heard of it.
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let (proxy, store) = proxied(&stage).await;
        let other = stage.store().await.views;
        let key = fresh();
        let view = project(&*store.views, &key, &[message(1, "u", 1)]).await;
        let second = step(&key, Some(&view), &[message(2, "u", 2), message(3, "v", 3)]);
        proxy.tell("update", "views", Fault::Delay(Duration::ZERO));
        proxy.tell("update", "views", fault);
        assert!(store.views.commit(vec![second.clone()]).await.is_err());
        assert!(proxy.is_done());
        assert_eq!(commit(&*other, second.clone()).await, CasOutcome::Stale, "the view has moved");
        // The next worker looks, or just goes on.
        assert_eq!(row(&*other, &key).await.unwrap().view, second.view);
        let third = step(&key, Some(&second.view), &[message(4, "u", 4)]);
        assert_eq!(commit(&*other, third).await, CasOutcome::Applied);
        for (name, messages) in [("u", 3), ("v", 1)] {
            let (rows, total) = other.history(&key.tenant, &user(name), &ALL).await.unwrap();
            assert_eq!((total, rows[0].messages), (1, messages), "{name}");
        }
        assert_eq!(other.participants(&key).await.unwrap(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_finds_out_what_a_dead_worker_owes() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let other = stage.store().await.views;
    let key = fresh();
    let first = step(&key, None, &[message(1, "u", 1), message(2, "v", 2)]);
    proxy.tell("update", "views", Fault::Delay(Duration::ZERO));
    proxy.tell("update", "views", Fault::CutBefore);
    assert!(store.views.commit(vec![first.clone()]).await.is_err());
    // Without having loaded the view.
    let second = step(&key, Some(&first.view), &[message(3, "u", 3)]);
    assert_eq!(commit(&*other, second).await, CasOutcome::Applied);
    let (rows, _) = other.history(&key.tenant, &user("u"), &ALL).await.unwrap();
    assert_eq!((rows[0].messages, rows[0].last_seq), (2, Seq(3)));
    assert_eq!(other.participants(&key).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stored_version_without_a_pointer_is_pointed_to() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let other = stage.store().await.views;
    let key = fresh();
    project(&*store.views, &key, &[message(1, "u", 1), message(2, "u", 2)]).await;
    proxy.tell("update", "views", Fault::CutBefore);
    let epoch = row(&*other, &key).await.unwrap().epoch;
    assert!(store.views.save_summary(&key, epoch, Version::ZERO, &summary(1, 2)).await.is_err());
    assert_eq!(other.newest_summary(&key).await.unwrap(), None, "not yet");
    assert_eq!(save(&*other, &key, Version::ZERO, &summary(1, 1)).await, CasOutcome::Stale);
    assert_eq!(other.newest_summary(&key).await.unwrap(), Some(summary(1, 2)), "it was paid for");
    assert_eq!(row(&*other, &key).await.unwrap().summary, Some(summary(1, 2).pointer()));
    assert_eq!(save(&*other, &key, Version(1), &summary(2, 2)).await, CasOutcome::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repair_that_was_cut_short_is_finished() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let other = stage.store().await.views;
    let key = fresh();
    project(&*store.views, &key, &[message(1, "wrong", 1), message(2, "u", 2)]).await;
    let right = step(&key, None, &[message(1, "u", 1), message(2, "u", 2), message(3, "v", 3)]);
    proxy.tell("update", "views", Fault::Delay(Duration::ZERO));
    proxy.tell("update", "views", Fault::CutBefore);
    assert!(store.views.replace(right.clone()).await.is_err());
    assert_eq!(row(&*other, &key).await.unwrap().view, right.view);
    let (rows, _) = other.history(&key.tenant, &user("u"), &ALL).await.unwrap();
    assert_eq!(rows[0].messages, 2);
    assert_eq!(other.history(&key.tenant, &user("wrong"), &ALL).await.unwrap().1, 0);
    assert_eq!(other.participants(&key).await.unwrap(), 2);
}
