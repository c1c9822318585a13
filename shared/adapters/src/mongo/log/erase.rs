//! A conversation erased. Law: it is found nowhere once the answer is given, and no writer that believes in the old
//! place can bring any of it back.
//!
//! An erasure is one more record: it takes the seq behind the last one, so that a writer of another replica meets it
//! or is met by it. It points to the next epoch, in which a new conversation of that name begins at seq 1, under other
//! `_id`s. Then all records lose what they say and point there too. Bare as they are, they stay for longer than any
//! process believes in a place; of the first one the pointer stays for good.

use std::time::Duration;

use mongodb::bson::{RawDocumentBuf, doc, rawdoc};
use shared::domain::{ConversationId, ConversationKey, TenantId};
use shared::ports::{AppendError, StoreError};

use super::super::db::Finding;
use super::super::failure::{corrupt, missing};
use super::super::fields::{bytes, count, flag, stored, text};
use super::super::place::{Cid, binary};
use super::super::schema::{ERASURES, MESSAGES};
use super::heads::BELIEVED;
use super::records::Records;
use super::tail::{Group, Kind, Tail};

/// How often an append may be faster.
const ATTEMPTS: u32 = 20;
/// Records laid bare by one command.
const STEP: u64 = 200;
/// How long bare records stay.
const STAY: Duration = Duration::from_mins(BELIEVED.as_secs() / 60 * 2);
/// How long an erasure is known to the readers of `commits`: longer than those are kept.
const KNOWN: Duration = Duration::from_hours(48);
/// After so long, whoever was erasing is taken for gone.
const ABANDONED: Duration = Duration::from_mins(1);

/// An erasure under way.
struct Erasure {
    cid: Cid,
    /// Where the erasure itself stands as a record.
    seq: u64,
    next: u64,
}

