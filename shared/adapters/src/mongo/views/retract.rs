//! Summaries and gists taken back. Law: from the moment that the view has another number nothing made before it counts,
//! but for what is given that number too, which was made from none of the messages.
//!
//! A crash on the way leaves what was to stay uncounted until the same is taken back again; the view remembers the
//! number that it had.

use mongodb::bson::{RawArrayBuf, RawDocumentBuf, doc, rawdoc};
use shared::domain::{ConversationKey, Seq, Version};
use shared::ports::{Span, StoreError};

use super::super::db::Finding;
use super::super::failure::Failure;
use super::super::fields::{bytes, count, int, optional_int};
use super::super::place::{Cid, binary, joined};
use super::super::schema::{GISTS, SUMMARIES, VIEWS};
use super::Views;

/// How often others may take something back at the same time.
const ATTEMPTS: u32 = 20;

impl Views {
    /// Takes back what was made from these messages, which ascend. Answers the newest number given to a version.
    pub(super) async fn retract(&self, key: &ConversationKey, messages: &[Seq]) -> Result<Version, StoreError> {
        let name = Cid::of(key, 0);
        let Some(first) = messages.first() else {
            return Ok(self.beside(name).await?.map_or(Version::ZERO, |beside| Version(beside.version)));
        };
        for _ in 0..ATTEMPTS {
            let filter = doc! { "_id": binary(&name.0) };
            let fields = doc! { "i": 1, "io": 1, "v": 1, "lm": 1 };
            let found = self.db.find("retract", VIEWS, filter, Finding::first(1).only(fields)).await?;
            let Some(view) = found.first() else { return Ok(Version::ZERO) };
            let (number, version) = (int(view, "i")?, count(view, "v")?);
            let now = self.nonce();
            let statement = rawdoc! {
                "q": { "_id": binary(&name.0), "i": number, "lm": int(view, "lm")? },
                "u": {
                    "$set": { "i": now, "io": number, "cv": 0_i64, "un": count(view, "lm")? > 0 },
                    "$unset": { "p": "", "dg": "", "pg": "" },
                },
            };
            let written = self.db.update("retract", VIEWS, vec![statement], true).await?;
            written.all()?;
            if written.matched == 0 {
                continue;
            }
            let mut before = vec![number];
            before.extend(optional_int(view, "io")?);
            self.forget_summaries(name, *first).await?;
            self.forget_gists(name, messages).await?;
            self.keep(name, &before, now).await?;
            return Ok(Version(version));
        }
        Err(StoreError::unavailable(Failure::Refused("the view was changed by others each time".to_owned())))
    }

    /// Versions that cover a message, whoever made them.
    async fn forget_summaries(&self, name: Cid, first: Seq) -> Result<(), StoreError> {
        let covering = |last: RawDocumentBuf| {
            let (from, to) = (binary(&joined(name, 0)), binary(&joined(name, u64::MAX)));
            rawdoc! { "_id": { "$gte": from, "$lte": to }, "ls": last }
        };
        let filters = vec![
            covering(rawdoc! { "$gte": i64::try_from(first.0).unwrap_or(i64::MAX) }),
            covering(rawdoc! { "$exists": false }),
        ];
        self.db.delete("retract", SUMMARIES, filters).await?.all()?;
        Ok(())
    }

    /// Gists of a stretch in which a message stands.
    async fn forget_gists(&self, name: Cid, messages: &[Seq]) -> Result<(), StoreError> {
        let filter = of(name);
        let finding = Finding::default().only(doc! { "f": 1, "l": 1 });
        let filter =
            mongodb::bson::Document::try_from(filter).map_err(|error| StoreError::corrupt("a filter", error))?;
        let mut gone = RawArrayBuf::new();
        for gist in self.db.find("retract", GISTS, filter, finding).await? {
            let ends = optional_int(&gist, "f")?.zip(optional_int(&gist, "l")?);
            let span = ends.map(|(first, last)| Span { first: seq(first), last: seq(last) });
            if span.is_none_or(|span| span.holds_any(messages)) {
                gone.push(binary(bytes(&gist, "_id")?));
            }
        }
        let gone = rawdoc! { "_id": { "$in": gone } };
        self.db.delete("retract", GISTS, vec![gone]).await?.all()?;
        Ok(())
    }

    /// What is left counts from now on under the view's new number.
    async fn keep(&self, name: Cid, before: &[i64], now: i64) -> Result<(), StoreError> {
        let (from, to) = (binary(&joined(name, 0)), binary(&joined(name, u64::MAX)));
        let statement = |mut filter: RawDocumentBuf| {
            let mut numbers = RawArrayBuf::new();
            for number in before {
                numbers.push(*number);
            }
            filter.append(mongodb::bson::cstr!("i"), rawdoc! { "$in": numbers });
            rawdoc! { "q": filter, "u": { "$set": { "i": now } }, "multi": true }
        };
        let summaries = statement(rawdoc! { "_id": { "$gte": from, "$lte": to } });
        self.db.update("retract", SUMMARIES, vec![summaries], true).await?.all()?;
        self.db.update("retract", GISTS, vec![statement(of(name))], true).await?.all()?;
        let done = rawdoc! { "q": { "_id": binary(&name.0), "i": now }, "u": { "$unset": { "io": "" } } };
        self.db.update("retract", VIEWS, vec![done], true).await?.all()?;
        Ok(())
    }
}

fn of(name: Cid) -> RawDocumentBuf {
    let (from, to) = (binary(&[name.0, [0; 16]].concat()), binary(&[name.0, [0xff; 16]].concat()));
    rawdoc! { "_id": { "$gte": from, "$lte": to } }
}

fn seq(stored: i64) -> Seq {
    Seq(u64::try_from(stored).unwrap_or(0))
}
