//! Summaries, their versions and gists: what was paid for. Law: kept beside a view only, under the number of that
//! view, so that nothing of an erased conversation comes back through a worker that was still busy with it.
//!
//! A version is stored first, under its unique number, and then pointed to by compare-and-set. Whoever stored it owns
//! it. Whoever finds it stored and not pointed to, after a crash between the two, points to it.
//!
//! Taking summaries back gives the view another number, and with it those that stay (`retract`).

use mongodb::bson::{RawDocument, RawDocumentBuf, cstr, doc, rawdoc};
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationKey, SummaryPointer, SummaryVersion, Version};
use shared::ports::{CasOutcome, Gist, GistKey, Span, StoreError};

use super::super::db::Finding;
use super::super::failure::{Failure, corrupt};
use super::super::fields::{count, int, stored, text};
use super::super::place::{Cid, binary, half, joined};
use super::super::schema::{GISTS, SUMMARIES, VIEWS};
use super::Views;

/// How often a view may move meanwhile.
const ATTEMPTS: u32 = 50;

/// What is needed of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) number: i64,
    pub(super) version: u64,
    last_message: u64,
}

impl Views {
    pub(super) async fn beside(&self, name: Cid) -> Result<Option<Beside>, StoreError> {
        let fields = doc! { "i": 1, "v": 1, "lm": 1 };
        let filter = doc! { "_id": binary(&name.0) };
        let found = self.db.find("summary_of", VIEWS, filter, Finding::first(1).only(fields)).await?;
        let Some(view) = found.first() else { return Ok(None) };
        let beside = Beside { number: int(view, "i")?, version: count(view, "v")?, last_message: count(view, "lm")? };
        Ok(Some(beside))
    }

    /// Stores a version with its pointer, if the one before it is the newest.
    pub(super) async fn save_summary(
        &self,
        key: &ConversationKey,
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        if summary.version != previous.next() {
            return Ok(CasOutcome::Stale);
        }
        let name = Cid::of(key, 0);
        let body = serde_json::to_string(summary).map_err(|error| corrupt("a summary", error))?;
        let id = binary(&joined(name, summary.version.0));
        for _ in 0..ATTEMPTS {
            let Some(beside) = self.beside(name).await? else { return Ok(CasOutcome::Stale) };
            if beside.version != previous.0 || beside.number.cast_unsigned() != epoch {
                return Ok(CasOutcome::Stale);
            }
            let document = rawdoc! {
                "_id": id.clone(),
                "i": beside.number,
                "b": body.as_str(),
                "ls": stored(summary.covers.last_seq.0),
            };
            let written = self.db.insert("save_summary", SUMMARIES, vec![document]).await?;
            written.but_taken()?;
            if written.taken.is_empty() {
                return self.own(name, beside, &summary.pointer()).await;
            }
            let found = self.db.find("summary", SUMMARIES, doc! { "_id": id.clone() }, Finding::first(1)).await?;
            let Some(other) = found.first() else { continue };
            if int(other, "i")? == beside.number {
                self.point(name, beside, &read(other)?.pointer()).await?;
                return Ok(CasOutcome::Stale);
            }
            // Left by a worker that was slower than an erasure.
            let orphan = rawdoc! { "_id": id.clone(), "i": int(other, "i")? };
            self.db.delete("save_summary", SUMMARIES, vec![orphan]).await?.all()?;
        }
        Err(moving())
    }

    /// Points to a version that this call has stored.
    async fn own(&self, name: Cid, mut beside: Beside, pointer: &SummaryPointer) -> Result<CasOutcome, StoreError> {
        for _ in 0..ATTEMPTS {
            if self.point(name, beside, pointer).await? {
                return Ok(CasOutcome::Applied);
            }
            match self.beside(name).await? {
                Some(now) if now.number == beside.number && now.version >= pointer.version.0 => {
                    return Ok(CasOutcome::Applied);
                }
                Some(now) if now.number == beside.number => beside = now,
                _ => {
                    let orphan = rawdoc! { "_id": binary(&joined(name, pointer.version.0)), "i": beside.number };
                    self.db.delete("save_summary", SUMMARIES, vec![orphan]).await?.all()?;
                    return Ok(CasOutcome::Stale);
                }
            }
        }
        Err(moving())
    }

    async fn point(&self, name: Cid, beside: Beside, pointer: &SummaryPointer) -> Result<bool, StoreError> {
        let text = serde_json::to_string(pointer).map_err(|error| corrupt("a summary pointer", error))?;
        let covered = pointer.covers.last_seq.0;
        let mut change = rawdoc! { "$set": {
            "v": stored(pointer.version.0),
            "p": text,
            "cv": stored(covered),
            "un": beside.last_message > covered,
            "pg": pointer.generated_at.as_millis(),
        } };
        if pointer.degraded {
            let mut set = rawdoc! { "dg": true };
            for (name, value) in change.get_document("$set").into_iter().flatten().flatten() {
                set.append(name, value);
            }
            change = rawdoc! { "$set": set };
        } else {
            change.append(cstr!("$unset"), rawdoc! { "dg": "" });
        }
        let statement = rawdoc! {
            "q": {
                "_id": binary(&name.0),
                "i": beside.number,
                "v": stored(pointer.version.0 - 1),
                "lm": stored(beside.last_message),
            },
            "u": change,
        };
        let written = self.db.update("save_summary", VIEWS, vec![statement], true).await?;
        written.all()?;
        Ok(written.matched > 0)
    }

