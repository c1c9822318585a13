//! query-api on a free port over ports in memory, driven by hand: what is posted, projected, summarized and
//! announced is up to the test.

#![allow(dead_code, reason = "each test binary uses its own part of the stage")]
#![allow(clippy::expect_used, reason = "a stage that cannot be set up is a failed test")]

pub(crate) mod log;
pub(crate) mod plain;
pub(crate) mod views;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use query_api::QueryConfig;
use shared::domain::{
    Caller, CallerId, ConversationId, ConversationKey, Coverage, EndReason, RecordBody, Scope, Scopes, Seq,
    SummaryVersion, TenantId, Timestamp, Trigger, Usage, Version,
};
use shared::ports::{Announcement, Clock as _, ConversationRow, Ports};
use shared::projections::{ConversationView, participations};
use shared_adapters::SystemClock;
use shared_service::{ApiError, Tasks};
use shared_testkit::client::Client;
use shared_testkit::memory_audit::MemoryAudit;
use shared_testkit::socket::Socket;
use tokio::net::TcpListener;

use log::MemoryLog;
use plain::{HandBus, NoKeys, NoLimits, OneByOne};
use views::MemoryViews;

/// The service with its ports in reach.
pub(crate) struct Stage {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) views: Arc<MemoryViews>,
    pub(crate) bus: Arc<HandBus>,
    pub(crate) tasks: Tasks,
    pub(crate) address: String,
    pub(crate) client: Client,
}

impl Stage {
    pub(crate) async fn new() -> Result<Self> {
        Self::with(QueryConfig::default()).await
    }

    pub(crate) async fn with(config: QueryConfig) -> Result<Self> {
        let (log, views, bus) = (Arc::new(MemoryLog::default()), Arc::new(MemoryViews::default()), HandBus::new());
        let audit = Arc::new(MemoryAudit::default());
        let ports = Ports {
            log: log.clone(),
            views: views.clone(),
            keys: Arc::new(NoKeys),
            audit: audit.clone(),
            user_erasures: audit.clone(),
            bus: bus.clone(),
            limiter: Arc::new(NoLimits),
            clock: Arc::new(SystemClock),
            ids: Arc::new(OneByOne(AtomicU64::new(0))),
        };
        let tasks = Tasks::new();
        let router = query_api::build(&ports, &config, &tasks).layer(axum::middleware::from_fn(gate));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = Client::new(&address)?;
        Ok(Self { log, views, bus, tasks, address, client })
    }

    pub(crate) async fn listen(&self, query: &str) -> Result<Socket> {
        Socket::connect(&self.address, query).await
    }

    /// Posts a message, for the log only.
    pub(crate) fn post(&self, conversation: &str, user: &str, content: &str, at: i64) {
        self.log.post(&key(conversation), user, content, Timestamp::from_millis(at));
    }

    /// Ends a conversation, for the log only.
    pub(crate) fn end(&self, conversation: &str) {
        self.log.push(&key(conversation), RecordBody::Ended(EndReason::Requested));
    }

    /// Brings the view up to the log, and says so.
    pub(crate) fn project(&self, conversation: &str) {
        let key = key(conversation);
        let records = self.log.all(&key);
        let before = self.views.row(&key);
        let mut view = before.as_ref().map_or_else(|| ConversationView::empty(&key), |row| row.view.clone());
        let new: Vec<_> = records.into_iter().filter(|record| record.seq > view.applied_seq).collect();
        for record in &new {
            assert!(view.apply(record));
        }
        let seq = view.applied_seq;
        self.views.participate(&key, &participations(&new));
        let (summary, version, epoch) =
            before.map_or((None, Version::ZERO, 0), |row| (row.summary, row.version, row.epoch));
        self.views.put(ConversationRow { key: key.clone(), view, summary, version, epoch });
        self.bus.say(Announcement::Projected { key, seq });
    }

