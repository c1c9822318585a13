//! The record of acts that take something away or hand it out.

use async_trait::async_trait;
use compact_str::CompactString;

use super::StoreError;
use crate::domain::AuditEntry;

/// Where acts are recorded.
///
/// Laws:
/// 1. An entry is durable when `record` returns, and is never changed or removed; there is no call that could.
/// 2. `entries` gives each entry once, in the order in which they were recorded.
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// Adds an entry.
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Entries behind a mark, oldest first, at most `limit`.
    async fn entries(&self, after: &AuditMark, limit: usize) -> Result<AuditPage, StoreError>;
}

/// How far entries were read. Opaque; the empty one is the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditMark(pub CompactString);

/// Some entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where to go on.
    pub mark: AuditMark,
    /// Whether there may be more.
    pub more: bool,
}