    /// The newest version; none where it was taken back.
    pub(super) async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        let name = Cid::of(key, 0);
        let Some(beside) = self.beside(name).await? else { return Ok(None) };
        let filter = doc! { "_id": binary(&joined(name, beside.version)), "i": beside.number };
        let found = self.db.find("summary", SUMMARIES, filter, Finding::first(1)).await?;
        found.first().map(|document| read(document)).transpose()
    }

    /// Versions, newest first, and how many there are.
    pub(super) async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        let name = Cid::of(key, 0);
        let Some(beside) = self.beside(name).await? else { return Ok((Vec::new(), 0)) };
        let filter = doc! {
            "_id": { "$gte": binary(&joined(name, 1)), "$lte": binary(&joined(name, beside.version)) },
            "i": beside.number,
        };
        let total = self.db.count("summaries", SUMMARIES, filter.clone(), None).await?;
        if offset >= total || limit == 0 {
            return Ok((Vec::new(), total));
        }
        let finding = Finding { skip: offset, ..Finding::sorted(doc! { "_id": -1 }, limit) };
        let found = self.db.find("summaries", SUMMARIES, filter, finding).await?;
        let versions: Result<Vec<_>, _> = found.iter().map(|document| read(document)).collect();
        Ok((versions?, total))
    }

    /// A gist made before.
    pub(super) async fn gist(&self, of: &ConversationKey, key: &GistKey) -> Result<Option<Gist>, StoreError> {
        let name = Cid::of(of, 0);
        let filter = doc! { "_id": gist_id(name, key) };
        let gist = self.db.find("gist", GISTS, filter, Finding::first(1));
        let (found, beside) = tokio::join!(gist, self.beside(name));
        let (found, beside) = (found?, beside?);
        let (Some(gist), Some(beside)) = (found.first(), beside) else { return Ok(None) };
        if int(gist, "i")? != beside.number {
            return Ok(None);
        }
        Ok(Some(Gist(text(gist, "b")?.into())))
    }

    /// Keeps a gist, if the conversation has a view of that number.
    pub(super) async fn save_gist(
        &self,
        of: &ConversationKey,
        epoch: u64,
        key: &GistKey,
        span: Span,
        gist: &Gist,
    ) -> Result<(), StoreError> {
        let name = Cid::of(of, 0);
        let beside = self.beside(name).await?.filter(|beside| beside.number.cast_unsigned() == epoch);
        let Some(beside) = beside else { return Ok(()) };
        let id = gist_id(name, key);
        let statement = rawdoc! {
            "q": { "_id": id.clone() },
            "u": { "$set": {
                "i": beside.number,
                "b": &*gist.0,
                "f": stored(span.first.0),
                "l": stored(span.last.0),
            } },
            "upsert": true,
        };
        // Taken: another worker keeps the same gist at the same time.
        self.db.update("save_gist", GISTS, vec![statement], true).await?.but_taken()?;
        if self.beside(name).await?.is_none_or(|now| now.number != beside.number) {
            let orphan = rawdoc! { "_id": id, "i": beside.number };
            self.db.delete("save_gist", GISTS, vec![orphan]).await?.all()?;
        }
        Ok(())
    }

    /// Removes summaries and gists.
    pub(super) async fn erase_summaries(&self, name: Cid) -> Result<(), StoreError> {
        let summaries: RawDocumentBuf =
            rawdoc! { "_id": { "$gte": binary(&joined(name, 0)), "$lte": binary(&joined(name, u64::MAX)) } };
        self.db.delete("erase", SUMMARIES, vec![summaries]).await?.all()?;
        let gists = rawdoc! { "_id": {
            "$gte": binary(&[name.0, [0; 16]].concat()),
            "$lte": binary(&[name.0, [0xff; 16]].concat()),
        } };
        self.db.delete("erase", GISTS, vec![gists]).await?.all()?;
        Ok(())
    }
}

fn moving() -> StoreError {
    StoreError::unavailable(Failure::Refused("the view was changed by others each time".to_owned()))
}

fn gist_id(name: Cid, key: &GistKey) -> mongodb::bson::Binary {
    let mut hash = Sha256::new();
    hash.update(key.content.as_bytes());
    hash.update(key.maker.as_bytes());
    binary(&[name.0, half(&hash.finalize())].concat())
}

fn read(document: &RawDocument) -> Result<SummaryVersion, StoreError> {
    serde_json::from_str(text(document, "b")?).map_err(|error| corrupt("a summary", error))
}
