//! Erasing a conversation: from the log, from the views, to the end.

use anyhow::Result;
use http::Method;
use ingest_api::IngestConfig;
use shared::domain::{Seq, Version};
use shared::ports::{Announcement, MessageLog as _};

use crate::service::{Answer, Service, key, message, request, send, until};

async fn erase(service: &Service) -> Result<Answer> {
    service.send(request(Method::DELETE, "/chats/c", "")).await
}

#[tokio::test]
async fn an_erased_conversation_is_gone_and_its_name_is_free() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    let mut announcements = service.ports.bus.announcements().await?;
    assert_eq!(erase(&service).await?.code(), "conversation_not_found");
    service.post(message("c", "a")).await?;
    let erased = erase(&service).await?;
    assert_eq!((erased.status.as_u16(), erased.text.as_str()), (204, ""));
    assert!(service.records("c").await?.is_empty());
    assert!(service.log.erasures(10).await?.is_empty());
    assert_eq!(announcements.recv().await?, Announcement::Erased { key: key("c") });
    assert_eq!(erase(&service).await?.status, 404);
    service.post(message("c", "anew")).await?;
    assert_eq!(service.records("c").await?[0].seq, Seq(1));
    Ok(())
}

#[tokio::test]
async fn a_client_that_hangs_up_stops_nothing_in_the_middle() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    service.post(message("c", "a")).await?;
    let held = service.log.hold().await;
    let erasing = tokio::spawn(send(service.router.clone(), request(Method::DELETE, "/chats/c", "")));
    until("the first step", || async { Ok(!service.log.erasures(10).await?.is_empty()) }).await?;
    erasing.abort();
    assert!(erasing.await.is_err());
    drop(held);
    until("the last step", || async { Ok(service.log.erasures(10).await?.is_empty()) }).await
}

#[tokio::test]
async fn only_so_many_are_erased_at_the_same_time() -> Result<()> {
    let service = Service::start(IngestConfig { erase_concurrency: 1, ..IngestConfig::default() }).await?;
    service.post(message("c", "a")).await?;
    service.post(message("other", "a")).await?;
    let held = service.log.hold().await;
    let erasing = tokio::spawn(send(service.router.clone(), request(Method::DELETE, "/chats/c", "")));
    until("the first step", || async { Ok(!service.log.erasures(10).await?.is_empty()) }).await?;
    let other = || service.send(request(Method::DELETE, "/chats/other", ""));
    assert_eq!(other().await?.code(), "overloaded");
    drop(held);
    assert_eq!(erasing.await??.status, 204);
    assert_eq!(erase(&service).await?.status, 404);
    assert_eq!(other().await?.status, 204);
    Ok(())
}

#[tokio::test]
async fn a_message_that_came_meanwhile_is_told_again() -> Result<()> {
    let service = Service::start(IngestConfig::default()).await?;
    service.post(message("c", "old")).await?;
    let held = service.log.hold().await;
    let erasing = tokio::spawn(send(service.router.clone(), request(Method::DELETE, "/chats/c", "")));
    until("the first step", || async { Ok(!service.log.erasures(10).await?.is_empty()) }).await?;
    let posting = tokio::spawn(send(service.router.clone(), crate::service::post(message("c", "new"))));
    drop(held);
    assert_eq!(posting.await??.status, 200);
    assert_eq!(erasing.await??.status, 204);
    assert_eq!(service.texts("c").await?, ["new"]);
    let mut notices = service.ports.bus.notices().await?;
    assert!(notices.next(10).await?.iter().any(|delivery| delivery.notice.key == key("c")));
    assert_eq!(service.ports.views.newest_summary(&key("c")).await?.map(|summary| summary.version), None::<Version>);
    Ok(())
}
