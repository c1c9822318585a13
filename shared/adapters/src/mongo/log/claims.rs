//! Idempotency keys. Law: a key stands for one body, for at least a day, and what it was answered is found again by
//! looking at the log.
//!
//! A key is claimed before its messages are written: the claim names their first seq and the number of their group.
//! Whether they were stored is not noted but looked up: the group is whole, or it is not. So nothing has to be
//! written afterwards, and a crash between the two leaves nothing that lies.

use std::collections::HashMap;
use std::time::Duration;

use mongodb::bson::{RawDocument, RawDocumentBuf, doc, rawdoc};
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationId, ConversationKey, Digest, Seq, TenantId};
use shared::ports::{Append, AppendError, Appended, Idempotency, StoreError};

use super::super::db::{Finding, Written};
use super::super::failure::{Failure, corrupt};
use super::super::fields::{bytes, count, int, stored, text};
use super::super::place::{Cid, binary, half};
use super::super::schema::{ERASURES, IDEMPOTENCY};
use super::busy::Name;
use super::outbox::Touched;
use super::records::Records;
use super::tail::Group;

/// How long a claim is kept; the contract promises a day.
pub(super) const KEPT: Duration = Duration::from_hours(48);
/// How often messages that a claim names are waited for: about half a second in all.
const PATIENCE: u32 = 6;

/// The key's place in the collection: hashed, so that all have one short length and no text of a client is kept.
pub(super) fn name(tenant: &TenantId, key: &str) -> Name {
    let mut hash = Sha256::new_with_prefix(b"recap/idempotency/1");
    hash.update((tenant.as_str().len() as u64).to_be_bytes());
    hash.update(tenant.as_str());
    hash.update(key);
    half(&hash.finalize())
}

/// A claim as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) name: Name,
    body: Digest,
    cid: Cid,
    conversation: ConversationId,
    first: u64,
    nonce: i64,
    inserted: u64,
    duplicates: u64,
}

/// What a claim says about a batch with the same key.
pub(super) enum Verdict {
    /// It was answered before, or never will be.
    Answered(Result<Appended, AppendError>),
    /// Its messages were not stored and never will be: it may be taken over from this group number.
    Void(i64),
}

impl Claim {
    pub(super) fn new(
        (name, request): (Name, &Idempotency),
        cid: Cid,
        (first, nonce): (u64, i64),
        appended: &Appended,
    ) -> Self {
        Self {
            name,
            body: request.body,
            cid,
            conversation: appended.conversation.clone(),
            first,
            nonce,
            inserted: appended.inserted.into(),
            duplicates: appended.duplicates.into(),
        }
    }

    fn read(document: &RawDocument) -> Result<Self, StoreError> {
        let conversation = ConversationId::parse(text(document, "v")?);
        Ok(Self {
            name: fixed(bytes(document, "_id")?)?,
            body: Digest::from_bytes(fixed(bytes(document, "b")?)?),
            cid: Cid(fixed(bytes(document, "c")?)?),
            conversation: conversation.map_err(|error| corrupt("the conversation of a claim", error))?,
            first: count(document, "f")?,
            nonce: int(document, "g")?,
            inserted: count(document, "i")?,
            duplicates: count(document, "d")?,
        })
    }

    fn fields(&self, batch: &Append) -> RawDocumentBuf {
        rawdoc! {
            "b": binary(self.body.as_bytes()),
            "c": binary(&self.cid.0),
            "v": self.conversation.as_str(),
            "f": stored(self.first),
            "g": self.nonce,
            "i": stored(self.inserted),
            "d": stored(self.duplicates),
            "at": batch.received_at.as_millis(),
        }
    }

    /// As it is inserted.
    pub(super) fn document(&self, batch: &Append) -> RawDocumentBuf {
        let mut document = rawdoc! { "_id": binary(&self.name) };
        for (name, value) in self.fields(batch).iter().flatten() {
            document.append(name, value);
        }
        document
    }

    /// The statement that takes a void claim over.
    pub(super) fn takes_over(&self, batch: &Append, from: i64) -> RawDocumentBuf {
        rawdoc! {
            "q": { "_id": binary(&self.name), "g": from },
            "u": { "$set": self.fields(batch) },
        }
    }

