//! The stream and its consumer. Law: where they are missing they are made, and where they differ they are put right.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, Info, pull};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};

use super::failure::NatsFailure;
use super::subject::Names;

/// A notice not acknowledged for so long is delivered again. The same each time: with a list of waits the server
/// reckons the delay of a «not now» from the wrong one of them, and adds the difference.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(30);
/// Notices are kept for so long, acknowledged or not; a day behind is the reconciler's work.
const MAX_AGE: Duration = Duration::from_hours(24);
/// A publish that is repeated within this time is stored once. Longer would cost the server memory.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(20);
/// Notices with workers at the same time. More than all workers can hold.
const MAX_ACK_PENDING: i64 = 100_000;
/// Pulls that may wait at the same time: one for each projecting task of each worker.
const MAX_WAITING: i64 = 4_096;

/// Sees to it that both are there; answers what the consumer is.
pub(super) async fn ensure(js: &Context, names: &Names, replicas: u8) -> Result<Info, NatsFailure> {
    let stream = ensure_stream(js, names, replicas).await?;
    ensure_consumer(&stream, names).await
}

fn stream_config(names: &Names, replicas: u8) -> Config {
    Config {
        name: names.stream.clone(),
        description: Some("Recap: which conversations have moved".to_owned()),
        subjects: vec![names.notices.clone()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_age: MAX_AGE,
        max_messages_per_subject: 1,
        duplicate_window: DUPLICATE_WINDOW,
        num_replicas: usize::from(replicas),
        ..Config::default()
    }
}

async fn ensure_stream(js: &Context, names: &Names, replicas: u8) -> Result<Stream, NatsFailure> {
    let wanted = stream_config(names, replicas);
    let found = match js.get_stream(&names.stream).await {
        Ok(found) => found,
        Err(error) => {
            let GetStreamErrorKind::JetStream(reason) = error.kind() else {
                return Err(NatsFailure::jetstream("looking for the stream")(error));
            };
            if reason.error_code() != ErrorCode::STREAM_NOT_FOUND {
                return Err(NatsFailure::jetstream("looking for the stream")(error));
            }
            tracing::info!(stream = names.stream, "making the stream");
            return js.create_stream(wanted).await.map_err(NatsFailure::jetstream("making the stream"));
        }
    };
    let is = &found.cached_info().config;
    let same = is.subjects == wanted.subjects
        && is.max_messages_per_subject == 1
        && is.max_age == MAX_AGE
        && is.discard == DiscardPolicy::Old
        && is.duplicate_window == DUPLICATE_WINDOW
        && is.num_replicas == wanted.num_replicas;
    if same {
        return Ok(found);
    }
    tracing::info!(stream = names.stream, "the stream is put right");
    let put_right = Config {
        subjects: wanted.subjects,
        max_messages_per_subject: 1,
        max_age: MAX_AGE,
        discard: DiscardPolicy::Old,
        duplicate_window: DUPLICATE_WINDOW,
        num_replicas: wanted.num_replicas,
        ..is.clone()
    };
    js.update_stream(put_right).await.map_err(NatsFailure::jetstream("putting the stream right"))?;
    Ok(found)
}

fn consumer_config(names: &Names) -> pull::Config {
    pull::Config {
        durable_name: Some(names.consumer.to_owned()),
        description: Some("Recap: shared by all workers".to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        // For ever: attempts are counted in the view store.
        max_deliver: -1,
        max_ack_pending: MAX_ACK_PENDING,
        max_waiting: MAX_WAITING,
        ..pull::Config::default()
    }
}

async fn ensure_consumer(stream: &Stream, names: &Names) -> Result<Info, NatsFailure> {
    let wanted = consumer_config(names);
    match stream.consumer_info(names.consumer).await {
        Ok(found) => {
            let is = &found.config;
            let same = is.ack_wait == wanted.ack_wait
                && is.backoff.is_empty()
                && is.max_deliver == wanted.max_deliver
                && is.max_ack_pending == wanted.max_ack_pending;
            if same {
                return Ok(found);
            }
            tracing::info!(consumer = names.consumer, "the consumer is put right");
        }
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {
            tracing::info!(consumer = names.consumer, "making the consumer");
        }
        Err(error) => return Err(NatsFailure::jetstream("looking for the consumer")(error)),
    }
    let made = stream.create_consumer(wanted).await.map_err(NatsFailure::jetstream("making the consumer"))?;
    Ok(made.cached_info().clone())
}

/// How many notices no worker has been given yet.
pub(super) async fn waiting(js: &Context, names: &Names) -> Result<u64, NatsFailure> {
    let stream = js.get_stream_no_info(&names.stream).await;
    let stream = stream.map_err(NatsFailure::jetstream("looking for the stream"))?;
    let info = stream.consumer_info(names.consumer).await;
    Ok(info.map_err(NatsFailure::jetstream("looking for the consumer"))?.num_pending)
}
