//! The laws of [`shared::ports::EventBus`].

/// All cases against one backend.
#[macro_export]
macro_rules! event_bus_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, event_bus:
            notices::notices_of_one_conversation_are_one,
            notices::equal_names_in_two_tenants_are_two,
            notices::an_acknowledged_notice_does_not_come_again,
            notices::a_dropped_delivery_comes_again,
            notices::a_notice_put_off_comes_later,
            notices::what_moves_while_it_is_worked_on_comes_again,
            notices::streams_share_the_notices,
            asks::an_ask_is_answered,
            asks::an_ask_ends_at_its_deadline,
            asks::asks_are_shared_between_workers,
            asks::announcements_reach_all_listeners,
        }
    };
}

use std::time::Duration;

/// How long a case waits for what must come.
const LIMIT: Duration = Duration::from_secs(30);

pub mod notices {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use shared::domain::{ConversationKey, Seq};
    use shared::ports::{Delivery, EventBus, Notice, NoticeStream};

    use super::LIMIT;
    use crate::conformance::build::{fresh, key, tenant};

    /// The backend under test.
    type Bus = Arc<dyn EventBus>;

    fn notify(bus: &Bus, key: &ConversationKey, seq: u64) {
        bus.notify(Notice { key: key.clone(), seq: Seq(seq) });
    }

    async fn some(stream: &mut Box<dyn NoticeStream>, most: usize) -> Vec<Delivery> {
        let some = tokio::time::timeout(LIMIT, stream.next(most)).await.expect("a notice in time").unwrap();
        assert!(!some.is_empty() && some.len() <= most);
        some
    }

    async fn one(stream: &mut Box<dyn NoticeStream>) -> Delivery {
        some(stream, 1).await.remove(0)
    }

    /// Reads up to a notice that was sent last, acknowledging all; answers what came before it.
    async fn drain(bus: &Bus, stream: &mut Box<dyn NoticeStream>) -> Vec<Notice> {
        let last = fresh();
        notify(bus, &last, 1);
        let mut seen = Vec::new();
        loop {
            let delivery = one(stream).await;
            delivery.receipt.ack().await;
            if delivery.notice.key == last {
                return seen;
            }
            seen.push(delivery.notice);
        }
    }

    pub async fn notices_of_one_conversation_are_one(bus: Bus) {
        let tenant = tenant();
        for seq in [3, 9, 4] {
            notify(&bus, &key(&tenant, "a"), seq);
            notify(&bus, &key(&tenant, "b"), seq);
        }
        let mut stream = bus.notices().await.unwrap();
        let mut seen = drain(&bus, &mut stream).await;
        seen.retain(|notice| notice.key.tenant == tenant);
        seen.sort_by(|one, other| one.key.cmp(&other.key));
        let highest = |name| Notice { key: key(&tenant, name), seq: Seq(9) };
        assert_eq!(seen, [highest("a"), highest("b")]);
    }

    pub async fn equal_names_in_two_tenants_are_two(bus: Bus) {
        let (mine, theirs) = (key(&tenant(), "twin"), key(&tenant(), "twin"));
        notify(&bus, &mine, 3);
        notify(&bus, &theirs, 9);
        let mut stream = bus.notices().await.unwrap();
        let mut seen = drain(&bus, &mut stream).await;
        seen.retain(|notice| notice.key == mine || notice.key == theirs);
        seen.sort_by_key(|notice| notice.seq);
        assert_eq!(seen, [Notice { key: mine, seq: Seq(3) }, Notice { key: theirs, seq: Seq(9) }]);
    }

    pub async fn an_acknowledged_notice_does_not_come_again(bus: Bus) {
        let key = fresh();
        let mut stream = bus.notices().await.unwrap();
        notify(&bus, &key, 1);
        one(&mut stream).await.receipt.ack().await;
        assert_eq!(drain(&bus, &mut stream).await, []);
        assert_eq!(bus.pending(), 0);
        notify(&bus, &key, 2);
        assert_eq!(one(&mut stream).await.notice, Notice { key, seq: Seq(2) });
    }

    pub async fn a_dropped_delivery_comes_again(bus: Bus) {
        let key = fresh();
        let mut stream = bus.notices().await.unwrap();
        notify(&bus, &key, 1);
        for _ in 0..3 {
            let delivery = one(&mut stream).await;
            assert_eq!(delivery.notice, Notice { key: key.clone(), seq: Seq(1) });
            drop(delivery);
        }
        one(&mut stream).await.receipt.ack().await;
        assert_eq!(drain(&bus, &mut stream).await, []);
    }

    pub async fn a_notice_put_off_comes_later(bus: Bus) {
        let (slow, quick) = (fresh(), fresh());
        let delay = Duration::from_millis(300);
        let mut stream = bus.notices().await.unwrap();
        notify(&bus, &slow, 1);
        let delivery = one(&mut stream).await;
        let since = Instant::now();
        delivery.receipt.retry_later(delay).await;
        notify(&bus, &slow, 2);
        notify(&bus, &quick, 1);
        let first = one(&mut stream).await;
        // On a machine so slow that the delay is over already, either may come first.
        assert!(first.notice.key == quick || since.elapsed() >= delay);
        first.receipt.ack().await;
        let second = one(&mut stream).await;
        assert!(since.elapsed() >= delay);
        assert_ne!(second.notice.key, first.notice.key);
        assert!(second.notice.key != slow || second.notice.seq == Seq(2), "it kept up with what came meanwhile");
    }

