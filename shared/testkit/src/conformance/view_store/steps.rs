//! Projection steps as the worker makes them, and summaries.

use shared::domain::{
    ConversationKey, Coverage, Digest, EndReason, Posted, Record, RecordBody, Seq, SummaryVersion, TenantId, Trigger,
    Usage, Version,
};
use shared::ports::{CasOutcome, ConversationRow, Gist, GistKey, ProjectionStep, Span, ViewStore};
use shared::projections::{ConversationView, participations};

use crate::conformance::build::{at, user};

/// A message of a user, at a time.
#[must_use]
pub fn message(seq: u64, name: &str, millis: i64) -> Record {
    let body = RecordBody::Posted(Posted {
        user: user(name),
        message_id: None,
        content: format!("Message {seq} of {name}: shall we ship on Friday?").into(),
        timestamp: at(millis),
        metadata: None,
        salt: [3; 16],
        late: false,
        edit: None,
    });
    Record { seq: Seq(seq), received_at: at(millis), body }
}

/// An end.
#[must_use]
pub fn ended(seq: u64, millis: i64) -> Record {
    Record { seq: Seq(seq), received_at: at(millis), body: RecordBody::Ended(EndReason::Idle) }
}

/// The step that adds records to a view, or to none.
#[must_use]
pub fn step(key: &ConversationKey, from: Option<&ConversationView>, records: &[Record]) -> ProjectionStep {
    let mut view = from.cloned().unwrap_or_else(|| ConversationView::empty(key));
    for record in records {
        assert!(view.apply(record), "records in turn");
    }
    ProjectionStep {
        key: key.clone(),
        from: from.map(|view| (view.applied_seq, view.digest)),
        view,
        participations: participations(records),
        whole: false,
    }
}

/// Commits one step.
pub async fn commit(store: &dyn ViewStore, step: ProjectionStep) -> CasOutcome {
    let outcomes = store.commit(vec![step]).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes[0]
}

/// Adds records to whatever view there is.
pub async fn project(store: &dyn ViewStore, key: &ConversationKey, records: &[Record]) -> ConversationView {
    let step = step(key, row(store, key).await.map(|row| row.view).as_ref(), records);
    let view = step.view.clone();
    assert_eq!(commit(store, step).await, CasOutcome::Applied);
    view
}

/// One row.
pub async fn row(store: &dyn ViewStore, key: &ConversationKey) -> Option<ConversationRow> {
    let mut rows = store.conversations(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// Stores a version in the epoch in which the conversation is.
pub async fn save(
    store: &dyn ViewStore,
    key: &ConversationKey,
    previous: Version,
    version: &SummaryVersion,
) -> CasOutcome {
    let epoch = row(store, key).await.map_or(0, |row| row.epoch);
    store.save_summary(key, epoch, previous, version).await.unwrap()
}

/// Keeps a gist of the first message in the epoch in which the conversation is.
pub async fn keep(store: &dyn ViewStore, conversation: &ConversationKey, key: &GistKey, gist: &Gist) {
    let epoch = row(store, conversation).await.map_or(0, |row| row.epoch);
    let span = Span { first: Seq(1), last: Seq(1) };
    store.save_gist(conversation, epoch, key, span, gist).await.unwrap();
}

/// The names of a tenant's rows.
#[must_use]
pub fn names<'r>(rows: &'r [ConversationRow], tenant: &TenantId) -> Vec<&'r str> {
    rows.iter().filter(|row| row.key.tenant == *tenant).map(|row| row.key.conversation.as_str()).collect()
}

/// A summary that covers messages up to `last`.
#[must_use]
pub fn summary(version: u64, last: u64) -> SummaryVersion {
    let content = serde_json::from_value(serde_json::json!({
        "brief": format!("Version {version}, \"quoted\" and 🦀."),
        "detailed": "",
        "sentiment": {"class": "neutral", "score": 0.25},
        "keywords": ["release"],
        "action_items": [],
        "decisions": [],
        "open_questions": [],
    }));
    let covers =
        Coverage { first_seq: Seq(1), last_seq: Seq(last), messages: last, digest: Digest::of(&last.to_be_bytes()) };
    SummaryVersion {
        version: Version(version),
        covers,
        content: content.unwrap(),
        engine: "local".into(),
        prompt_version: "1".into(),
        degraded: false,
        fallback: None,
        trigger: Trigger::Demand,
        usage: Usage { tokens_in: 1, tokens_out: 2 },
        dropped: Vec::new(),
        latency_ms: 3,
        generated_at: at(4000 + i64::try_from(version).unwrap()),
    }
}
