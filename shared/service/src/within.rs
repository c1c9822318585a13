//! A limit on a wait. Law: what does not wait costs no timer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// The output of `future`, or none if it takes longer than `limit`. The time counts from its first wait.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(output) => Some(output),
        Poll::Pending => tokio::time::timeout(limit, future).await.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ends_a_wait_and_leaves_the_rest_alone() {
        let second = Duration::from_secs(1);
        assert_eq!(within(second, std::future::ready(7)).await, Some(7));
        assert_eq!(within(second, std::future::pending::<()>()).await, None);
        let short = async {
            tokio::time::sleep(second / 2).await;
            7
        };
        assert_eq!(within(second, short).await, Some(7));
    }
}
