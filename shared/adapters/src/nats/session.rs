//! What all parts of the bus share: the client, the names, the connection. Law: nothing is sent into a connection
//! that is not up, so that nothing goes out long after it was true.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{Context, ContextBuilder};
use async_nats::{Client, ConnectOptions, HeaderMap, Subject};
use bytes::Bytes;
use futures_util::FutureExt as _;
use shared::ports::BusError;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Login, NatsConfig, NatsUrl};
use super::failure::{NatsConnectError, NatsFailure};
use super::jetstream;
use super::link::{Epoch, Link, pause};
use super::subject::Names;

/// One attempt to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A silent connection is found dead after two or three of these.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// One request about the stream or its consumer.
const API_LIMIT: Duration = Duration::from_secs(5);
/// Handing one message to the driver, which waits only while its queue is full.
const SEND_LIMIT: Duration = Duration::from_secs(1);
/// The driver's queue of messages to send,
const OUTGOING: usize = 16_384;
/// and of those that came and were not looked at, for each subscription.
const INCOMING: usize = 16_384;

/// Shared by all parts of the bus.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) js: Context,
    pub(super) names: Names,
    pub(super) link: Arc<Link>,
    /// Ends all tasks and streams.
    pub(super) closing: CancellationToken,
    pub(super) tasks: TaskTracker,
    replicas: u8,
    ensured: Mutex<Ensured>,
}

/// What is known of stream and consumer.
#[derive(Default)]
struct Ensured {
    /// On which connection they were seen.
    on: Option<Epoch>,
    born: Option<Born>,
}

/// Which consumer it is: one made anew counts from the beginning, and must not be told of the old one's notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Born(i128);

impl Session {
    /// Begins to connect; answers before it is connected.
    pub(super) async fn open(url: &NatsUrl, config: &NatsConfig) -> Result<Self, NatsConnectError> {
        let link = Arc::new(Link::new());
        let told = Arc::clone(&link);
        let options = options(url, config)?.event_callback(move |event| {
            told.happened(&event);
            std::future::ready(())
        });
        let client =
            options.connect(url.servers()).await.map_err(|error| NatsConnectError::Refused(Box::new(error)))?;
        Ok(Self {
            js: ContextBuilder::new().timeout(API_LIMIT).build(client.clone()),
            client,
            names: Names::new(&config.nats_prefix),
            link,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            replicas: config.nats_replicas,
            ensured: Mutex::default(),
        })
    }

