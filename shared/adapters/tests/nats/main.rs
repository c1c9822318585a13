//! The bus over a real `nats-server`: the suite of its port, and what happens when the server dies, forgets or hangs.

#![cfg(feature = "nats")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a backend that cannot be used fails its test")]

mod access;
mod away;
mod delivery;
mod lost;

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ConversationId, ConversationKey, Seq, TenantId};
use shared::ports::{BusError, Delivery, EventBus, Notice, NoticeStream};
use shared_adapters::{NatsConfig, NatsEventBus};
use shared_testkit::process::NatsServer;
use shared_testkit::wait;

/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_mins(2);

fn key(name: &str) -> ConversationKey {
    ConversationKey::new(TenantId::public(), ConversationId::parse(name).unwrap())
}

fn notice(name: &str, seq: u64) -> Notice {
    Notice { key: key(name), seq: Seq(seq) }
}

async fn connect(server: &NatsServer) -> Arc<NatsEventBus> {
    let url = server.url().parse().unwrap();
    Arc::new(NatsEventBus::connect(&url, &NatsConfig::default()).await.unwrap())
}

async fn ready(bus: &NatsEventBus) {
    wait::until("the bus", async || Ok(bus.ping().await.ok())).await.unwrap();
}

/// The next delivery, as a worker gets it: with a new stream where the old one fails.
async fn one(bus: &NatsEventBus, stream: &mut Option<Box<dyn NoticeStream>>) -> Delivery {
    let next = async {
        loop {
            let open = match stream {
                Some(open) => open,
                None => match bus.notices().await {
                    Ok(open) => stream.insert(open),
                    Err(error) => {
                        assert!(error.is_transient(), "{error}");
                        continue;
                    }
                },
            };
            match open.next(1).await {
                Ok(mut deliveries) => return deliveries.remove(0),
                Err(BusError::Closed) => panic!("the bus was closed"),
                Err(_) => *stream = None,
            }
        }
    };
    tokio::time::timeout(LIMIT, next).await.expect("a notice in time")
}

/// Acknowledges all that comes, until each of these conversations has reached its seq.
async fn all(bus: &NatsEventBus, stream: &mut Option<Box<dyn NoticeStream>>, mut wanted: Vec<Notice>) {
    while !wanted.is_empty() {
        let Delivery { notice, receipt } = one(bus, stream).await;
        receipt.ack().await;
        wanted.retain(|want| want.key != notice.key || want.seq > notice.seq);
    }
}

mod suite {
    use super::*;

    async fn bus() -> Option<(Arc<dyn EventBus>, NatsServer)> {
        let server = NatsServer::start().await.unwrap()?;
        Some((connect(&server).await, server))
    }

    shared_testkit::event_bus_suite!(bus);
}
