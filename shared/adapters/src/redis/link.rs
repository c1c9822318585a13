//! The connection to Redis. Law: nobody waits for it. While it is not there, whoever asks is told so at once, and one
//! task seeks it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::rate_limiter::SCRIPT;
use super::url::RedisUrl;

/// One attempt to connect, with the first answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// While it is away, so often a line says so.
const SAY_SO: Duration = Duration::from_secs(30);
/// So many calls in a row without an answer in time, and the connection is given up.
const UNANSWERED: u32 = 3;

/// A connection that comes and goes.
pub struct RedisLink {
    shared: Arc<Shared>,
    _closing: DropGuard,
}

struct Shared {
    client: Client,
    server: String,
    state: Mutex<State>,
    lost: Notify,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Which connection it is: failures of an earlier one do not count.
    number: u64,
    unanswered: u32,
}

impl RedisLink {
    /// Begins to connect, and goes on for ever. Needs the runtime. A URL that was read is one that can be used, so
    /// the driver's refusal is a fault of the programmer only, but it is told.
    pub fn open(url: &RedisUrl) -> Result<Self, RedisError> {
        let shared = Arc::new(Shared {
            client: Client::open(url.info.clone())?,
            server: url.to_string(),
            state: Mutex::default(),
            lost: Notify::new(),
        });
        let closing = CancellationToken::new();
        let (seeker, closed) = (Arc::clone(&shared), closing.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = closed.cancelled() => {}
                () = seeker.seek() => {}
            }
        });
        Ok(Self { shared, _closing: closing.drop_guard() })
    }

    /// Whether it is there now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.state.lock().connection.is_some()
    }

    /// One call, if the connection is there and the answer comes within `limit`.
    pub(super) async fn call<T, F, Fut>(&self, limit: Duration, call: F) -> Option<T>
    where
        F: FnOnce(MultiplexedConnection) -> Fut,
        Fut: Future<Output = RedisResult<T>>,
    {
        let (connection, number) = {
            let state = self.shared.state.lock();
            (state.connection.clone()?, state.number)
        };
        match timeout(limit, call(connection)).await {
            Ok(Ok(value)) => {
                self.shared.answered(number);
                Some(value)
            }
            Ok(Err(error)) => {
                tracing::debug!(server = self.shared.server, %error, "Redis refused");
                self.shared.failed(number, error.is_unrecoverable_error() || error.is_connection_dropped());
                None
            }
            Err(_) => {
                self.shared.failed(number, false);
                None
            }
        }
    }
}

impl Shared {
    fn answered(&self, number: u64) {
        let mut state = self.state.lock();
        if state.number == number {
            state.unanswered = 0;
        }
    }

    fn failed(&self, number: u64, dead: bool) {
        metrics::counter!("recap_redis_failures_total").increment(1);
        let mut state = self.state.lock();
        if state.number != number || state.connection.is_none() {
            return;
        }
        state.unanswered += 1;
        if dead || state.unanswered >= UNANSWERED {
            state.connection = None;
            drop(state);
            tracing::warn!(server = self.server, "Redis does not answer; going on without");
            self.lost.notify_one();
        }
    }

    async fn seek(&self) {
        loop {
            self.connect().await;
            self.lost.notified().await;
        }
    }

    async fn connect(&self) {
        let mut attempts = 0_u32;
        let mut said: Option<Instant> = None;
        loop {
            let error = match timeout(CONNECT_LIMIT, self.try_connect()).await {
                Ok(Ok(connection)) => {
                    tracing::info!(server = self.server, "connected to Redis");
                    let mut state = self.state.lock();
                    let number = state.number + 1;
                    *state = State { connection: Some(connection), number, unanswered: 0 };
                    return;
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            if said.is_none_or(|said| said.elapsed() >= SAY_SO) {
                tracing::warn!(server = self.server, error, "Redis is away; each process counts for itself");
                said = Some(Instant::now());
            }
            let pause = (FIRST_PAUSE * (1 << attempts.min(8))).min(LONGEST_PAUSE);
            attempts += 1;
            sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
        }
    }

    async fn try_connect(&self) -> RedisResult<MultiplexedConnection> {
        // Each call has a limit of its own.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_LIMIT)).set_response_timeout(None);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        // So that the first request finds the script there; the server forgets it when it is restarted.
        redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async::<String>(&mut connection).await?;
        Ok(connection)
    }
}
