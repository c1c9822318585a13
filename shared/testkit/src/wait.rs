//! Waiting for a condition. Law: level-triggered, and never without a limit.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};

/// How long a test waits for what must come: far longer than it takes, since slow machines are no faults.
pub const LIMIT: Duration = Duration::from_mins(1);

/// Asks again until there is an answer; fails after [`LIMIT`] with `what` was waited for.
pub async fn until<T, F, Fut>(what: &str, mut ask: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let deadline = tokio::time::Instant::now() + LIMIT;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if tokio::time::Instant::now() >= deadline {
            bail!("waited {LIMIT:?} in vain for {what}");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
