//! The engine that asks a model: with faults, attacks, limits of money and time, and the tokens it takes.

mod attacks;
mod cross;
mod faith;
mod faults;
mod money;
mod thrift;
mod time;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Seq, Spend, SummaryVersion, TenantId, UtcDay};
use shared::ports::{ChatModel, EventBus as _, SummarizeAsk, SummarizeReply, ViewStore as _};
use shared_testkit::model::DirectModel;
use summarizer_worker::{Engines, ModelConfig, ModelSummarizer};

use crate::world::{World, key};

/// The engines of a model in a world.
fn engines(world: &World, model: Arc<dyn ChatModel>, config: &ModelConfig) -> Engines {
    Engines::model(ModelSummarizer::new(model, &world.ports, config).unwrap(), config)
}

/// A world whose worker asks a model without a socket.
fn direct(world: &mut World, config: &ModelConfig) -> Arc<DirectModel> {
    let model = Arc::new(DirectModel::new(false));
    let engines = engines(world, model.clone(), config);
    world.start_engines(engines);
    model
}

async fn ask(world: &World, name: &str, at_least: Seq) -> SummarizeReply {
    world.bus.ask(SummarizeAsk { key: key(name), at_least }, Duration::from_mins(30)).await.unwrap()
}

/// The newest version of a conversation.
fn newest(world: &World, name: &str) -> SummaryVersion {
    world.views.versions(&key(name)).pop().unwrap()
}

/// What the books say of today.
async fn spent(world: &World) -> Spend {
    let day = UtcDay::of(world.ports.clock.now());
    world.views.spent(&TenantId::public(), day).await.unwrap()
}

/// Every conversation has a summary of every message, and its chain is the view's.
fn assert_proved(world: &World) {
    let state = world.views.state.lock();
    assert!(!state.views.is_empty());
    for (key, view) in &state.views {
        let covers = state.pointer(key).unwrap().covers;
        assert_eq!(
            (covers.messages, covers.last_seq, covers.digest),
            (view.messages, view.last_message, view.message_digest)
        );
    }
}
