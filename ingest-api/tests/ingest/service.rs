//! The routes with all that they need, and requests to them without a socket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use ingest_api::IngestConfig;
use shared::domain::{Caller, CallerId, ConversationId, ConversationKey, Record, Scope, Scopes, Seq, TenantId};
use shared::ports::{MessageLog as _, Ports};
use shared_adapters::StoreConfig;
use shared_service::{ApiError, Tasks};
use tower::ServiceExt as _;

use crate::steered_log::SteeredLog;

pub(crate) const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) ports: Ports,
    pub(crate) log: Arc<SteeredLog>,
    pub(crate) tasks: Tasks,
    _folder: tempfile::TempDir,
}

/// What a request came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// What the outer layer would write as body.
    pub(crate) error: Option<ApiError>,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.error.as_ref().map_or("", |error| error.code().as_str())
    }

    pub(crate) fn paths(&self) -> Vec<&str> {
        let fields = self.error.as_ref().map_or(&[][..], ApiError::fields);
        fields.iter().map(|field| field.path.as_str()).collect()
    }
}

impl Service {
    pub(crate) async fn start(config: IngestConfig) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut ports = shared_adapters::open(&StoreConfig::embedded(folder.path())).await?;
        let log = Arc::new(SteeredLog::new(ports.log));
        ports.log = log.clone();
        let tasks = Tasks::new();
        let router = ingest_api::build(&ports, &config, &tasks);
        Ok(Self { router, ports, log, tasks, _folder: folder })
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Answer> {
        send(self.router.clone(), request).await
    }

    pub(crate) async fn post(&self, body: impl Into<Body>) -> Result<Answer> {
        self.send(post(body)).await
    }

    pub(crate) async fn keyed(&self, key: &str, body: &str) -> Result<Answer> {
        let mut request = post(body.to_owned());
        request.headers_mut().insert("idempotency-key", key.parse()?);
        self.send(request).await
    }

    pub(crate) async fn records(&self, conversation: &str) -> Result<Vec<Record>> {
        Ok(self.log.read(&key(conversation), Seq(1), 10_000).await?)
    }

    /// The texts of a conversation's messages.
    pub(crate) async fn texts(&self, conversation: &str) -> Result<Vec<String>> {
        let records = self.records(conversation).await?;
        Ok(records.iter().filter_map(|record| Some(record.posted()?.content.to_string())).collect())
    }
}

pub(crate) async fn send(router: Router, request: Request<Body>) -> Result<Answer> {
    let response = router.oneshot(request).await?;
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        text,
        error: parts.extensions.get::<ApiError>().cloned(),
    })
}

pub(crate) fn key(conversation: &str) -> ConversationKey {
    ConversationKey::new(TenantId::public(), ConversationId::parse(conversation).unwrap())
}

pub(crate) fn caller(scopes: &[Scope]) -> Caller {
    let id = CallerId::Anonymous(IpAddr::from([127, 0, 0, 1]));
    Caller { id, tenant: TenantId::public(), scopes: Scopes::from(scopes.to_vec()), rate: None, prefix: None }
}

pub(crate) fn request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::new(body.into());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request.extensions_mut().insert(caller(&[Scope::Write]));
    request
}

pub(crate) fn post(body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, "/chats", body)
}

/// One message.
pub(crate) fn message(conversation: &str, text: &str) -> String {
    format!(r#"{{"conversation_id":"{conversation}","user_id":"u","messages":[{{"content":"{text}"}}]}}"#)
}

/// Waits for a condition, with a limit.
pub(crate) async fn until<F: Future<Output = Result<bool>>>(what: &str, mut holds: impl FnMut() -> F) -> Result<()> {
    let deadline = tokio::time::Instant::now() + LIMIT;
    while !holds().await? {
        if tokio::time::Instant::now() > deadline {
            bail!("waited in vain for {what}");
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}
