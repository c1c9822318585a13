//! The worker over the embedded adapters.

use std::sync::Arc;
use std::time::Duration;

use shared::config::SummaryPolicy;
use shared::domain::{ConversationKey, EndReason, Seq, UserId};
use shared::ports::{Announcement, Append, Condition, Draft, Entry, Notice, Ports};
use shared_adapters::{StoreConfig, open};
use shared_service::Tasks;
use summarizer_worker::{LocalSummarizer, WorkerConfig, build, check};

use crate::world::key;

async fn post(ports: &Ports, key: &ConversationKey, count: usize) -> Seq {
    let entry = |n| {
        Entry::Posted(Draft {
            user: UserId::parse(["anna", "ben"][n % 2]).unwrap(),
            message_id: None,
            content: format!("Ben will send report {n} by Friday, can Anna check it?").into(),
            timestamp: None,
            metadata: None,
            salt: ports.ids.random(),
        })
    };
    append(ports, key, (0..count).map(entry).collect()).await
}

async fn append(ports: &Ports, key: &ConversationKey, entries: Vec<Entry>) -> Seq {
    let batch = Append {
        key: key.clone(),
        entries,
        idempotency: None,
        received_at: ports.clock.now(),
        condition: Condition::Always,
    };
    let head = ports.log.append(vec![batch]).await.pop().unwrap().unwrap().head;
    ports.bus.notify(Notice { key: key.clone(), seq: head });
    head
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_become_views_and_summaries_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = StoreConfig::embedded(folder.path());
    let policy = SummaryPolicy { summary_idle: Duration::from_millis(50), ..SummaryPolicy::default() };
    let config = WorkerConfig { policy, ..WorkerConfig::default() };
    for life in 1..=2u64 {
        let ports = open(&store).await.unwrap();
        let tasks = Tasks::new();
        let mut heard = ports.bus.announcements().await.unwrap();
        build(&ports, Arc::new(LocalSummarizer), &config, &tasks);
        for n in 0..20 {
            post(&ports, &key(&format!("c{n}")), 70).await;
            append(&ports, &key(&format!("c{n}")), vec![Entry::Ended(EndReason::Requested)]).await;
        }
        let mut ended = 0;
        let all = async {
            while ended < 20 {
                if let Announcement::Ended { .. } = heard.recv().await.unwrap() {
                    ended += 1;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), all).await.unwrap();
        tasks.shutdown(Duration::from_secs(10)).await.unwrap();
        let report = check(&ports).await.unwrap();
        assert!(report.is_clean() && report.behind == 0, "{report}: {:?}", report.faults);
        assert_eq!((report.conversations, report.messages), (20, 20 * 70 * life));
        assert!(report.summaries >= 20 * life);
    }
}
