//! Bounded lanes: what waits, what is refused, and who owns the work.

use std::time::Duration;

use anyhow::Result;
use ingest_api::IngestConfig;
use tokio::task::JoinSet;

use crate::service::{Answer, LIMIT, Service, message, post, send, until};

fn one_lane() -> IngestConfig {
    IngestConfig { append_lanes: 1, ..IngestConfig::default() }
}

/// Posts one message whose commit is held, so that all later ones wait in the lane.
async fn occupy(service: &Service, posts: &mut JoinSet<Result<Answer>>) -> Result<()> {
    let before = service.log.commits().len();
    posts.spawn(send(service.router.clone(), post(message("first", "0"))));
    until("the first commit", || async { Ok(service.log.commits().len() > before) }).await
}

#[tokio::test]
async fn what_queues_during_a_commit_shares_the_next_one() -> Result<()> {
    let service = Service::start(one_lane()).await?;
    let mut posts = JoinSet::new();
    let held = service.log.hold().await;
    occupy(&service, &mut posts).await?;
    let mut waiting: Vec<_> = (0..20)
        .map(|i| Box::pin(send(service.router.clone(), post(message(&format!("c{}", i % 3), &i.to_string())))))
        .collect();
    for request in &mut waiting {
        assert!(futures_util::poll!(request).is_pending());
    }
    drop(held);
    for request in waiting {
        assert_eq!(request.await?.status, 200);
    }
    assert_eq!(service.log.commits(), [1, 20]);
    assert_eq!(service.texts("c0").await?, ["0", "3", "6", "9", "12", "15", "18"]);
    let mut notices = service.ports.bus.notices().await?;
    assert_eq!(notices.next(100).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_commit_is_bounded_in_messages_and_bytes() -> Result<()> {
    for config in [
        IngestConfig { append_commit_messages: 2, ..one_lane() },
        IngestConfig { append_commit_bytes: 300, ..one_lane() },
    ] {
        let service = Service::start(config).await?;
        let mut posts = JoinSet::new();
        let held = service.log.hold().await;
        occupy(&service, &mut posts).await?;
        let mut waiting: Vec<_> =
            (0..6).map(|i| Box::pin(send(service.router.clone(), post(message("c", &i.to_string()))))).collect();
        for request in &mut waiting {
            assert!(futures_util::poll!(request).is_pending());
        }
        drop(held);
        for request in waiting {
            assert_eq!(request.await?.status, 200);
        }
        assert_eq!(service.log.commits(), [1, 2, 2, 2]);
        assert_eq!(service.texts("c").await?, ["0", "1", "2", "3", "4", "5"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_full_lane_refuses_at_once_and_stores_nothing_of_it() -> Result<()> {
    for config in [
        IngestConfig { append_queue_requests: 2, ..one_lane() },
        // Room for three short requests with what is kept beside them.
        IngestConfig { append_queue_bytes: 3 * 220, ..one_lane() },
    ] {
        let service = Service::start(config).await?;
        let mut posts = JoinSet::new();
        let held = service.log.hold().await;
        occupy(&service, &mut posts).await?;
        let mut waiting: Vec<_> =
            (0..2).map(|_| Box::pin(send(service.router.clone(), post(message("c", "waits"))))).collect();
        for request in &mut waiting {
            assert!(futures_util::poll!(request).is_pending());
        }
        let refused = service.post(message("c", "refused")).await?;
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "overloaded"));
        assert!(refused.error.is_some_and(|error| error.wait().is_some()));
        drop(held);
        for request in waiting {
            assert_eq!(request.await?.status, 200);
        }
        assert_eq!(service.texts("c").await?, ["waits", "waits"]);
        assert_eq!(service.post(message("c", "room again")).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn one_request_fits_however_small_the_bound_is() -> Result<()> {
    let service = Service::start(IngestConfig { append_queue_bytes: 1, ..one_lane() }).await?;
    assert_eq!(service.post(message("c", "large enough")).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() -> Result<()> {
    let service = Service::start(one_lane()).await?;
    let mut posts = JoinSet::new();
    let held = service.log.hold().await;
    occupy(&service, &mut posts).await?;
    let mut queued = Box::pin(send(service.router.clone(), post(message("c", "queued"))));
    assert!(futures_util::poll!(&mut queued).is_pending());
    drop(queued);
    posts.abort_all();
    drop(held);
    until("both commits", || async {
        Ok(service.texts("first").await? == ["0"] && service.texts("c").await? == ["queued"])
    })
    .await
}

#[tokio::test]
async fn waiting_has_a_limit_and_the_commit_goes_on() -> Result<()> {
    let service = Service::start(IngestConfig { append_timeout: Duration::from_millis(1), ..one_lane() }).await?;
    let held = service.log.hold().await;
    let late = service.keyed("k", &message("c", "late")).await?;
    assert_eq!((late.status.as_u16(), late.code()), (503, "unavailable"));
    assert!(late.error.is_some_and(|error| error.message().contains("not known")));
    drop(held);
    until("the commit", || async { Ok(service.texts("c").await? == ["late"]) }).await
}

#[tokio::test]
async fn a_stop_finishes_what_was_queued_and_refuses_the_rest() -> Result<()> {
    let service = Service::start(one_lane()).await?;
    let mut posts = JoinSet::new();
    let held = service.log.hold().await;
    occupy(&service, &mut posts).await?;
    let mut queued = Box::pin(send(service.router.clone(), post(message("c", "queued"))));
    assert!(futures_util::poll!(&mut queued).is_pending());
    let tasks = service.tasks.clone();
    let stop = tokio::spawn(async move { tasks.shutdown(LIMIT).await });
    service.tasks.stopping().cancelled().await;
    drop(held);
    assert_eq!(queued.await?.status, 200);
    stop.await??;
    let refused = service.post(message("c", "too late")).await?;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "unavailable"));
    assert_eq!(service.texts("c").await?, ["queued"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_posts_to_many_conversations_stand_once_and_in_order() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    let mut writers = JoinSet::new();
    for writer in 0..32 {
        let router = service.router.clone();
        writers.spawn(async move {
            for i in 0..30 {
                let answer = send(router.clone(), post(message(&format!("c{writer}"), &i.to_string()))).await?;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    writers.join_all().await.into_iter().collect::<Result<Vec<()>>>()?;
    let expected: Vec<String> = (0..30).map(|i| i.to_string()).collect();
    for writer in 0..32 {
        assert_eq!(service.texts(&format!("c{writer}")).await?, expected);
    }
    Ok(())
}