    /// What the outbox is told where a repeat is answered with yes.
    pub(super) fn touched(&self, tenant: &TenantId, head: Seq) -> Touched {
        (self.cid, ConversationKey::new(tenant.clone(), self.conversation.clone()), head.0)
    }

    fn answer(&self, head: u64) -> Appended {
        Appended {
            conversation: self.conversation.clone(),
            inserted: u32::try_from(self.inserted).unwrap_or(u32::MAX),
            duplicates: u32::try_from(self.duplicates).unwrap_or(u32::MAX),
            replayed: true,
            head: Seq(head),
        }
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|error| corrupt("a claim", error))
}

impl Records {
    /// Claims of these names.
    pub(super) async fn claims(&self, names: &[Name]) -> Result<HashMap<Name, Claim>, StoreError> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let names: Vec<_> = names.iter().map(|name| binary(name)).collect();
        let found = self.db.find("claims", IDEMPOTENCY, doc! { "_id": { "$in": names } }, Finding::default()).await?;
        found.iter().map(|document| Claim::read(document).map(|claim| (claim.name, claim))).collect()
    }

    /// What a claim says about a batch. Waits a little for messages that are on their way; then bars them.
    pub(super) async fn judge(&self, batch: &Append, claim: &Claim) -> Result<Verdict, StoreError> {
        if batch.idempotency.as_ref().is_none_or(|request| request.body != claim.body) {
            return Ok(Verdict::Answered(Err(AppendError::IdempotencyMismatch)));
        }
        let key = ConversationKey::new(batch.key.tenant.clone(), claim.conversation.clone());
        for _ in 0..PATIENCE {
            if self.is_stored(claim).await? {
                let head = self.head(&key).await?.map_or(0, |place| place.tail.seq);
                return Ok(Verdict::Answered(Ok(claim.answer(head))));
            }
            self.pause(Duration::from_millis(80)).await;
        }
        // Whoever has claimed it is gone, or very slow.
        let place = self.place(&key, None).await?;
        if place.cid == claim.cid && place.tail.seq < claim.first {
            self.bar(&key, &place).await?;
        }
        if self.is_stored(claim).await? {
            return Ok(Verdict::Answered(Ok(claim.answer(place.tail.seq))));
        }
        Ok(Verdict::Void(claim.nonce))
    }

    /// Whether the messages of a claim are in the log, or were erased with their conversation.
    async fn is_stored(&self, claim: &Claim) -> Result<bool, StoreError> {
        if claim.inserted == 0 {
            return Ok(true);
        }
        let filter = doc! { "_id": claim.cid.record(claim.first) };
        let found = self.skeletons("claimed", filter, Finding::first(1)).await?.pop();
        let Some(record) = found.filter(|record| !record.erased()) else {
            let erased = doc! { "_id": binary(&claim.cid.0), "marked": true };
            return Ok(self.db.count("erased", ERASURES, erased, Some(1)).await? > 0);
        };
        let Group { count, nonce, .. } = record.group;
        Ok(nonce == claim.nonce && (count == 1 || self.is_whole(claim.cid, record.group).await?))
    }

    /// Inserts claims. Those whose name is taken are told by their place.
    pub(super) async fn claim(&self, documents: Vec<RawDocumentBuf>) -> Result<Written, Failure> {
        self.db.insert("claim", IDEMPOTENCY, documents).await
    }

    /// Gives claims back whose messages were not stored and will not be.
    pub(super) async fn disclaim(&self, claims: Vec<(Name, i64)>) -> Result<(), Failure> {
        if claims.is_empty() {
            return Ok(());
        }
        let filters = claims.into_iter().map(|(name, nonce)| rawdoc! { "_id": binary(&name), "g": nonce }).collect();
        self.db.delete("disclaim", IDEMPOTENCY, filters).await?.all()
    }

    /// Takes claims over, each from the group number that it had. Answers whether all were still to be had.
    pub(super) async fn take_over(&self, statements: Vec<RawDocumentBuf>) -> Result<bool, Failure> {
        let count = statements.len() as u64;
        let written = self.db.update("claim", IDEMPOTENCY, statements, false).await?;
        written.all()?;
        Ok(written.matched == count)
    }
}