    pub async fn what_moves_while_it_is_worked_on_comes_again(bus: Bus) {
        let key = fresh();
        let mut stream = bus.notices().await.unwrap();
        notify(&bus, &key, 1);
        let delivery = one(&mut stream).await;
        notify(&bus, &key, 2);
        delivery.receipt.ack().await;
        let again = one(&mut stream).await;
        assert_eq!(again.notice, Notice { key, seq: Seq(2) });
        again.receipt.ack().await;
        assert_eq!(drain(&bus, &mut stream).await, []);
    }

    pub async fn streams_share_the_notices(bus: Bus) {
        const CONVERSATIONS: usize = 200;
        let tenant = tenant();
        let (report, mut reports) = tokio::sync::mpsc::channel(CONVERSATIONS);
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (mut stream, report) = (bus.notices().await.unwrap(), report.clone());
            workers.spawn(async move {
                while let Ok(deliveries) = stream.next(7).await {
                    for delivery in deliveries {
                        let key = delivery.notice.key.clone();
                        delivery.receipt.ack().await;
                        report.send(key).await.unwrap();
                    }
                }
            });
        }
        for n in 0..CONVERSATIONS {
            notify(&bus, &key(&tenant, &n.to_string()), 1);
        }
        let mut seen = BTreeSet::new();
        for _ in 0..CONVERSATIONS {
            let key = tokio::time::timeout(LIMIT, reports.recv()).await.expect("all in time").unwrap();
            assert!(seen.insert(key), "each once");
        }
    }
}

pub mod asks {
    use std::sync::Arc;
    use std::time::Duration;

    use shared::domain::{Seq, Version};
    use shared::ports::{Announcement, BusError, EventBus, SummarizeAsk, SummarizeReply};

    use super::LIMIT;
    use crate::conformance::build::fresh;

    /// The backend under test.
    type Bus = Arc<dyn EventBus>;

    fn ask(at_least: u64) -> SummarizeAsk {
        SummarizeAsk { key: fresh(), at_least: Seq(at_least) }
    }

    pub async fn an_ask_is_answered(bus: Bus) {
        let mut asks = bus.asks().await.unwrap();
        let question = ask(7);
        let asked = {
            let (bus, question) = (Arc::clone(&bus), question.clone());
            tokio::spawn(async move { bus.ask(question, LIMIT).await })
        };
        let (heard, answer) = tokio::time::timeout(LIMIT, asks.next()).await.expect("in time").unwrap();
        assert_eq!(heard, question);
        answer.answer(SummarizeReply::Stored { version: Version(3) }).await;
        assert_eq!(asked.await.unwrap().unwrap(), SummarizeReply::Stored { version: Version(3) });
    }

    pub async fn an_ask_ends_at_its_deadline(bus: Bus) {
        let mut asks = bus.asks().await.unwrap();
        let unheard = bus.ask(ask(1), Duration::from_millis(20)).await;
        assert!(matches!(unheard, Err(BusError::Timeout | BusError::Unavailable(_))), "{unheard:?}");
        let last = ask(2);
        let asked = {
            let (bus, last) = (Arc::clone(&bus), last.clone());
            tokio::spawn(async move { bus.ask(last, LIMIT).await })
        };
        loop {
            let (heard, answer) = tokio::time::timeout(LIMIT, asks.next()).await.expect("in time").unwrap();
            answer.answer(SummarizeReply::Gone).await;
            if heard == last {
                break;
            }
        }
        assert_eq!(asked.await.unwrap().unwrap(), SummarizeReply::Gone);
    }

    pub async fn asks_are_shared_between_workers(bus: Bus) {
        let mut workers = tokio::task::JoinSet::new();
        for version in 0..3 {
            let mut asks = bus.asks().await.unwrap();
            workers.spawn(async move {
                while let Ok((_, answer)) = asks.next().await {
                    answer.answer(SummarizeReply::Stored { version: Version(version) }).await;
                }
            });
        }
        let mut askers = tokio::task::JoinSet::new();
        for n in 0..100 {
            let bus = Arc::clone(&bus);
            askers.spawn(async move { bus.ask(ask(n), LIMIT).await.unwrap() });
        }
        let replies = askers.join_all().await;
        assert!(replies.iter().all(|reply| matches!(reply, SummarizeReply::Stored { .. })));
    }

    pub async fn announcements_reach_all_listeners(bus: Bus) {
        let mut listeners = [bus.announcements().await.unwrap(), bus.announcements().await.unwrap()];
        let news: Vec<_> = (1..=20)
            .map(|n| match n % 3 {
                0 => Announcement::Retracted { key: fresh(), version: Version(n) },
                1 => Announcement::Summarized { key: fresh(), version: Version(n) },
                _ => Announcement::Erased { key: fresh() },
            })
            .collect();
        for one in &news {
            bus.announce(one.clone());
        }
        for listener in &mut listeners {
            let mut heard = Vec::new();
            while heard.len() < news.len() {
                let one = tokio::time::timeout(LIMIT, listener.recv()).await.expect("in time").unwrap();
                if news.contains(&one) {
                    heard.push(one);
                }
            }
            assert_eq!(heard, news);
        }
    }
}
