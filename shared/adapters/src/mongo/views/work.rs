//! What workers note for each other: leases, failures, how far a reader has come, what models cost; and erasing.

use std::time::{Duration, Instant};

use mongodb::bson::{Binary, Document, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::options::ReturnDocument;
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationId, ConversationKey, Spend, SpendCap, TenantId, Timestamp, UtcDay};
use shared::ports::{ArrivalMark, DeadLetter, StoreError};

use super::super::db::Finding;
use super::super::failure::{Failure, corrupt, missing};
use super::super::fields::{count, int, optional_int, stored, text};
use super::super::place::{Cid, binary};
use super::super::schema::{CHECKPOINTS, DEAD_LETTERS, LEASES, SPEND, VIEWS};
use super::Views;
use super::commit::rows_of;

/// For so long it is believed that there are no dead letters.
const NO_LETTERS: Duration = Duration::from_secs(5);
/// How often others may change an entry of the books meanwhile.
const ATTEMPTS: u32 = 100;

impl Views {
    /// Takes or prolongs a lease.
    pub(super) async fn lease(
        &self,
        key: &ConversationKey,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mine = rawdoc! { "o": owner };
        let over = rawdoc! { "u": { "$lte": now.as_millis() } };
        let statement = rawdoc! {
            "q": { "_id": binary(&Cid::of(key, 0).0), "$or": [mine, over] },
            "u": { "$set": { "o": owner, "u": until.as_millis() } },
            "upsert": true,
        };
        let written = self.db.update("lease", LEASES, vec![statement], true).await?;
        written.but_taken()?;
        Ok(written.taken.is_empty())
    }

    /// Gives a lease back.
    pub(super) async fn release(&self, key: &ConversationKey, owner: &str) -> Result<(), StoreError> {
        let filter = rawdoc! { "_id": binary(&Cid::of(key, 0).0), "o": owner };
        self.db.delete("release", LEASES, vec![filter]).await?.all()?;
        Ok(())
    }

    /// Counts a failure.
    pub(super) async fn failed(&self, letter: &DeadLetter) -> Result<u32, StoreError> {
        *self.no_letters.lock() = None;
        let letters = self.db.database().collection::<Document>(DEAD_LETTERS);
        let filter = doc! { "_id": binary(&Cid::of(&letter.key, 0).0) };
        let change = doc! {
            "$set": {
                "t": letter.key.tenant.as_str(),
                "n": letter.key.conversation.as_str(),
                "hop": letter.hop.as_str(),
                "reason": letter.reason.as_str(),
                "at": letter.at.as_millis(),
            },
            "$inc": { "attempts": 1_i64 },
        };
        let update = async move {
            letters.find_one_and_update(filter, change).upsert(true).return_document(ReturnDocument::After).await
        };
        let after = self.db.call("failed", update).await?;
        let attempts = after.as_ref().and_then(|letter| match letter.get("attempts") {
            Some(mongodb::bson::Bson::Int64(number)) => u32::try_from(*number).ok(),
            Some(mongodb::bson::Bson::Int32(number)) => u32::try_from(*number).ok(),
            _ => None,
        });
        attempts.ok_or_else(|| missing("the attempts of a dead letter"))
    }

    /// Forgets failures. While there are none at all, this asks every few seconds only: one that another worker
    /// counted just now may then be forgotten by the next success.
    pub(super) async fn succeeded(&self, key: &ConversationKey) -> Result<(), StoreError> {
        if self.no_letters.lock().is_some_and(|since: Instant| since.elapsed() < NO_LETTERS) {
            return Ok(());
        }
        let asked = Instant::now();
        if self.db.count("succeeded", DEAD_LETTERS, doc! {}, Some(1)).await? == 0 {
            *self.no_letters.lock() = Some(asked);
            return Ok(());
        }
        let filter = rawdoc! { "_id": binary(&Cid::of(key, 0).0) };
        self.db.delete("succeeded", DEAD_LETTERS, vec![filter]).await?.all()?;
        Ok(())
    }

    /// Conversations that failed often.
    pub(super) async fn dead_letters(&self, attempts: u32, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let filter = doc! { "attempts": { "$gte": i64::from(attempts) } };
        let finding = Finding::sorted(doc! { "t": 1, "n": 1 }, limit);
        let found = self.db.find("dead_letters", DEAD_LETTERS, filter, finding).await?;
        let mut letters = Vec::with_capacity(found.len());
        for letter in &found {
            let tenant = TenantId::parse(text(letter, "t")?).map_err(|error| corrupt("a dead letter", error))?;
            let name = ConversationId::parse(text(letter, "n")?).map_err(|error| corrupt("a dead letter", error))?;
            letters.push(DeadLetter {
                key: ConversationKey::new(tenant, name),
                hop: text(letter, "hop")?.to_owned(),
                reason: text(letter, "reason")?.to_owned(),
                at: Timestamp::from_millis(int(letter, "at")?),
                attempts: u32::try_from(count(letter, "attempts")?).unwrap_or(u32::MAX),
            });
        }
        Ok(letters)
    }

    /// How far a reader has come.
    pub(super) async fn checkpoint(&self, reader: &str) -> Result<ArrivalMark, StoreError> {
        let found = self.db.find("checkpoint", CHECKPOINTS, doc! { "_id": reader }, Finding::first(1)).await?;
        let mark = found.first().map(|checkpoint| text(checkpoint, "mark")).transpose()?;
        Ok(ArrivalMark(mark.unwrap_or_default().into()))
    }

