//! API keys. Law: `_id` is the hash of the key, which is all that is kept of it.

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::{Document, doc, rawdoc};
use mongodb::bson::{RawDocument, RawDocumentBuf};
use shared::domain::{ApiKey, ApiKeyHash, Digest, Scope, Scopes, TenantId, Timestamp};
use shared::ports::{KeyStore, StoreError};

use super::db::{Db, Finding};
use super::failure::{corrupt, missing};
use super::fields::{bytes, int, optional_int, text};
use super::place::binary;
use super::schema::KEYS;

/// Keys in a collection of the same database.
pub struct MongoKeyStore {
    db: Arc<Db>,
}

impl MongoKeyStore {
    pub(super) fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    async fn find_all(&self, op: &'static str, filter: Document, finding: Finding) -> Result<Vec<ApiKey>, StoreError> {
        let found = self.db.find(op, KEYS, filter, finding).await?;
        found.iter().map(|document| key(document)).collect()
    }
}

#[async_trait]
impl KeyStore for MongoKeyStore {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        let filter = doc! { "_id": binary(hash.as_bytes()) };
        Ok(self.find_all("key", filter, Finding::first(1)).await?.pop())
    }

    async fn create(&self, key: &ApiKey) -> Result<(), StoreError> {
        let written = self.db.insert("create_key", KEYS, vec![document(key)]).await?;
        written.all()?;
        Ok(())
    }

    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        let finding = Finding { sort: Some(doc! { "made": 1, "_id": 1 }), ..Finding::default() };
        self.find_all("keys", doc! {}, finding).await
    }

    async fn used(&self, uses: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
        let statement = |(hash, at): &(ApiKeyHash, Timestamp)| {
            rawdoc! {
                "q": { "_id": binary(hash.as_bytes()) },
                "u": { "$max": { "used": at.as_millis() } },
            }
        };
        if uses.is_empty() {
            return Ok(());
        }
        let written = self.db.update("use_keys", KEYS, uses.iter().map(statement).collect(), false).await?;
        written.all()?;
        Ok(())
    }

    async fn revoke(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError> {
        let statement = rawdoc! {
            "q": { "prefix": prefix },
            "u": { "$min": { "revoked": at.as_millis() } },
            "multi": true,
        };
        let written = self.db.update("revoke_key", KEYS, vec![statement], true).await?;
        written.all()?;
        Ok(written.matched > 0)
    }
}

fn document(key: &ApiKey) -> RawDocumentBuf {
    let scopes = Vec::from(key.scopes).into_iter().map(word).collect::<Vec<_>>().join(",");
    let mut document = rawdoc! {
        "_id": binary(key.hash.as_bytes()),
        "prefix": key.prefix.as_str(),
        "tenant": key.tenant.as_str(),
        "scopes": scopes,
        "made": key.created_at.as_millis(),
    };
    if let Some(rate) = key.rate {
        document.append(mongodb::bson::cstr!("rate"), i64::from(rate));
    }
    if let Some(at) = key.expires_at {
        document.append(mongodb::bson::cstr!("expires"), at.as_millis());
    }
    if let Some(at) = key.revoked_at {
        document.append(mongodb::bson::cstr!("revoked"), at.as_millis());
    }
    if let Some(at) = key.last_used_at {
        document.append(mongodb::bson::cstr!("used"), at.as_millis());
    }
    document
}

fn key(document: &RawDocument) -> Result<ApiKey, StoreError> {
    let hash: [u8; 32] = bytes(document, "_id")?.try_into().map_err(|_| missing("the hash of an API key"))?;
    let rate = optional_int(document, "rate")?.map(u32::try_from).transpose();
    Ok(ApiKey {
        hash: Digest::from_bytes(hash),
        prefix: text(document, "prefix")?.to_owned(),
        tenant: TenantId::parse(text(document, "tenant")?).map_err(|error| corrupt("the tenant of a key", error))?,
        scopes: scopes(text(document, "scopes")?),
        rate: rate.map_err(|error| corrupt("the rate of a key", error))?,
        created_at: Timestamp::from_millis(int(document, "made")?),
        expires_at: optional_int(document, "expires")?.map(Timestamp::from_millis),
        revoked_at: optional_int(document, "revoked")?.map(Timestamp::from_millis),
        last_used_at: optional_int(document, "used")?.map(Timestamp::from_millis),
    })
}

fn scopes(text: &str) -> Scopes {
    let all = [Scope::Write, Scope::Read, Scope::Admin];
    let known = |name: &str| all.into_iter().find(|scope| word(*scope) == name);
    text.split(',').filter_map(known).collect::<Vec<_>>().into()
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Write => "write",
        Scope::Read => "read",
        Scope::Admin => "admin",
    }
}
