//! Three replicas with a Redis accept what one would, and a Redis that is away fails no request.

use anyhow::{Result, ensure};
use deploy::stack::Plan;
use shared_testkit::client::Client;

use crate::stack;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_count_together_and_go_on_without_redis() -> Result<()> {
    let plan = Plan { redis: true, ..Plan::of(1, 1, 3) }.with("RATE_LIMIT_ANONYMOUS", "5");
    let mut stack = stack!(plan);
    let mut ways = Vec::new();
    for replica in &stack.query {
        ways.push(Client::new(&format!("127.0.0.1:{}", replica.port()))?);
    }
    let mut accepted = 0;
    for request in 0..30 {
        let answer = ways[request % 3].get("/chats").await?;
        ensure!(matches!(answer.status.as_u16(), 200 | 429), "{answer:?}");
        accepted += usize::from(answer.status == 200);
    }
    ensure!(accepted == 5, "{accepted} of 30 were accepted");
    let Some(redis) = stack.redis.as_mut() else { return Ok(()) };
    redis.kill().await?;
    // A caller whom Redis never counted, told by the proxy's header.
    for way in &ways {
        let request = way.request(reqwest::Method::GET, "/chats").header("x-forwarded-for", "192.0.2.7");
        let answer = way.send(request).await?;
        ensure!(answer.status == 200, "without Redis: {answer:?}");
    }
    for replica in &stack.query {
        ensure!(replica.is_ready().await?, "not ready without Redis");
    }
    Ok(())
}