    /// Spawns a task that ends when the bus is closed.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Waits until the server has said what it is.
    pub(super) async fn version_by(&self, deadline: Instant) {
        let known = async {
            self.link.up().await;
            while self.client.try_server_info().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        // Known or not: who calls looks.
        drop(timeout_at(deadline, known).await);
    }

    /// The server's version, once it is known and too old.
    pub(super) fn too_old(&self) -> Option<String> {
        let info = self.client.try_server_info()?;
        (!new_enough(&info.version)).then_some(info.version)
    }

    /// Waits for the connection, and sees to it that stream and consumer are there, within `limit`.
    pub(super) async fn ready(&self, limit: Duration) -> Result<Born, NatsFailure> {
        let deadline = Instant::now() + limit;
        let epoch = self.link.up_by(deadline).await?;
        match timeout_at(deadline, self.ensure(epoch)).await {
            Ok(result) => result,
            Err(_) => Err(NatsFailure::Broken("JetStream does not answer")),
        }
    }

    async fn ensure(&self, epoch: Epoch) -> Result<Born, NatsFailure> {
        let mut ensured = self.ensured.lock().await;
        if let (Some(on), Some(born)) = (ensured.on, ensured.born)
            && on == epoch
        {
            return Ok(born);
        }
        self.version_by(Instant::now() + API_LIMIT).await;
        if let Some(version) = self.too_old() {
            return Err(NatsFailure::TooOld(version));
        }
        let info = jetstream::ensure(&self.js, &self.names, self.replicas).await?;
        let born = Born(info.created.unix_timestamp_nanos());
        *ensured = Ensured { on: Some(epoch), born: Some(born) };
        Ok(born)
    }

    /// Stream or consumer seem to be gone: they are looked for again.
    pub(super) async fn doubt(&self) {
        self.ensured.lock().await.on = None;
    }

    /// Which consumer is there now, as far as is known without waiting.
    pub(super) fn born(&self) -> Option<Born> {
        self.ensured.try_lock().ok().and_then(|ensured| ensured.born)
    }

    /// Hands a message to the driver, if the connection is up.
    pub(super) async fn send(
        &self,
        subject: impl Into<Subject>,
        reply: Option<Subject>,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<(), NatsFailure> {
        if self.link.now().is_none() {
            return Err(self.link.away());
        }
        let (subject, headers) = (subject.into(), headers.unwrap_or_default());
        let sent = async {
            match reply {
                Some(reply) => self.client.publish_with_reply_and_headers(subject, reply, headers, payload).await,
                None => self.client.publish_with_headers(subject, headers, payload).await,
            }
        };
        match timeout(SEND_LIMIT, sent).await {
            Ok(sent) => sent.map_err(NatsFailure::jetstream("sending")),
            Err(_) => Err(NatsFailure::Broken("the connection takes nothing more")),
        }
    }

    /// The same for those who cannot wait. Answers whether it was taken.
    pub(super) fn send_at_once(&self, subject: impl Into<Subject>, payload: Bytes) -> bool {
        if self.link.now().is_none() {
            return false;
        }
        // Without the runtime's budget, which could let a free queue look full.
        let sent = tokio::task::unconstrained(self.client.publish(subject.into(), payload));
        matches!(sent.now_or_never(), Some(Ok(())))
    }

    /// Waits until the server has taken in all that was sent before, such as subscriptions.
    pub(super) async fn round_trip(&self, limit: Duration) -> Result<(), NatsFailure> {
        use futures_util::StreamExt as _;
        let there_and_back = async {
            let inbox = self.client.new_inbox();
            let mut back = self.client.subscribe(inbox.clone()).await.map_err(NatsFailure::jetstream("subscribing"))?;
            self.send(inbox, None, None, Bytes::new()).await?;
            back.next().await.map(drop).ok_or(NatsFailure::Broken("the client was closed"))
        };
        let result = timeout(limit, there_and_back).await;
        result.unwrap_or(Err(NatsFailure::Broken("the server does not answer")))
    }

    pub(super) fn closed(&self) -> Result<(), BusError> {
        if self.closing.is_cancelled() { Err(BusError::Closed) } else { Ok(()) }
    }
}

fn options(url: &NatsUrl, config: &NatsConfig) -> Result<ConnectOptions, NatsConnectError> {
    let mut options = ConnectOptions::new()
        .name("recap")
        .retry_on_initial_connect()
        .connection_timeout(CONNECT_LIMIT)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(API_LIMIT))
        .client_capacity(OUTGOING)
        .subscription_capacity(INCOMING)
        .reconnect_delay_callback(pause);
    options = match url.login().clone() {
        Login::Nobody => options,
        Login::Token(token) => options.token(token),
        Login::Password { user, password } => options.user_and_password(user, password),
    };
    if let Some(path) = &config.nats_credentials {
        let text = read("NATS_CREDENTIALS", path)?;
        options = options.credentials(&text).map_err(|_| content("NATS_CREDENTIALS", path, "NATS credentials"))?;
    }
    if let Some(path) = &config.nats_nkey {
        let seed = read("NATS_NKEY", path)?.trim().to_owned();
        // The driver finds out at each attempt to connect only, and says less.
        if !(seed.starts_with("SU") && seed.len() == 58) {
            return Err(content("NATS_NKEY", path, "the seed of a user's nkey"));
        }
        options = options.nkey(seed);
    }
    if let Some(path) = &config.nats_tls_ca {
        pem("NATS_TLS_CA", path, "CERTIFICATE")?;
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    if let (Some(cert), Some(key)) = (&config.nats_tls_cert, &config.nats_tls_key) {
        pem("NATS_TLS_CERT", cert, "CERTIFICATE")?;
        pem("NATS_TLS_KEY", key, "PRIVATE KEY")?;
        options = options.add_client_certificate(cert.clone(), key.clone()).require_tls(true);
    }
    Ok(options)
}

fn read(setting: &'static str, path: &Path) -> Result<String, NatsConnectError> {
    std::fs::read_to_string(path).map_err(|source| NatsConnectError::File { setting, path: path.to_owned(), source })
}

fn content(setting: &'static str, path: &Path, wanted: &'static str) -> NatsConnectError {
    NatsConnectError::Content { setting, path: path.to_owned(), wanted }
}

/// The driver reads these files at each attempt to connect; that they are there is found out before.
fn pem(setting: &'static str, path: &Path, wanted: &'static str) -> Result<(), NatsConnectError> {
    if read(setting, path)?.contains(&format!("{wanted}-----")) { Ok(()) } else { Err(content(setting, path, wanted)) }
}

/// From 2.10 on. A version that cannot be read is taken for a new one.
fn new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (2, 10),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_before_2_10_are_too_old() {
        for (version, fine) in [("2.9.25", false), ("1.4.1", false), ("2.10.0", true), ("v2.15.1", true), ("3.0", true)]
        {
            assert_eq!(new_enough(version), fine, "{version}");
        }
    }

    #[test]
    fn files_that_are_missing_or_hold_something_else_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let url: NatsUrl = "nats://localhost".parse().unwrap();
        let missing = NatsConfig { nats_nkey: Some(folder.path().join("none")), ..NatsConfig::default() };
        assert!(matches!(options(&url, &missing), Err(NatsConnectError::File { setting: "NATS_NKEY", .. })));
        let wrong = folder.path().join("wrong");
        std::fs::write(&wrong, "secret").unwrap();
        let wrong = NatsConfig { nats_credentials: Some(wrong), ..NatsConfig::default() };
        let error = options(&url, &wrong).unwrap_err();
        assert!(
            error.to_string().starts_with("NATS_CREDENTIALS: ") && !error.to_string().contains("secret"),
            "{error}"
        );
    }
}
