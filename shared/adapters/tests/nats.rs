//! The bus over a real `nats-server`: the suite of its port, and what happens when the server dies, forgets or hangs.

#![cfg(feature = "nats")]
#![expect(clippy::unwrap_used, reason = "a backend that cannot be used fails its test")]

use std::sync::Arc;

use shared::ports::EventBus;
use shared_adapters::{NatsConfig, NatsEventBus};
use shared_testkit::process::NatsServer;

mod suite {
    use super::*;

    async fn bus() -> Option<(Arc<dyn EventBus>, NatsServer)> {
        let server = NatsServer::start().await.unwrap()?;
        let bus = NatsEventBus::connect(&server.url().parse().unwrap(), &NatsConfig::default()).await.unwrap();
        Some((Arc::new(bus), server))
    }

    shared_testkit::event_bus_suite!(bus);
}
