//! Caps that hold.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{FallbackReason, Spend, Usage};
use shared_testkit::model::DirectModel;
use summarizer_worker::{Micros, ModelConfig, Price};

use super::{ask, assert_proved, direct, engines, newest, spent};
use crate::world::{World, key, quiet, until};

const PRICE: (u64, u64) = (150_000, 600_000);

fn price() -> Price {
    Price { model: "mock".into(), input: Micros(PRICE.0), output: Micros(PRICE.1) }
}

/// Fifty conversations at once, with two workers and books of the same store. Answers what was spent of the books and
/// billed by the model.
async fn fifty(config: ModelConfig) -> (Spend, Usage) {
    let mut worker = quiet();
    worker.summarize_asks = 25;
    let mut world = World::new(worker);
    let config = ModelConfig { llm_concurrency: 64, llm_prices: vec![price()], ..config };
    let model = Arc::new(DirectModel::slow(Duration::from_millis(20)));
    for _ in 0..2 {
        let engines = engines(&world, model.clone(), &config);
        world.start_engines(engines);
    }
    let mut heads = Vec::new();
    for n in 0..50 {
        heads.push(world.post(&key(&format!("c{n}")), 160).await);
    }
    let names: Vec<String> = (0..50).map(|n| format!("c{n}")).collect();
    let asks = names.iter().zip(&heads).map(|(name, head)| ask(&world, name, *head));
    futures_util::future::join_all(asks).await;
    assert_proved(&world);
    let degraded = names.iter().filter(|name| newest(&world, name).fallback == Some(FallbackReason::Cap)).count();
    assert!(degraded > 0 && degraded < 50, "{degraded}");
    (spent(&world).await, model.billed())
}

#[tokio::test(start_paused = true)]
async fn fifty_runs_at_once_do_not_pass_the_cap() {
    const CAP: u64 = 40_000;
    let (spent, billed) = fifty(ModelConfig { llm_daily_token_cap: Some(CAP), ..ModelConfig::default() }).await;
    let billed = billed.tokens_in + billed.tokens_out;
    assert!(billed <= CAP, "{billed} billed");
    assert!(billed > CAP / 2, "{billed} billed: the budget is used");
    assert_eq!(spent.tokens, billed, "all is settled");
}

#[tokio::test(start_paused = true)]
async fn fifty_runs_at_once_do_not_pass_the_cap_in_money() {
    const CAP: u64 = 15_000;
    let (spent, billed) = fifty(ModelConfig { llm_daily_cost_cap: Some(Micros(CAP)), ..ModelConfig::default() }).await;
    let cost = price().of(billed).0;
    assert!(cost <= spent.micros && spent.micros <= CAP, "{cost} billed, {} in the books", spent.micros);
    assert!(cost > CAP / 4, "{cost} billed: the budget is used");
}

#[tokio::test(start_paused = true)]
async fn at_the_cap_the_local_engine_answers_and_the_next_day_the_model_makes_up_for_it() {
    let mut world = World::new(quiet());
    let price = price();
    let config = ModelConfig {
        llm_daily_cost_cap: Some(Micros(1_500)),
        llm_prices: vec![price.clone()],
        ..ModelConfig::default()
    };
    let model = direct(&mut world, &config);
    let mut cut_off = None;
    for n in 0..30 {
        let name = format!("c{n}");
        let head = world.post(&key(&name), 5).await;
        ask(&world, &name, head).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if newest(&world, &name).degraded {
            assert_eq!(newest(&world, &name).fallback, Some(FallbackReason::Cap));
            cut_off.get_or_insert(n);
        }
    }
    let cut_off = cut_off.unwrap();
    assert!(cut_off >= 1, "{cut_off}");
    assert!(price.of(model.billed()).0 <= 1_500);
    assert!(spent(&world).await.micros <= 1_500);
    let answered = model.answered();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(model.answered(), answered, "nothing more today");
    tokio::time::sleep(Duration::from_hours(23)).await;
    until("another day's", || model.answered() > answered).await;
    until("one made up for", || !newest(&world, "c29").degraded).await;
    assert_proved(&world);
}
