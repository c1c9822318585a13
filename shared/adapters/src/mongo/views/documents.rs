//! Views and participations as documents of `views`. Law: a view says what of its step is not in the rows yet.
//!
//! A view stands under the conversation's name (16 bytes), its users' rows under the same name and 16 bytes of the
//! user's digest, so both lie in one collection and one command changes both.
//!
//! | view | what it is |
//! | --- | --- |
//! | `t`, `n` | tenant, conversation |
//! | `a`, `d` | applied seq and digest: what a step is compared with |
//! | `w` | number of the step that wrote it last |
//! | `i` | number of the view itself; summaries and gists of another one do not belong to it |
//! | `nw`, `ns` | timestamp and seq of the newest message |
//! | `lm`, `cv`, `un` | last message, last one that a summary covers, whether there are others |
//! | `rc`, `e` | when the last record was received, whether it is an end |
//! | `v`, `p`, `dg`, `pg` | newest version, its pointer, whether a fallback wrote it, when |
//! | `b` | the view, as JSON |
//! | `pend` | participations of the last step that may not be in the rows yet |
//!
//! | row | what it is |
//! | --- | --- |
//! | `pt`, `pu`, `pc` | tenant, user, conversation |
//! | `pf`, `pl` | first post; last post, as bytes that order by time, then seq |
//! | `pm` | messages |
//! | `pa` | applied seq of the last step in it; `pr` the repair that wrote it |

use mongodb::bson::{Binary, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, cstr, rawdoc};
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, Timestamp, UserId, Version};
use shared::ports::{ConversationRow, HistoryRow, ParticipationDelta, ProjectionStep, StoreError};
use shared::projections::ConversationView;

use super::super::failure::{corrupt, missing};
use super::super::fields::{bytes, count, int, optional_int, optional_text, stored, text};
use super::super::place::{Cid, binary, disordered, half, ordered};

/// A step with its bytes and numbers.
pub(super) struct Prepared {
    pub(super) step: ProjectionStep,
    pub(super) name: Cid,
    body: String,
    /// Of this step alone.
    pub(super) nonce: i64,
}

impl Prepared {
    pub(super) fn new(step: ProjectionStep, nonce: i64) -> Result<Self, StoreError> {
        let unwritable = |error| corrupt("a view that cannot be written as JSON", error);
        let body = serde_json::to_string(&step.view).map_err(unwritable)?;
        Ok(Self { name: Cid::of(&step.key, 0), step, body, nonce })
    }

    /// The number of the repair that the step is, if it is one.
    pub(super) fn repair(&self) -> Option<i64> {
        self.step.whole.then_some(self.nonce)
    }

    /// What a step sets, whatever was there.
    pub(super) fn fields(&self) -> RawDocumentBuf {
        let view = &self.step.view;
        let newest = view.newest.map_or((Timestamp::MIN, 0), |newest| (newest.timestamp, newest.seq.0));
        rawdoc! {
            "a": stored(view.applied_seq.0),
            "d": binary(view.digest.as_bytes()),
            "w": self.nonce,
            "nw": newest.0.as_millis(),
            "ns": stored(newest.1),
            "lm": stored(told(view)),
            "rc": view.received_at.as_millis(),
            "e": view.ended.is_some(),
            "b": self.body.as_str(),
        }
    }

    /// The step as an update statement: a new view, or the next one of a view that owes its rows nothing.
    pub(super) fn statement(&self) -> RawDocumentBuf {
        let step = &self.step;
        let mut fields = self.fields();
        if !step.participations.is_empty() || step.whole {
            fields.append(cstr!("pend"), pending(&step.participations, self.repair()));
        }
        let Some((seq, digest)) = &step.from else {
            // Nothing has this number, so what is there already is met by the key, and left alone.
            fields.append(cstr!("t"), step.key.tenant.as_str());
            fields.append(cstr!("n"), step.key.conversation.as_str());
            fields.append(cstr!("v"), 0_i64);
            fields.append(cstr!("cv"), 0_i64);
            fields.append(cstr!("un"), told(&step.view) > 0);
            return rawdoc! {
                "q": { "_id": binary(&self.name.0), "i": self.nonce },
                "u": { "$set": fields },
                "upsert": true,
            };
        };
        if step.view.last_message > *seq || step.whole {
            // No summary covers messages and changes that are new.
            fields.append(cstr!("un"), told(&step.view) > 0);
        }
        rawdoc! {
            "q": {
                "_id": binary(&self.name.0),
                "a": stored(seq.0),
                "d": binary(digest.as_bytes()),
                "pend": { "$exists": false },
            },
            "u": { "$set": fields },
        }
    }
}

