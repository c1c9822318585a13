//! Who is asking. Law: a caller has exactly one tenant, and every read and write carries it.

use std::net::IpAddr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Actor, Digest, TenantId, Timestamp};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Post, end, edit and erase.
    Write,
    /// Read history and summaries, ask for summaries, listen.
    Read,
    /// Export and erase users.
    Admin,
}

/// A set of [`Scope`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes {
    write: bool,
    read: bool,
    admin: bool,
}

impl Scopes {
    /// Whether `scope` is among them.
    #[must_use]
    pub fn allow(self, scope: Scope) -> bool {
        match scope {
            Scope::Write => self.write,
            Scope::Read => self.read,
            Scope::Admin => self.admin,
        }
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(list: Vec<Scope>) -> Self {
        let has = |scope| list.contains(&scope);
        Self { write: has(Scope::Write), read: has(Scope::Read), admin: has(Scope::Admin) }
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        let all = [Scope::Write, Scope::Read, Scope::Admin];
        all.into_iter().filter(|scope| scopes.allow(*scope)).collect()
    }
}

/// SHA-256 of a key's text: all that is kept of it.
pub type ApiKeyHash = Digest;

/// What the store knows of a key. The key's text is shown once, when it is made, and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// SHA-256 of the text.
    pub hash: ApiKeyHash,
    /// The first characters of the text, by which people find it again.
    pub prefix: String,
    /// Whose data it opens.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: Scopes,
    /// Requests a minute, where it differs from the default; 0 means no limit.
    pub rate: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
    /// The hour in which it was last used, at least; none if it never was.
    pub last_used_at: Option<Timestamp>,
}

/// By what a caller is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallerId {
    /// A key.
    Key(ApiKeyHash),
    /// No key, from this address (IPv6: its /64).
    Anonymous(IpAddr),
}

/// An authenticated request's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// By what it is counted.
    pub id: CallerId,
    /// Whose data it sees.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: Scopes,
    /// Its own requests a minute, if set; 0 means no limit.
    pub rate: Option<u32>,
    /// The first characters of its key.
    pub prefix: Option<CompactString>,
}

impl Caller {
    /// As whom it stands in the audit record.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match (&self.id, &self.prefix) {
            (CallerId::Key(_), Some(prefix)) => Actor::Key { key: prefix.to_string() },
            (CallerId::Key(hash), None) => Actor::Key { key: hash.to_string() },
            (CallerId::Anonymous(_), _) => Actor::Anonymous,
        }
    }
}
