//! A small service behind the real gate and accept loop, over ports in memory.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use parking_lot::Mutex;
use shared::domain::{ApiKey, ApiKeyHash, Caller, CallerId, Scope, TenantId, Timestamp};
use shared::error_code::ErrorCode;
use shared::ports::{Clock, IdSource, KeyStore, Quota, RateDecision, RateLimiter, StoreError};
use shared_service::{
    Admin, ApiError, ApiResult, ConversationPath, Gate, GatePorts, GatedRouter, HttpConfig, JsonBody, Metrics, Reader,
    Readiness, Server, Tasks, Writer, ops, reply,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// 2023-01-01T12:00:00Z, for ever.
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2023-01-01T12:00:00Z").unwrap()
    }
}

#[derive(Default)]
struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn random(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

/// Keys by hash; `None` as the map means that the store is away.
#[derive(Default)]
pub(crate) struct MemoryKeys(pub(crate) Mutex<Option<HashMap<ApiKeyHash, ApiKey>>>);

#[async_trait::async_trait]
impl KeyStore for MemoryKeys {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        match &*self.0.lock() {
            Some(keys) => Ok(keys.get(hash).cloned()),
            None => Err(StoreError::unavailable(std::io::Error::other("dial tcp 10.9.8.7: refused"))),
        }
    }
    async fn create(&self, _key: &ApiKey) -> Result<(), StoreError> {
        Ok(())
    }
    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(Vec::new())
    }
    async fn used(&self, uses: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
        for (hash, at) in uses {
            if let Some(key) = self.0.lock().as_mut().and_then(|keys| keys.get_mut(hash)) {
                key.last_used_at = Some(*at);
            }
        }
        Ok(())
    }
    async fn revoke(&self, _prefix: &str, _at: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Lets the quota pass once and never fills it again; counts how often it is asked.
#[derive(Default)]
pub(crate) struct MemoryLimiter {
    seen: Mutex<HashMap<CallerId, u32>>,
    pub(crate) asked: AtomicU32,
}

#[async_trait::async_trait]
impl RateLimiter for MemoryLimiter {
    async fn check(&self, caller: &CallerId, quota: Quota) -> RateDecision {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut seen = self.seen.lock();
        let count = seen.entry(caller.clone()).or_insert(0);
        *count += 1;
        let remaining = quota.per_minute.get().saturating_sub(*count);
        RateDecision { allowed: *count <= quota.per_minute.get(), remaining, wait: Duration::from_millis(5900) }
    }
}

/// A running server.
pub(crate) struct App {
    pub(crate) addr: SocketAddr,
    pub(crate) keys: Arc<MemoryKeys>,
    pub(crate) limiter: Arc<MemoryLimiter>,
    pub(crate) tasks: Tasks,
    /// `/slow` answers once there is a permit.
    pub(crate) slow: Arc<Semaphore>,
    /// Gets a word when `/slow` was entered.
    pub(crate) entered: mpsc::UnboundedReceiver<()>,
    pub(crate) serving: JoinHandle<()>,
}

/// No limits, so that only tests of limits meet them.
pub(crate) fn unlimited() -> HttpConfig {
    HttpConfig { rate_limit_key: 0, rate_limit_anonymous: 0, ..HttpConfig::default() }
}

pub(crate) fn key(text: &str, tenant: &str, scopes: &[Scope]) -> ApiKey {
    ApiKey {
        hash: ApiKeyHash::of(text.as_bytes()),
        prefix: text.chars().take(6).collect(),
        tenant: TenantId::parse(tenant).unwrap(),
        scopes: scopes.to_vec().into(),
        rate: None,
        created_at: Timestamp::from_millis(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

impl App {
    pub(crate) async fn start(config: HttpConfig) -> Self {
        let keys = Arc::new(MemoryKeys(Mutex::new(Some(HashMap::new()))));
        let limiter = Arc::new(MemoryLimiter::default());
        let (slow, (entering, entered)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
        let ports = GatePorts {
            keys: keys.clone(),
            limiter: limiter.clone(),
            clock: Arc::new(FixedClock),
            ids: Arc::new(CountingIds::default()),
        };
        let tasks = Tasks::new();
        let gate = Gate::new(&config, MAX_BODY, ports);
        let app = gate.around(routes(&slow, &entering, &tasks));
        let server = Server::bind(&config).await.unwrap();
        let addr = server.local_addr();
        let serving = tokio::spawn(serve(server, app, tasks.clone()));
        Self { addr, keys, limiter, tasks, slow, entered, serving }
    }

    pub(crate) fn add_key(&self, key: ApiKey) {
        self.keys.0.lock().as_mut().unwrap().insert(key.hash, key);
    }
}

async fn serve(server: Server, app: GatedRouter, tasks: Tasks) {
    server.run(app, &tasks).await;
}

fn routes(slow: &Arc<Semaphore>, entering: &mpsc::UnboundedSender<()>, tasks: &Tasks) -> Router {
    let (slow, entering, stopping) = (slow.clone(), entering.clone(), tasks.stopping());
    let waits = move || {
        let (slow, entering) = (slow.clone(), entering.clone());
        async move {
            entering.send(()).unwrap();
            slow.acquire().await.unwrap().forget();
            "slow"
        }
    };
    let upgrade = move |_: Reader, upgrade: WebSocketUpgrade| {
        let stopping = stopping.clone();
        async move { upgrade.on_upgrade(move |socket| echo(socket, stopping)) }
    };
    Router::new()
        .route("/chats", post(store))
        .route("/chats/{conversation_id}", get(read))
        .route("/admin", get(|Admin(caller): Admin| async move { who(&caller) }))
        .route("/slow", get(waits))
        .route("/panic", get(panics))
        .route("/broken", get(broken))
        .route("/large", get(|| async { vec![b'x'; 4 * 1024 * 1024] }))
        .route("/ws/summarize", get(upgrade))
        .route("/", get(|| async { "dashboard" }))
        .merge(ops::routes(
            Readiness::new().check("store", || async { Ok::<(), String>(()) }),
            Metrics::detached().unwrap(),
        ))
}

async fn echo(mut socket: WebSocket, stopping: tokio_util::sync::CancellationToken) {
    loop {
        let message = tokio::select! {
            () = stopping.cancelled() => return,
            message = socket.recv() => message,
        };
        let Some(Ok(message)) = message else { return };
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

fn who(caller: &Caller) -> Response {
    let id = match &caller.id {
        CallerId::Key(_) => "key".to_owned(),
        CallerId::Anonymous(addr) => addr.to_string(),
    };
    reply::json(StatusCode::OK, &serde_json::json!({ "tenant": caller.tenant, "id": id }))
}

async fn store(Writer(_): Writer, JsonBody(body): JsonBody) -> Response {
    reply::json(StatusCode::OK, &serde_json::json!({ "bytes": body.len() }))
}

async fn read(Reader(caller): Reader, ConversationPath(id): ConversationPath) -> ApiResult<Response> {
    if id.as_str() == "whoami" {
        return Ok(who(&caller));
    }
    Err(ApiError::new(ErrorCode::ConversationNotFound, "there is no such conversation"))
}

async fn panics() -> Response {
    panic!("secret text of a user")
}

async fn broken() -> ApiError {
    ApiError::internal("the disk said /var/lib/secret")
}