/// Up to where there is something to summarize: zero where every message was erased.
pub(super) fn told(view: &ConversationView) -> u64 {
    if view.messages == 0 { 0 } else { view.last_message.0 }
}

/// Participations as they wait in a view; those of a repair replace all others.
pub(super) fn pending(deltas: &[ParticipationDelta], repair: Option<i64>) -> RawDocumentBuf {
    let mut list = RawArrayBuf::new();
    for delta in deltas {
        list.push(rawdoc! {
            "u": delta.user.as_str(),
            "f": delta.first.as_millis(),
            "l": delta.last.as_millis(),
            "s": stored(delta.last_seq.0),
            "m": stored(delta.messages),
        });
    }
    let mut pending = rawdoc! { "rows": list };
    if let Some(repair) = repair {
        pending.append(cstr!("r"), repair);
    }
    pending
}

/// What a view owes its rows.
pub(super) struct Owed {
    pub(super) key: ConversationKey,
    pub(super) name: Cid,
    pub(super) applied: i64,
    pub(super) nonce: i64,
    pub(super) repair: Option<i64>,
    pub(super) deltas: Vec<ParticipationDelta>,
}

impl Owed {
    pub(super) fn of(prepared: &Prepared, repair: Option<i64>) -> Self {
        Self {
            key: prepared.step.key.clone(),
            name: prepared.name,
            applied: stored(prepared.step.view.applied_seq.0),
            nonce: prepared.nonce,
            repair,
            deltas: prepared.step.participations.clone(),
        }
    }

    /// From a view, if it owes anything.
    pub(super) fn read(view: &RawDocument) -> Result<Option<Self>, StoreError> {
        let pending = view.get("pend").map_err(|error| corrupt("a view", error))?;
        let Some(RawBsonRef::Document(pending)) = pending else { return Ok(None) };
        let mut deltas = Vec::new();
        for value in pending.get_array("rows").map_err(|error| corrupt("a view's participations", error))? {
            let Ok(RawBsonRef::Document(row)) = value else { return Err(missing("a view's participation")) };
            deltas.push(ParticipationDelta {
                user: UserId::parse(text(row, "u")?).map_err(|error| corrupt("a participation", error))?,
                first: Timestamp::from_millis(int(row, "f")?),
                last: Timestamp::from_millis(int(row, "l")?),
                last_seq: Seq(count(row, "s")?),
                messages: count(row, "m")?,
            });
        }
        Ok(Some(Self {
            key: key(view)?,
            name: name(view)?,
            applied: int(view, "a")?,
            nonce: int(view, "w")?,
            repair: optional_int(pending, "r")?,
            deltas,
        }))
    }

    /// The statements that bring the rows on, each doing nothing the second time; the last one notes that it is done.
    pub(super) fn statements(&self) -> Vec<RawDocumentBuf> {
        let mut statements: Vec<_> = self.deltas.iter().map(|delta| self.row(delta)).collect();
        statements.push(rawdoc! {
            "q": { "_id": binary(&self.name.0), "w": self.nonce },
            "u": { "$unset": { "pend": "" } },
        });
        statements
    }

