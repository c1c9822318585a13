//! Messages erased elsewhere, by another replica or with their user, make room in the quotas. Law: what is not heard is
//! seen at the next reading of a quota all the same.

use std::sync::Arc;
use std::time::Duration;

use shared::ports::{Announcement, EventBus};
use shared_service::TaskResult;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Quotas;

/// Before the bus is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens until the process stops.
pub(crate) async fn hear_retractions(
    quotas: Arc<Quotas>,
    bus: Arc<dyn EventBus>,
    stopping: CancellationToken,
) -> TaskResult {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            () = listen(&quotas, &*bus) => {}
        }
        tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Until there is nothing more to be heard.
async fn listen(quotas: &Quotas, bus: &dyn EventBus) {
    let Ok(mut announcements) = bus.announcements().await else { return };
    loop {
        match announcements.recv().await {
            Ok(Announcement::Retracted { key, .. } | Announcement::Erased { key }) => quotas.doubted(&key),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
