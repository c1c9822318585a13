//! Limits and summaries shared through a real `redis-server`: the suites of their ports, three replicas, and a server
//! that dies.

#![cfg(feature = "redis")]
#![expect(clippy::unwrap_used, reason = "a backend that cannot be used fails its test")]

use std::num::NonZeroU32;
use std::sync::Arc;

use shared::domain::{CallerId, Digest};
use shared::ports::{Quota, RateLimiter, ViewStore};
use shared_adapters::{CachedViewStore, ChannelEventBus, RedisLink, RedisRateLimiter, RedisUrl, SqliteViewStore};
use shared_testkit::process::RedisServer;
use shared_testkit::wait;
use tempfile::TempDir;

async fn up(link: &RedisLink) {
    wait::until("a connection to Redis", async || Ok(link.is_up().then_some(()))).await.unwrap();
}

async fn limiter_of(server: &RedisServer) -> (RedisRateLimiter, Arc<RedisLink>) {
    let link = Arc::new(RedisLink::open(&server.url().parse().unwrap()).unwrap());
    up(&link).await;
    // How fast the machine is does not decide who counts.
    (RedisRateLimiter::new(Arc::clone(&link)).within(wait::LIMIT), link)
}

fn caller(name: &str) -> CallerId {
    CallerId::Key(Digest::of(name.as_bytes()))
}

fn quota(per_minute: u32) -> Quota {
    Quota { per_minute: NonZeroU32::new(per_minute).unwrap() }
}

/// How many of `requests` at once pass, spread over the limiters.
async fn passing(limiters: &[Arc<RedisRateLimiter>], name: &str, requests: usize, most: u32) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..requests {
        let (limiter, caller) = (Arc::clone(&limiters[n % limiters.len()]), caller(name));
        tasks.spawn(async move { limiter.check(&caller, quota(most)).await.allowed });
    }
    tasks.join_all().await.into_iter().filter(|allowed| *allowed).count()
}

mod suite {
    use super::*;

    async fn shared() -> Option<(Arc<dyn RateLimiter>, RedisServer)> {
        let server = RedisServer::with_password("s3cret").await.unwrap()?;
        let (limiter, _) = limiter_of(&server).await;
        Some((Arc::new(limiter), server))
    }

    shared_testkit::rate_limiter_suite!(shared);
}

mod cached_views {
    use super::*;

    async fn cached() -> Option<(Arc<dyn ViewStore>, (RedisServer, TempDir))> {
        let server = RedisServer::start().await.unwrap()?;
        let link = Arc::new(RedisLink::open(&server.url().parse().unwrap()).unwrap());
        up(&link).await;
        let folder = tempfile::tempdir().unwrap();
        let inner = Arc::new(SqliteViewStore::open(folder.path()).unwrap());
        let cached = CachedViewStore::new(inner, link, Arc::new(ChannelEventBus::new()));
        Some((Arc::new(cached), (server, folder)))
    }

    shared_testkit::view_store_suite!(cached);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_replicas_let_through_what_one_would() {
    let Some(server) = RedisServer::start().await.unwrap() else { return };
    let mut limiters = Vec::new();
    for _ in 0..3 {
        limiters.push(Arc::new(limiter_of(&server).await.0));
    }
    assert_eq!(passing(&limiters, "a", 6, 10).await, 6);
    let remaining = limiters[0].check(&caller("a"), quota(10)).await.remaining;
    assert_eq!(remaining, 3, "each knows what passed at the others");
    assert_eq!(passing(&limiters, "a", 90, 10).await, 3);
    for limiter in &limiters {
        let refused = limiter.check(&caller("a"), quota(10)).await;
        assert!(!refused.allowed && refused.remaining == 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_redis_each_process_counts_for_itself() {
    let Some(server) = RedisServer::stopped().unwrap() else { return };
    let link = Arc::new(RedisLink::open(&server.url().parse().unwrap()).unwrap());
    let limiter = [Arc::new(RedisRateLimiter::new(link))];
    assert_eq!(passing(&limiter, "a", 50, 10).await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_dies_and_comes_back_fails_no_request() {
    let Some(mut server) = RedisServer::start().await.unwrap() else { return };
    let (limiter, link) = limiter_of(&server).await;
    let limiter = [Arc::new(limiter)];
    assert_eq!(passing(&limiter, "a", 2, 3).await, 2);
    server.kill().await.unwrap();
    assert_eq!(passing(&limiter, "a", 20, 3).await, 1, "what passed before still counts here");
    wait::until("the connection to be given up", async || {
        limiter[0].check(&caller("b"), quota(1_000_000)).await;
        Ok((!link.is_up()).then_some(()))
    })
    .await
    .unwrap();
    server.restart().await.unwrap();
    up(&link).await;
    assert_eq!(passing(&limiter, "a", 20, 3).await, 0, "and when Redis is back, empty");
    let other = [Arc::new(limiter_of(&server).await.0)];
    assert_eq!(passing(&limiter, "c", 1, 3).await + passing(&other, "c", 20, 3).await, 3, "counted together again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_hangs_is_left_alone_after_a_few_requests() {
    let Some(server) = RedisServer::start().await.unwrap() else { return };
    let (_, link) = limiter_of(&server).await;
    let limiter = RedisRateLimiter::new(Arc::clone(&link));
    server.freeze().await.unwrap();
    let mut asked = 0;
    while link.is_up() {
        assert!(limiter.check(&caller("a"), quota(10)).await.allowed);
        asked += 1;
    }
    assert!(asked <= 3, "{asked}");
    for _ in asked..10 {
        assert!(limiter.check(&caller("a"), quota(10)).await.allowed);
    }
    assert!(!limiter.check(&caller("a"), quota(10)).await.allowed);
    server.thaw().await.unwrap();
    up(&link).await;
}

#[test]
fn a_password_is_never_shown() {
    let url: RedisUrl = "redis://user:s3cret@localhost:1".parse().unwrap();
    assert!(!format!("{url} {url:?}").contains("s3cret"));
}
