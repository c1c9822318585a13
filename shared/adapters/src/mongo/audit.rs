//! The audit record, and users that are being erased. Law: entries are inserted, and no call changes or removes one.
//!
//! Entries stand under ids of the server's own time, which is their order. An erasure stands under the digest of its
//! user, and moves by compare-and-set on its turn; `b`, its JSON, is there while it is under way, and holds the name.

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{RawDocument, RawDocumentBuf, cstr, doc, rawdoc};
use serde::de::DeserializeOwned;
use shared::domain::{AuditEntry, TenantId, Timestamp, UserDigest, UserId};
use shared::ports::{
    AuditLog, AuditMark, AuditPage, CasOutcome, Demand, ErasureState, StoreError, UserErasure, UserErasures,
};

use super::db::{Db, Finding};
use super::failure::{Failure, corrupt};
use super::fields::{count, int, optional_int, stored, text};
use super::place::binary;
use super::schema::{AUDIT, USER_ERASURES};

/// How often others may change an erasure meanwhile.
const ATTEMPTS: u32 = 20;

/// Acts in two collections of the same database.
pub struct MongoAuditStore {
    db: Arc<Db>,
}

impl MongoAuditStore {
    pub(super) fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    async fn erasure(&self, user: UserDigest) -> Result<Option<RawDocumentBuf>, StoreError> {
        let filter = doc! { "_id": binary(user.as_bytes()) };
        Ok(self.db.find("user_erasure", USER_ERASURES, filter, Finding::first(1)).await?.pop())
    }

    /// Changes an erasure, if it still is in that turn.
    async fn change(&self, user: UserDigest, turn: u64, change: RawDocumentBuf) -> Result<CasOutcome, StoreError> {
        let statement = rawdoc! { "q": { "_id": binary(user.as_bytes()), "turn": stored(turn) }, "u": change };
        let written = self.db.update("user_erasure", USER_ERASURES, vec![statement], true).await?;
        written.all()?;
        Ok(if written.matched == 1 { CasOutcome::Applied } else { CasOutcome::Stale })
    }
}

#[async_trait]
impl AuditLog for MongoAuditStore {
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let entry = rawdoc! { "t": entry.tenant.as_str(), "b": json(entry)? };
        self.db.insert_unnamed("audit", AUDIT, vec![entry]).await?.all()?;
        Ok(())
    }

    async fn entries(&self, after: &AuditMark, limit: usize) -> Result<AuditPage, StoreError> {
        let mut last = ObjectId::parse_str(after.0.as_str()).ok();
        let behind = last.map_or_else(|| doc! {}, |last| doc! { "_id": { "$gt": last } });
        let found = self.db.find("audited", AUDIT, behind, Finding::sorted(doc! { "_id": 1 }, limit)).await?;
        let mut entries = Vec::with_capacity(found.len());
        for document in &found {
            last = Some(document.get_object_id("_id").map_err(|error| corrupt("the id of an entry", error))?);
            entries.push(read(document)?);
        }
        let mark = AuditMark(last.map_or_else(Default::default, |id| id.to_hex().into()));
        Ok(AuditPage { more: entries.len() == limit, entries, mark })
    }
}

#[async_trait]
impl UserErasures for MongoAuditStore {
    async fn demand(&self, tenant: &TenantId, user: &UserId, demand: &Demand) -> Result<bool, StoreError> {
        let name = UserDigest::of(tenant, user);
        for _ in 0..ATTEMPTS {
            let new = || UserErasure::new(tenant.clone(), user.clone(), demand.clone());
            let Some(found) = self.erasure(name).await? else {
                let mut document = fields(&new())?;
                document.append(cstr!("_id"), binary(name.as_bytes()));
                document.append(cstr!("turn"), 0_i64);
                let written = self.db.insert("user_erasure", USER_ERASURES, vec![document]).await?;
                written.but_taken()?;
                if written.taken.is_empty() {
                    return Ok(true);
                }
                continue;
            };
            let erasure = if finished(&found)?.is_some() {
                new()
            } else {
                let mut erasure: UserErasure = read(&found)?;
                if !erasure.join(demand.clone()) {
                    return Ok(false);
                }
                erasure
            };
            let mut set = fields(&erasure)?;
            let turn = count(&found, "turn")?;
            set.append(cstr!("turn"), stored(turn + 1));
            let change = rawdoc! { "$set": set, "$unset": { "done": "" } };
            if self.change(name, turn, change).await? == CasOutcome::Applied {
                return Ok(true);
            }
        }
        Err(StoreError::unavailable(Failure::Refused("the erasure was changed by others each time".to_owned())))
    }

    async fn running(&self, limit: usize) -> Result<Vec<UserErasure>, StoreError> {
        let filter = doc! { "run": true };
        let found =
            self.db.find("user_erasures", USER_ERASURES, filter, Finding::sorted(doc! { "asked": 1 }, limit)).await?;
        let erasure = |document: &RawDocumentBuf| {
            Ok(UserErasure { turn: count(document, "turn")?, ..read::<UserErasure>(document)? })
        };
        found.iter().map(erasure).collect()
    }

    async fn state(&self, tenant: &TenantId, user: &UserId) -> Result<Option<ErasureState>, StoreError> {
        let Some(found) = self.erasure(UserDigest::of(tenant, user)).await? else { return Ok(None) };
        let asked_at = Timestamp::from_millis(int(&found, "asked")?);
        Ok(Some(ErasureState { asked_at, finished_at: finished(&found)? }))
    }

    async fn save(&self, erasure: &UserErasure) -> Result<CasOutcome, StoreError> {
        let mut set = fields(erasure)?;
        set.append(cstr!("turn"), stored(erasure.turn + 1));
        self.change(UserDigest::of(&erasure.tenant, &erasure.user), erasure.turn, rawdoc! { "$set": set }).await
    }

    async fn finish(&self, erasure: &UserErasure, at: Timestamp) -> Result<CasOutcome, StoreError> {
        let change = rawdoc! {
            "$set": { "done": at.as_millis(), "turn": stored(erasure.turn + 1) },
            "$unset": { "b": "", "run": "" },
        };
        self.change(UserDigest::of(&erasure.tenant, &erasure.user), erasure.turn, change).await
    }
}

/// Of an erasure under way, but for its turn.
fn fields(erasure: &UserErasure) -> Result<RawDocumentBuf, StoreError> {
    Ok(rawdoc! { "run": true, "asked": erasure.asked_at().as_millis(), "b": json(erasure)? })
}

fn finished(document: &RawDocument) -> Result<Option<Timestamp>, StoreError> {
    Ok(optional_int(document, "done")?.map(Timestamp::from_millis))
}

fn read<T: DeserializeOwned>(document: &RawDocument) -> Result<T, StoreError> {
    serde_json::from_str(text(document, "b")?).map_err(|error| corrupt("an act", error))
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt("an act that cannot be written as JSON", error))
}
