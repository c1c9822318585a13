//! Two processes over one store and one Redis.

use super::*;
use crate::channel_bus::ChannelEventBus;
use crate::redis::RedisLink;
use crate::sqlite::SqliteViewStore;

use shared::ports::Announcement;
use shared_testkit::conformance::build::{fresh, tenant};
use shared_testkit::conformance::view_store::steps::{self, message, project, summary};
use shared_testkit::process::RedisServer;
use shared_testkit::wait;
use tempfile::TempDir;
use tokio::time::Instant;

struct World {
    redis: RedisServer,
    bus: Arc<ChannelEventBus>,
    store: Arc<SqliteViewStore>,
    folder: TempDir,
}

impl World {
    async fn start() -> Option<Self> {
        let redis = RedisServer::start().await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteViewStore::open(folder.path()).unwrap());
        Some(Self { redis, bus: Arc::new(ChannelEventBus::new()), store, folder })
    }

    /// A process that has listened long enough to take something from Redis.
    async fn process(&self, store: Arc<dyn ViewStore>) -> CachedViewStore {
        let link = Arc::new(RedisLink::open(&self.redis.url().parse().unwrap()).unwrap());
        wait::until("Redis", async || Ok(link.is_up().then_some(()))).await.unwrap();
        CachedViewStore::with(store, link, self.bus.clone(), Floors::deaf_until(Instant::now()))
    }

    /// One that reads another, empty store: what it finds comes from Redis.
    async fn shadow(&self) -> CachedViewStore {
        let empty = self.folder.path().join("empty");
        std::fs::create_dir_all(&empty).unwrap();
        self.process(Arc::new(SqliteViewStore::open(&empty).unwrap())).await
    }
}

async fn version(store: &CachedViewStore, key: &ConversationKey) -> Option<u64> {
    store.newest_summary(key).await.unwrap().map(|summary| summary.version.0)
}

async fn save(store: &CachedViewStore, key: &ConversationKey, number: u64) {
    let saved = steps::save(store, key, Version(number - 1), &summary(number, 1)).await;
    assert_eq!(saved, CasOutcome::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_process_stores_others_take_from_redis_and_never_something_older() {
    let Some(world) = World::start().await else { return };
    let (writer, reader) = (world.process(world.store.clone()).await, world.process(world.store.clone()).await);
    let shadow = world.shadow().await;
    let key = fresh();
    project(&*world.store, &key, &[message(1, "u", 1)]).await;
    assert_eq!(version(&reader, &key).await, None);
    for number in 1..=20 {
        save(&writer, &key, number).await;
        assert_eq!(version(&shadow, &key).await, Some(number), "from Redis");
        assert_eq!(version(&reader, &key).await, Some(number));
        // A slow reader brings what it read before.
        if number > 1 {
            reader.newest.fill(&key, &summary(number - 1, 1)).await;
            assert_eq!(version(&reader, &key).await, Some(number));
        }
    }
    let same_name = ConversationKey::new(tenant(), key.conversation.clone());
    assert_eq!(version(&shadow, &same_name).await, None, "another tenant's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erased_conversation_is_not_found_and_does_not_come_back() {
    let Some(world) = World::start().await else { return };
    let (writer, reader) = (world.process(world.store.clone()).await, world.process(world.store.clone()).await);
    let key = fresh();
    project(&*world.store, &key, &[message(1, "u", 1)]).await;
    save(&writer, &key, 1).await;
    let before = reader.newest_summary(&key).await.unwrap().unwrap();
    writer.erase(&key).await.unwrap();
    assert_eq!(version(&reader, &key).await, None);
    reader.newest.fill(&key, &before).await;
    assert_eq!(version(&reader, &key).await, None);
    // Its next life is read from the store.
    project(&*world.store, &key, &[message(1, "u", 2)]).await;
    save(&writer, &key, 1).await;
    assert_eq!(version(&reader, &key).await, Some(1));
    assert_eq!(version(&world.shadow().await, &key).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_redis_could_not_be_told_the_announcement_counts() {
    let Some(mut world) = World::start().await else { return };
    let reader = world.process(world.store.clone()).await;
    let key = fresh();
    project(&*world.store, &key, &[message(1, "u", 1)]).await;
    save(&reader, &key, 1).await;
    // A worker without Redis stores the next one.
    let stored = steps::save(&*world.store, &key, Version(1), &summary(2, 1)).await;
    assert_eq!(stored, CasOutcome::Applied);
    world.bus.announce(Announcement::Summarized { key: key.clone(), version: Version(2) });
    let heard = async || Ok((reader.floors.floor(&key) == Some(Version(2))).then_some(()));
    wait::until("the announcement", heard).await.unwrap();
    assert_eq!(version(&reader, &key).await, Some(2));
    world.redis.kill().await.unwrap();
    assert_eq!(version(&reader, &key).await, Some(2));
    save(&reader, &key, 3).await;
    assert_eq!(version(&reader, &key).await, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_summary_that_was_taken_back_does_not_come_back() {
    let Some(mut world) = World::start().await else { return };
    let (writer, reader) = (world.process(world.store.clone()).await, world.process(world.store.clone()).await);
    let shadow = world.shadow().await;
    let key = fresh();
    project(&*world.store, &key, &[message(1, "u", 1)]).await;
    save(&writer, &key, 1).await;
    let before = reader.newest_summary(&key).await.unwrap().unwrap();
    assert_eq!(writer.retract(&key, &[Seq(1)]).await.unwrap(), Version(1));
    assert_eq!((version(&reader, &key).await, version(&shadow, &key).await), (None, None));
    // A slow reader brings what it read before.
    reader.newest.fill(&key, &before).await;
    assert_eq!((version(&reader, &key).await, version(&shadow, &key).await), (None, None));
    save(&writer, &key, 2).await;
    assert_eq!((version(&reader, &key).await, version(&shadow, &key).await), (Some(2), Some(2)));
    // A worker that cannot reach Redis takes it back: the announcement counts.
    assert_eq!(world.store.retract(&key, &[Seq(1)]).await.unwrap(), Version(2));
    world.bus.announce(Announcement::Retracted { key: key.clone(), version: Version(2) });
    let heard = async || Ok((reader.floors.floor(&key) == Some(Version(3))).then_some(()));
    wait::until("the announcement", heard).await.unwrap();
    assert_eq!(version(&reader, &key).await, None);
    world.redis.kill().await.unwrap();
    assert_eq!(version(&reader, &key).await, None);
}
