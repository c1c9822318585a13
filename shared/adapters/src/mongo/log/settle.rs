//! Ends of conversations brought in order by writers. Law: a seq is filled once and never freed: what is missed is
//! filled with a tombstone, and what can never be whole becomes one.
//!
//! A group that is not whole yet may be on its way, so it is given a moment. Then the first seq that it misses is
//! filled: whoever comes later finds it taken, and tries again behind. So no lock and no clock decides, only `_id`.

use std::time::Duration;

use mongodb::bson::{cstr, rawdoc};
use shared::domain::ConversationKey;
use shared::ports::StoreError;

use super::super::fields::stored;
use super::super::place::Cid;
use super::super::schema::MESSAGES;
use super::document::{Skeleton, tombstone};
use super::heads::Place;
use super::records::{End, Records};
use super::tail::Tail;
use super::visible::Next;

/// How often a group on its way is waited for: about a second in all.
const PATIENCE: u32 = 12;
/// Looks at one conversation's end. Each one finds something done, by us or by others.
const LOOKS: u32 = 200;

impl Records {
    /// Where a conversation stands for a writer, and all before counts. A group numbered `own` is not on its way.
    pub(super) async fn place(&self, key: &ConversationKey, own: Option<i64>) -> Result<Place, StoreError> {
        let name = Cid::of(key, 0);
        let mut waits = 0;
        for _ in 0..LOOKS {
            let cid = self.cid(key, name);
            match self.end(cid).await? {
                End::Settled(tail) => {
                    let place = Place { cid, tail };
                    self.heads.stands(name, place);
                    return Ok(place);
                }
                End::Erased(epoch) => self.heads.lives(name, epoch),
                End::Unsettled(tail, records, Next::Broken(count)) => {
                    let broken = usize::try_from(count).unwrap_or(records.len()).min(records.len());
                    self.seal(key, cid, tail, &records[..broken]).await?;
                }
                End::Unsettled(tail, records, Next::Waits { at, nonce }) => {
                    if own == Some(nonce) || waits >= PATIENCE {
                        self.fill(key, cid, &tail, at, &records).await?;
                    } else {
                        waits += 1;
                        self.pause(Duration::from_millis(40)).await;
                    }
                }
                End::Unsettled(..) => {}
            }
        }
        Err(StoreError::Timeout)
    }

    /// Makes records of broken groups tombstones. Whoever else does so writes the same.
    async fn seal(
        &self,
        key: &ConversationKey,
        cid: Cid,
        mut tail: Tail,
        broken: &[Skeleton],
    ) -> Result<(), StoreError> {
        let mut statements = Vec::with_capacity(broken.len());
        for record in broken {
            let (document, after) = tombstone(key, cid, &tail, 0, record.tail.received);
            statements.push(rawdoc! {
                "q": { "_id": cid.record(record.seq()), "g": record.group.nonce },
                "u": document,
            });
            tail = after;
        }
        self.db.update("seal", MESSAGES, statements, false).await?.all()?;
        Ok(())
    }

    /// Fills a seq that nothing stands at, up to which all behind `tail` belongs to the group that misses it.
    async fn fill(
        &self,
        key: &ConversationKey,
        cid: Cid,
        tail: &Tail,
        at: u64,
        records: &[Skeleton],
    ) -> Result<(), StoreError> {
        let received = records.first().map_or(tail.received, |record| record.tail.received);
        let beyond = at - tail.seq - 1;
        let (mut document, _) = tombstone(key, cid, tail, beyond, received);
        if beyond > 0 {
            // It proves nothing of those before it, as a record alone in its group would: so it is one of a group that
            // will never be whole, and becomes a tombstone like any other in its turn.
            document.append(cstr!("g"), self.nonce());
            document.append(cstr!("f"), stored(beyond));
            document.append(cstr!("c"), stored(beyond + 1));
        }
        tracing::info!(seq = at, "a seq that was given and never filled is sealed");
        self.db.insert("fill", MESSAGES, vec![document]).await?.but_taken()?;
        Ok(())
    }

    /// Fills the seq behind the last record, so that a group that was to begin there, or before, can never be whole.
    pub(super) async fn bar(&self, key: &ConversationKey, place: &Place) -> Result<(), StoreError> {
        self.heads.forget(Cid::of(key, 0));
        let (document, _) = tombstone(key, place.cid, &place.tail, 0, place.tail.received);
        self.db.insert("fill", MESSAGES, vec![document]).await?.but_taken()?;
        Ok(())
    }

    /// A number that nobody else draws.
    pub(super) fn nonce(&self) -> i64 {
        let random = self.ids.random();
        let mut half = [0; 8];
        half.copy_from_slice(&random[..8]);
        i64::from_be_bytes(half)
    }

    /// Waits for between half of `about` and one and a half.
    pub(super) async fn pause(&self, about: Duration) {
        let share = f64::from(self.ids.random()[0]) / 255.0;
        tokio::time::sleep(about.mul_f64(0.5 + share)).await;
    }
}