    /// Remembers how far a reader has come.
    pub(super) async fn save_checkpoint(&self, reader: &str, mark: &ArrivalMark) -> Result<(), StoreError> {
        let statement = rawdoc! {
            "q": { "_id": reader },
            "u": { "$set": { "mark": mark.0.as_str() } },
            "upsert": true,
        };
        // Taken: another worker notes its own at the same time.
        self.db.update("save_checkpoint", CHECKPOINTS, vec![statement], true).await?.but_taken()?;
        Ok(())
    }

    /// Adds a hold to the books, if the sum stays within the cap.
    pub(super) async fn reserve(
        &self,
        tenant: &TenantId,
        day: UtcDay,
        hold: Spend,
        cap: &SpendCap,
    ) -> Result<bool, StoreError> {
        if !cap.holds(hold) {
            return Ok(false);
        }
        let mut filter = rawdoc! { "_id": book(tenant, day) };
        if let Some(most) = cap.tokens {
            filter.append(cstr!("tokens"), rawdoc! { "$lte": stored(most - hold.tokens) });
        }
        if let Some(most) = cap.micros {
            filter.append(cstr!("micros"), rawdoc! { "$lte": stored(most - hold.micros) });
        }
        let add = rawdoc! { "$inc": { "tokens": stored(hold.tokens), "micros": stored(hold.micros) } };
        // The first try makes the entry; if it is there, and was not met, it is either full or was just being made.
        for upsert in [true, false] {
            let statement = rawdoc! { "q": filter.clone(), "u": add.clone(), "upsert": upsert };
            let written = self.db.update("reserve", SPEND, vec![statement], true).await?;
            written.but_taken()?;
            if written.taken.is_empty() && written.matched > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts what was spent in place of what was held.
    pub(super) async fn settle(
        &self,
        tenant: &TenantId,
        day: UtcDay,
        held: Spend,
        spent: Spend,
    ) -> Result<(), StoreError> {
        let change = |held: u64, spent: u64| stored(spent) - stored(held);
        let (tokens, micros) = (change(held.tokens, spent.tokens), change(held.micros, spent.micros));
        let statement = rawdoc! {
            "q": { "_id": book(tenant, day), "tokens": { "$gte": -tokens }, "micros": { "$gte": -micros } },
            "u": { "$inc": { "tokens": tokens, "micros": micros } },
        };
        let written = self.db.update("settle", SPEND, vec![statement], true).await?;
        written.all()?;
        if written.matched > 0 {
            return Ok(());
        }
        // It would fall below zero, or there is no entry: then it is computed here and compared.
        for _ in 0..ATTEMPTS {
            let before = self.entry(tenant, day).await?;
            let now = before.unwrap_or_default();
            let sum = |known: u64, change: i64| stored(known).saturating_add(change).max(0);
            let set = rawdoc! { "$set": { "tokens": sum(now.tokens, tokens), "micros": sum(now.micros, micros) } };
            let mut filter = rawdoc! { "_id": book(tenant, day), "tokens": stored(now.tokens) };
            filter.append(cstr!("micros"), stored(now.micros));
            let statement = rawdoc! { "q": filter, "u": set, "upsert": before.is_none() };
            let written = self.db.update("settle", SPEND, vec![statement], true).await?;
            written.but_taken()?;
            if written.taken.is_empty() && written.matched > 0 {
                return Ok(());
            }
        }
        Err(StoreError::unavailable(Failure::Refused("the books were changed by others each time".to_owned())))
    }

    async fn entry(&self, tenant: &TenantId, day: UtcDay) -> Result<Option<Spend>, StoreError> {
        let found = self.db.find("spent", SPEND, doc! { "_id": book(tenant, day) }, Finding::first(1)).await?;
        let Some(entry) = found.first() else { return Ok(None) };
        let number = |name| optional_int(entry, name).map(|number| u64::try_from(number.unwrap_or(0)).unwrap_or(0));
        Ok(Some(Spend { tokens: number("tokens")?, micros: number("micros")? }))
    }

    /// What is spent and held.
    pub(super) async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<Spend, StoreError> {
        Ok(self.entry(tenant, day).await?.unwrap_or_default())
    }

    /// Removes everything that is kept about a conversation.
    pub(super) async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError> {
        let name = Cid::of(key, 0);
        let of_name = || rawdoc! { "_id": binary(&name.0) };
        // The view first: without it, a worker that is still busy with the conversation keeps nothing.
        for filter in [of_name(), rows_of(name)] {
            let filters: Vec<RawDocumentBuf> = vec![filter];
            self.db.delete("erase", VIEWS, filters).await?.all()?;
        }
        self.erase_summaries(name).await?;
        for collection in [LEASES, DEAD_LETTERS] {
            self.db.delete("erase", collection, vec![of_name()]).await?.all()?;
        }
        Ok(())
    }
}

/// The entry of a tenant's day in the books.
fn book(tenant: &TenantId, day: UtcDay) -> Binary {
    let mut id = Sha256::digest(tenant.as_str().as_bytes()).to_vec();
    id.truncate(24);
    id.extend_from_slice(&day.0.to_be_bytes());
    binary(&id)
}