impl Records {
    /// Erases a conversation. Answers whether there was one.
    pub(super) async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        let name = Cid::of(key, 0);
        for attempt in 0..ATTEMPTS {
            let place = self.place(key, None).await?;
            if place.tail.seq == 0 {
                return Ok(false);
            }
            let epoch = self.heads.epoch(name);
            if Cid::of(key, epoch) != place.cid {
                // Forgotten in the very moment: look again.
                continue;
            }
            let next = epoch + 1;
            let erasure = Erasure { cid: place.cid, seq: place.tail.seq + 1, next };
            self.announce(key, &erasure).await?;
            let written = self.db.insert("erase", MESSAGES, vec![marker(&erasure, &place.tail)]).await?;
            written.but_taken()?;
            self.heads.forget(name);
            if written.taken.is_empty() {
                self.finish(&erasure).await?;
                self.heads.lives(name, next);
                return Ok(true);
            }
            self.pause(Duration::from_millis(5 << attempt.min(6))).await;
        }
        Err(StoreError::unavailable(AppendError::HeadMoved))
    }

    /// Notes an erasure before it is begun, so that one cut short is found.
    async fn announce(&self, key: &ConversationKey, erasure: &Erasure) -> Result<(), StoreError> {
        let statement = rawdoc! {
            "q": { "_id": binary(&erasure.cid.0) },
            "u": { "$set": {
                "t": key.tenant.as_str(),
                "v": key.conversation.as_str(),
                "s": stored(erasure.seq),
                "e": stored(erasure.next),
                "at": self.time().await?,
                "marked": false,
                "bare": false,
                "gone": false,
                "views": true,
            } },
            "upsert": true,
        };
        self.db.update("erase", ERASURES, vec![statement], true).await?.all()?;
        Ok(())
    }

    /// From the erasure's own record to bare ones.
    async fn finish(&self, erasure: &Erasure) -> Result<(), StoreError> {
        self.note(erasure.cid, rawdoc! { "marked": true }).await?;
        self.lay_bare(erasure).await?;
        self.note(erasure.cid, rawdoc! { "bare": true }).await
    }

    async fn note(&self, cid: Cid, fields: RawDocumentBuf) -> Result<(), StoreError> {
        let statement = rawdoc! { "q": { "_id": binary(&cid.0) }, "u": { "$set": fields } };
        self.db.update("erase", ERASURES, vec![statement], true).await?.all()?;
        Ok(())
    }

    async fn lay_bare(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let mut from = 1;
        while from < erasure.seq {
            let to = (from + STEP).min(erasure.seq);
            self.lay_bare_range(erasure, from, to - 1).await?;
            from = to;
        }
        // What a slower writer has left behind the erasure.
        self.lay_bare_range(erasure, erasure.seq + 1, u64::MAX).await
    }

    async fn lay_bare_range(&self, erasure: &Erasure, from: u64, to: u64) -> Result<(), StoreError> {
        let statement = rawdoc! {
            "q": {
                "_id": { "$gte": erasure.cid.record(from), "$lte": erasure.cid.record(to) },
                "k": { "$ne": Kind::Erased.code() },
            },
            "u": {
                "$set": { "k": Kind::Erased.code(), "e": stored(erasure.next) },
                "$unset": {
                    "t": "", "v": "", "u": "", "x": "", "m": "", "i": "", "s": "", "mid": "", "late": "", "n": "",
                    "r": "", "o": "", "l": "", "g": "", "f": "", "c": "", "lf": "", "wt": "", "ed": "", "gone": "",
                    "due": "", "tg": "", "w": "", "z": "",
                },
            },
            "multi": true,
        };
        self.db.update("erase", MESSAGES, vec![statement], true).await?.all()?;
        Ok(())
    }

    /// Takes back what is left of a group that met an erasure: its conversation is not brought in order any more.
    pub(super) async fn withdraw(&self, cid: Cid, group: Group) -> Result<(), StoreError> {
        let first = doc! { "_id": cid.record(group.first) };
        let met = self.skeletons("erased", first, Finding::first(1)).await?;
        if met.first().is_none_or(|record| !record.erased()) {
            return Ok(());
        }
        let ours = rawdoc! {
            "_id": { "$gte": cid.record(group.first), "$lt": cid.record(group.end()) },
            "g": group.nonce,
        };
        self.db.delete("withdraw", MESSAGES, vec![ours]).await?.all()?;
        Ok(())
    }

    /// Erasures whose views may still be there.
    pub(super) async fn erasures(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let filter = doc! { "views": true, "marked": true };
        let found = self.db.find("erasures", ERASURES, filter, Finding::sorted(doc! { "_id": 1 }, limit)).await?;
        let mut keys = Vec::with_capacity(found.len());
        for document in &found {
            let tenant = TenantId::parse(text(document, "t")?).map_err(|error| corrupt("an erasure", error))?;
            let name = ConversationId::parse(text(document, "v")?).map_err(|error| corrupt("an erasure", error))?;
            let key = ConversationKey::new(tenant, name);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// The views of an erased conversation are gone, and so is the need for its name.
    pub(super) async fn erased_views(&self, key: &ConversationKey) -> Result<(), StoreError> {
        let statement = rawdoc! {
            "q": { "t": key.tenant.as_str(), "v": key.conversation.as_str(), "marked": true },
            "u": { "$set": { "views": false }, "$unset": { "t": "", "v": "" } },
            "multi": true,
        };
        self.db.update("erased", ERASURES, vec![statement], true).await?.all()?;
        Ok(())
    }

    /// Which of these conversations were erased.
    pub(super) async fn erased_of(&self, cids: &[Cid]) -> Result<Vec<Cid>, StoreError> {
        let names: Vec<_> = cids.iter().map(|cid| binary(&cid.0)).collect();
        let filter = doc! { "_id": { "$in": names }, "marked": true };
        let found = self.db.find("erased", ERASURES, filter, Finding::default().only(doc! { "_id": 1 })).await?;
        found.iter().map(|document| Ok(Cid(fixed(bytes(document, "_id")?)?))).collect()
    }

    /// Erasures cut short are finished, bare records go in their time.
    pub(super) async fn tidy_erasures(&self, now: i64) -> Result<(), StoreError> {
        let before = |time: Duration| now.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let abandoned = doc! { "bare": false, "at": { "$lt": before(ABANDONED) } };
        for document in self.db.find("tidy", ERASURES, abandoned, Finding::first(100)).await? {
            let erasure = read(&document)?;
            let filter = doc! { "_id": erasure.cid.record(erasure.seq) };
            let marked = self.skeletons("tidy", filter, Finding::first(1)).await?.pop().is_some_and(|r| r.erased());
            if marked || flag(&document, "marked")? {
                self.finish(&erasure).await?;
            } else {
                let never = rawdoc! { "_id": binary(&erasure.cid.0), "marked": false };
                self.db.delete("tidy", ERASURES, vec![never]).await?.all()?;
            }
        }
        let stayed = doc! { "bare": true, "gone": false, "at": { "$lt": before(STAY) } };
        for document in self.db.find("tidy", ERASURES, stayed, Finding::first(100)).await? {
            let erasure = read(&document)?;
            self.lay_bare(&erasure).await?;
            let others = rawdoc! {
                "_id": { "$gte": erasure.cid.record(2), "$lte": erasure.cid.record(u64::MAX) },
            };
            self.db.delete("tidy", MESSAGES, vec![others]).await?.all()?;
            self.note(erasure.cid, rawdoc! { "gone": true }).await?;
        }
        let known = rawdoc! { "gone": true, "views": false, "at": { "$lt": before(KNOWN) } };
        self.db.delete("tidy", ERASURES, vec![known]).await?.all()?;
        Ok(())
    }
}

fn marker(erasure: &Erasure, tail: &Tail) -> RawDocumentBuf {
    rawdoc! {
        "_id": erasure.cid.record(erasure.seq),
        "k": Kind::Erased.code(),
        "n": tail.newest.as_millis(),
        "e": stored(erasure.next),
    }
}

fn read(document: &RawDocumentBuf) -> Result<Erasure, StoreError> {
    Ok(Erasure { cid: Cid(fixed(bytes(document, "_id")?)?), seq: count(document, "s")?, next: count(document, "e")? })
}

fn fixed(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| missing("the name of an erasure"))
}
