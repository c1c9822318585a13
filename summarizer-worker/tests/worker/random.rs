//! Random histories: posts, changes, ends, erasures of messages, of conversations and of users, restarts and faults in
//! any order. In the end every view is the fold of its log, every message is covered, and nothing is left of what was
//! to go.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use shared::config::SummaryPolicy;
use shared::domain::{Record, Seq, Timestamp};
use shared::ports::MessageLog as _;
use shared::projections::ConversationView;
use summarizer_worker::{Engines, ModelConfig, WorkerConfig, check};

use crate::memory::{CountingEngine, Weather};
use crate::oracle::{assert_covered, assert_views, chain};
use crate::world::{USERS, World, key, until};

#[derive(Debug, Clone)]
enum Act {
    Post { conversation: u8, count: usize },
    End { conversation: u8 },
    Edit { conversation: u8, place: u64 },
    EraseMessage { conversation: u8, place: u64 },
    Erase { conversation: u8 },
    EraseUser { user: usize },
    Notice { conversation: u8, seq: u64 },
    Weather { lost: u32, doubled: u32 },
    Faults { store: u64, log: u64, stale: u64, engine: u64 },
    Restart { workers: usize },
    Wait { millis: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let conversation = 0..4u8;
    prop_oneof![
        8 => (conversation.clone(), prop_oneof![1..5usize, 30..90usize])
            .prop_map(|(conversation, count)| Act::Post { conversation, count }),
        2 => conversation.clone().prop_map(|conversation| Act::End { conversation }),
        1 => (conversation.clone(), 0..100u64).prop_map(|(conversation, place)| Act::Edit { conversation, place }),
        2 => (conversation.clone(), 0..100u64)
            .prop_map(|(conversation, place)| Act::EraseMessage { conversation, place }),
        1 => conversation.clone().prop_map(|conversation| Act::Erase { conversation }),
        1 => (0..USERS.len()).prop_map(|user| Act::EraseUser { user }),
        2 => (conversation, 0..200u64).prop_map(|(conversation, seq)| Act::Notice { conversation, seq }),
        1 => (0..=100u32, 0..=100u32).prop_map(|(lost, doubled)| Act::Weather { lost, doubled }),
        2 => (0..4u64, 0..4u64, 0..4u64, 0..4u64)
            .prop_map(|(store, log, stale, engine)| Act::Faults { store, log, stale, engine }),
        1 => (1..3usize).prop_map(|workers| Act::Restart { workers }),
        6 => (0..3_000u64).prop_map(|millis| Act::Wait { millis }),
    ]
}

async fn play(seed: u64, acts: Vec<Act>) {
    let policy = SummaryPolicy {
        summary_idle: Duration::from_secs(1),
        summary_min_interval: Duration::from_secs(2),
        conversation_idle_end: Duration::ZERO,
        ..SummaryPolicy::default()
    };
    let mut world = World::seeded(WorkerConfig { policy, ..WorkerConfig::default() }, seed);
    let engine = if seed.is_multiple_of(2) { CountingEngine::paid() } else { CountingEngine::noting() };
    let engines = || {
        let engines = Engines::from(engine.clone());
        if seed % 4 < 2 { engines } else { engines.thrifty(&thrift()) }
    };
    world.start_engines(engines());
    let mut demands = BTreeMap::new();
    for act in acts {
        let name = |conversation: u8| key(&format!("c{conversation}"));
        match act {
            Act::Post { conversation, count } => drop(world.post(&name(conversation), count).await),
            Act::End { conversation } if world.log.all(&name(conversation)).is_empty() => {}
            Act::End { conversation } => drop(world.end(&name(conversation)).await),
            Act::Edit { conversation, place } => world.edit(&name(conversation), place).await,
            Act::EraseMessage { conversation, place } => world.erase_message(&name(conversation), place).await,
            Act::EraseUser { user } => {
                demands.insert(USERS[user], world.erase_user(USERS[user]).await);
                // Of what comes later within the same millisecond nobody could say that it came later.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Act::Erase { conversation } => drop(world.log.erase(&name(conversation)).await),
            Act::Notice { conversation, seq } => world.notify(&name(conversation), Seq(seq)),
            Act::Weather { lost, doubled } => world.bus.weather(Weather { lost, doubled, shuffled: true }),
            Act::Faults { store, log, stale, engine: calls } => {
                world.views.faults.next(store);
                world.log.faults.next(log);
                world.views.stale.next(stale);
                engine.faults.next(calls);
            }
            Act::Restart { workers } => {
                world.stop().await;
                for _ in 0..workers {
                    world.start_engines(engines());
                }
            }
            Act::Wait { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }
    for user in demands.keys() {
        world.user_erased(user).await;
    }
    settle(&world).await;
    assert_gone(&world, &demands);
    assert_views(&world);
    assert_covered(&world);
    world.stop().await;
    for faults in [&world.views.faults, &world.log.faults] {
        faults.next(0);
    }
    let report = check(&world.ports).await.unwrap();
    assert!(report.is_clean() && report.behind == 0, "{report}: {:?}", report.faults);
}

/// As short as the other times here.
fn thrift() -> ModelConfig {
    ModelConfig {
        llm_min_new_tokens: 300,
        llm_idle: Duration::from_secs(3),
        llm_max_wait: Duration::from_secs(5),
        ..ModelConfig::default()
    }
}

pub(crate) async fn settle(world: &World) {
    until("everything covered", || {
        let state = world.views.state.lock();
        let no_more: Vec<_> = state.views.keys().filter(|key| world.log.all(key).is_empty()).collect();
        let done = |key: &shared::domain::ConversationKey| {
            let records = world.log.all(key);
            let told = |record: &&Record| record.posted().is_some() || record.changes().is_some();
            let any = records.iter().any(|record| record.posted().is_some());
            let last = records.iter().rev().find(told).filter(|_| any).map(|record| record.seq);
            // An earlier life may have had as many records.
            let is_of = |view: &ConversationView| view.digest == chain(key, &records);
            let view = state.views.get(key).filter(|view| view.applied_seq.0 == records.len() as u64);
            view.is_some_and(is_of) && state.pointer(key).map(|pointer| pointer.covers.last_seq) == last
        };
        no_more.is_empty() && world.log.keys().iter().all(done)
    })
    .await;
}

/// Nothing that these users had written when that was demanded is left.
fn assert_gone(world: &World, demands: &BTreeMap<&str, Timestamp>) {
    for key in world.log.keys() {
        for record in world.log.all(&key) {
            let Some(demanded) = record.posted().and_then(|posted| demands.get(posted.user.as_str())) else { continue };
            assert!(record.received_at > *demanded, "{key:?} {}", record.seq);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_happens_views_follow_the_log_and_everything_is_covered(
        seed in any::<u64>(),
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(play(seed, acts));
    }
}