    fn row(&self, delta: &ParticipationDelta) -> RawDocumentBuf {
        let id = row_id(self.name, &delta.user);
        let names = rawdoc! {
            "pt": self.key.tenant.as_str(),
            "pu": delta.user.as_str(),
            "pc": self.key.conversation.as_str(),
        };
        let last = binary(&last_post(delta.last, delta.last_seq));
        if let Some(repair) = self.repair {
            return rawdoc! {
                "q": { "_id": id, "pr": { "$ne": repair } },
                "u": {
                    "$set": {
                        "pa": self.applied,
                        "pr": repair,
                        "pf": delta.first.as_millis(),
                        "pl": last,
                        "pm": stored(delta.messages),
                    },
                    "$setOnInsert": names,
                },
                "upsert": true,
            };
        }
        rawdoc! {
            "q": { "_id": id, "pa": { "$lt": self.applied } },
            "u": {
                "$set": { "pa": self.applied },
                "$setOnInsert": names,
                "$min": { "pf": delta.first.as_millis() },
                "$max": { "pl": last },
                "$inc": { "pm": stored(delta.messages) },
            },
            "upsert": true,
        }
    }
}

fn row_id(name: Cid, user: &UserId) -> Binary {
    let digest = Sha256::digest(user.as_str().as_bytes());
    binary(&[name.0, half(&digest)].concat())
}

/// The first and last id that a conversation's rows may have.
pub(super) fn row_ids(name: Cid) -> (Binary, Binary) {
    (binary(&[name.0, [0; 16]].concat()), binary(&[name.0, [0xff; 16]].concat()))
}

/// A last post as bytes that order by time, then by seq.
pub(super) fn last_post(at: Timestamp, seq: Seq) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&ordered(at));
    bytes[8..].copy_from_slice(&seq.0.to_be_bytes());
    bytes
}

fn read_last_post(value: &[u8]) -> Result<(Timestamp, Seq), StoreError> {
    let (Some(at), Some(seq)) = (value.first_chunk::<8>(), value.last_chunk::<8>()) else {
        return Err(missing("the last post of a participation"));
    };
    Ok((disordered(*at), Seq(u64::from_be_bytes(*seq))))
}

/// The fields of a [`ConversationRow`], and what the view owes.
pub(super) fn conversation_fields() -> mongodb::bson::Document {
    mongodb::bson::doc! { "t": 1, "n": 1, "b": 1, "p": 1, "a": 1, "w": 1, "pend": 1, "v": 1, "i": 1 }
}

/// A view with its summary pointer.
pub(super) fn conversation(view: &RawDocument) -> Result<ConversationRow, StoreError> {
    let pointer = optional_text(view, "p")?.map(serde_json::from_str).transpose();
    Ok(ConversationRow {
        key: key(view)?,
        view: serde_json::from_str(text(view, "b")?).map_err(|error| corrupt("a view", error))?,
        summary: pointer.map_err(|error| corrupt("a summary pointer", error))?,
        version: Version(count(view, "v")?),
        epoch: int(view, "i")?.cast_unsigned(),
    })
}

fn key(view: &RawDocument) -> Result<ConversationKey, StoreError> {
    let tenant = TenantId::parse(text(view, "t")?).map_err(|error| corrupt("a view's tenant", error))?;
    let name = ConversationId::parse(text(view, "n")?).map_err(|error| corrupt("a view's conversation", error))?;
    Ok(ConversationKey::new(tenant, name))
}

/// The name of the conversation that a view or a row belongs to.
pub(super) fn name(document: &RawDocument) -> Result<Cid, StoreError> {
    let id = bytes(document, "_id")?.first_chunk::<16>();
    id.map(|name| Cid(*name)).ok_or_else(|| missing("the name of a view"))
}

/// A row of a user's history, the newest message of its conversation given.
pub(super) fn history(row: &RawDocument, latest_seq: Seq) -> Result<HistoryRow, StoreError> {
    let (last, last_seq) = read_last_post(bytes(row, "pl")?)?;
    Ok(HistoryRow {
        conversation: ConversationId::parse(text(row, "pc")?).map_err(|error| corrupt("a participation", error))?,
        first: Timestamp::from_millis(int(row, "pf")?),
        last,
        last_seq,
        messages: count(row, "pm")?,
        latest_seq,
    })
}