    /// Stores a summary of all that is projected, without a word.
    pub(crate) fn store_summary(&self, conversation: &str) -> Version {
        self.store(conversation, |_| {})
    }

    /// Stores a summary of another engine, without a word.
    pub(crate) fn store_summary_by(&self, engine: &str, conversation: &str) -> Version {
        self.store(conversation, |summary| summary.engine = engine.into())
    }

    /// Stores a summary whose brief text has so many bytes, without a word.
    pub(crate) fn store_long_summary(&self, conversation: &str, bytes: usize) -> Version {
        self.store(conversation, |summary| summary.content.brief = "x".repeat(bytes))
    }

    fn store(&self, conversation: &str, change: impl FnOnce(&mut SummaryVersion)) -> Version {
        let key = key(conversation);
        let row = self.views.row(&key).expect("project first");
        let records = self.log.all(&key);
        let messages: Vec<_> = records
            .iter()
            .filter_map(|record| {
                let posted = record.posted()?;
                Some(shared_insights::Message {
                    seq: record.seq.0,
                    author: posted.user.as_str(),
                    text: &posted.content,
                    at_ms: posted.timestamp.as_millis(),
                })
            })
            .collect();
        let version = row.version.next();
        let content = shared_insights::fold(&[], &messages);
        let mut summary = SummaryVersion {
            version,
            covers: Coverage {
                first_seq: row.view.first_message,
                last_seq: row.view.last_message,
                messages: row.view.messages,
                digest: row.view.message_digest,
            },
            content,
            engine: "openai:tests".into(),
            prompt_version: "1".into(),
            degraded: false,
            fallback: None,
            trigger: Trigger::Count,
            usage: Usage::default(),
            dropped: Vec::new(),
            latency_ms: 1,
            generated_at: SystemClock.now(),
        };
        change(&mut summary);
        self.views.put(ConversationRow { summary: Some(summary.pointer()), version, ..row });
        self.views.add_summary(&key, summary);
        version
    }

    /// Stores a summary of all that is projected, and says so.
    pub(crate) fn summarize(&self, conversation: &str) -> Version {
        let version = self.store_summary(conversation);
        self.bus.say(Announcement::Summarized { key: key(conversation), version });
        version
    }

    /// Post, project, summarize.
    pub(crate) fn tell(&self, conversation: &str, content: &str) -> Version {
        self.post(conversation, "anna", content, 1_000);
        self.project(conversation);
        self.summarize(conversation)
    }

    /// Erases a conversation everywhere, without a word.
    pub(crate) fn erase(&self, conversation: &str) {
        self.log.forget(&key(conversation));
        self.views.forget(&key(conversation));
    }

    /// Waits until the hub hears announcements: before that, they would be missed and the views read.
    pub(crate) async fn heard(&self) -> Result<()> {
        shared_testkit::wait::until("the hub to listen", || async { Ok((self.bus.listeners() > 0).then_some(())) })
            .await
    }
}

pub(crate) fn key(conversation: &str) -> ConversationKey {
    ConversationKey::new(TenantId::public(), ConversationId::parse(conversation).expect("an id"))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What the gate of a process does for the routes: a caller goes in, the error body comes out.
async fn gate(mut request: Request, next: Next) -> Response {
    let tenant = request.headers().get("x-tenant").and_then(|name| name.to_str().ok()).unwrap_or("public");
    let caller = Caller {
        id: CallerId::Anonymous([127, 0, 0, 1].into()),
        tenant: TenantId::parse(tenant).expect("a tenant"),
        scopes: Scopes::from(vec![Scope::Read, Scope::Admin]),
        rate: None,
        prefix: None,
    };
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        *response.body_mut() = error.body(SystemClock.now()).into();
        response.headers_mut().remove("content-length");
    }
    response
}

/// The last seq.
pub(crate) fn seq(number: u64) -> Seq {
    Seq(number)
}

/// Counts calls.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
