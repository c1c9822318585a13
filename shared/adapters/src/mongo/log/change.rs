//! Messages edited and erased. Law: a message is changed before the record of its change is there, so whoever reads
//! the record finds the message changed, and a crash between the two leaves nothing readable that was to go.
//!
//! A changed message is `due` until its record is durable. What stays due longer than any writer is at it was left by
//! a crash: then whoever tidies up appends the record. A second record of one erasure does no harm.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use mongodb::bson::{RawDocumentBuf, cstr, doc, rawdoc};
use shared::domain::{ConversationId, ConversationKey, Metadata, RecordBody, Salt, Seq, TenantId, Timestamp, Trace};
use shared::ports::{Append, AppendError, Condition, Edit, Entry, StoreError};

use super::super::db::Finding;
use super::super::failure::corrupt;
use super::super::place::{Cid, binary};
use super::super::schema::MESSAGES;
use super::document::Stored;
use super::records::Records;
use super::tail::Kind;

/// After so long, whoever was changing a message is taken for gone.
const ABANDONED: Duration = Duration::from_mins(1);
/// Places in one lookup.
const NAMES: usize = 5_000;

/// What a change finds at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A message.
    Message(Standing),
    /// One that was erased.
    Gone {
        /// The record of that may be missing.
        due: bool,
    },
}

/// A message that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Of what it says now: who has changed it meanwhile has changed this too.
    salt: Salt,
    trace: Trace,
    in_order: bool,
}

/// What is found at the places of changes.
#[derive(Default)]
pub(super) struct Targets(HashMap<(Cid, u64), Target>);

impl Targets {
    /// Checks the changes of a batch, as if each were done. Answers those that need a record.
    pub(super) fn check<'b>(&self, cid: Cid, entries: &'b [Entry]) -> Result<Vec<&'b Entry>, AppendError> {
        let (mut needed, mut gone) = (Vec::new(), HashSet::new());
        for entry in entries {
            let Some(target) = entry.target() else { continue };
            let found = self.0.get(&(cid, target.0)).ok_or(AppendError::NoMessage { target })?;
            let erased = matches!(found, Target::Gone { .. }) || gone.contains(&target);
            match entry {
                Entry::Erased(_) if erased && *found != (Target::Gone { due: true }) => {}
                Entry::Erased(_) => {
                    if gone.insert(target) {
                        needed.push(entry);
                    }
                }
                _ if erased => return Err(AppendError::MessageErased { target }),
                _ => needed.push(entry),
            }
        }
        Ok(needed)
    }

    /// Changes a message, where that is still to be done.
    pub(super) fn apply(&mut self, cid: Cid, entry: &Entry, at: Timestamp) -> Option<RawDocumentBuf> {
        let target = entry.target()?;
        let found = self.0.get_mut(&(cid, target.0))?;
        let statement = match found {
            Target::Message(standing) => Some(standing.statement(cid, entry, target, at)),
            Target::Gone { .. } => None,
        };
        match (entry, &mut *found) {
            (Entry::Edited(edit), Target::Message(standing)) => standing.salt = edit.salt,
            _ => *found = Target::Gone { due: false },
        }
        statement
    }
}

impl Standing {
    fn statement(&self, cid: Cid, entry: &Entry, target: Seq, at: Timestamp) -> RawDocumentBuf {
        let id = cid.record(target.0);
        let mut set = rawdoc! {
            "lf": binary(self.trace.leaf.as_bytes()),
            "wt": i64::from(self.trace.weight),
            "due": at.as_millis(),
        };
        let mut unset = RawDocumentBuf::new();
        if let Entry::Edited(Edit { content, metadata, salt, .. }) = entry {
            set.append(cstr!("ed"), at.as_millis());
            set.append(cstr!("s"), binary(salt));
            set.append(cstr!("x"), &**content);
            match metadata {
                Some(metadata) => set.append(cstr!("m"), Metadata::as_json(metadata)),
                None => unset.append(cstr!("m"), ""),
            }
        } else {
            set.append(cstr!("k"), Kind::Removed.code());
            if self.in_order {
                set.append(cstr!("gone"), id.clone());
            }
            for field in [cstr!("u"), cstr!("x"), cstr!("m"), cstr!("i"), cstr!("s"), cstr!("late"), cstr!("ed")] {
                unset.append(field, "");
            }
        }
        let mut change = rawdoc! { "$set": set };
        if !unset.is_empty() {
            change.append(cstr!("$unset"), unset);
        }
        rawdoc! { "q": { "_id": id, "s": binary(&self.salt) }, "u": change }
    }
}

impl Records {
    /// What stands at these places.
    pub(super) async fn targets(&self, places: impl Iterator<Item = (Cid, Seq)>) -> Result<Targets, StoreError> {
        let ids: Vec<_> = places.map(|(cid, seq)| cid.record(seq.0)).collect();
        let mut targets = Targets::default();
        for part in ids.chunks(NAMES) {
            for document in &self.find("targets", doc! { "_id": { "$in": part } }, Finding::default()).await? {
                let stored = Stored::read(document)?;
                let in_order = stored.skeleton.tail.kind == Kind::Message;
                let target = match stored.record()?.body {
                    RecordBody::Posted(posted) => {
                        Target::Message(Standing { salt: posted.salt, trace: posted.trace(), in_order })
                    }
                    RecordBody::Removed(_) => Target::Gone { due: stored.due.is_some() },
                    _ => continue,
                };
                targets.0.insert((stored.skeleton.cid, stored.skeleton.seq()), target);
            }
        }
        Ok(targets)
    }

    /// Changes messages. Answers whether all of them stood as they were believed to.
    pub(super) async fn change(&self, statements: Vec<RawDocumentBuf>) -> Result<bool, StoreError> {
        let count = statements.len() as u64;
        let written = self.db.update("change", MESSAGES, statements, true).await?;
        written.all()?;
        Ok(written.matched == count)
    }

    /// The records of changes are durable.
    pub(super) async fn settled(&self, places: &[(Cid, Seq)], at: Timestamp) -> Result<(), StoreError> {
        let ids: Vec<_> = places.iter().map(|(cid, seq)| cid.record(seq.0)).collect();
        let statements = ids.chunks(NAMES).map(|part| {
            let mut names = mongodb::bson::RawArrayBuf::new();
            for id in part {
                names.push(id.clone());
            }
            rawdoc! {
                "q": { "_id": { "$in": names }, "due": { "$lte": at.as_millis() } },
                "u": { "$unset": { "due": "" } },
                "multi": true,
            }
        });
        self.db.update("settled", MESSAGES, statements.collect(), false).await?.all()?;
        Ok(())
    }

    /// Changes that a crash has cut short, to be appended once more.
    pub(super) async fn unfinished(&self, limit: usize) -> Result<Vec<Append>, StoreError> {
        let now = self.time().await?;
        let before = now.saturating_sub(i64::try_from(ABANDONED.as_millis()).unwrap_or(i64::MAX));
        let mut appends = Vec::new();
        for document in &self.find("unfinished", doc! { "due": { "$lt": before } }, Finding::first(limit)).await? {
            let stored = Stored::read(document)?;
            let target = Seq(stored.skeleton.seq());
            let entry = match stored.record()?.body {
                RecordBody::Posted(posted) => Entry::Edited(Edit {
                    target,
                    content: posted.content,
                    metadata: posted.metadata,
                    salt: posted.salt,
                }),
                RecordBody::Removed(_) => Entry::Erased(target),
                _ => continue,
            };
            let Some(key) = self.key(stored.skeleton.cid).await? else { continue };
            let received_at = Timestamp::from_millis(now);
            appends.push(Append {
                key,
                entries: vec![entry],
                idempotency: None,
                received_at,
                condition: Condition::Always,
            });
        }
        Ok(appends)
    }

    /// Whose records these are, by the first of them.
    pub(super) async fn key(&self, cid: Cid) -> Result<Option<ConversationKey>, StoreError> {
        let found = self.find("unfinished", doc! { "_id": cid.record(1) }, Finding::first(1)).await?;
        let Some(document) = found.first() else { return Ok(None) };
        let stored = Stored::read(document)?;
        let (Some(tenant), Some(name)) = (stored.tenant, stored.conversation) else { return Ok(None) };
        let tenant = TenantId::parse(tenant).map_err(|error| corrupt("a tenant", error))?;
        let name = ConversationId::parse(name).map_err(|error| corrupt("a conversation", error))?;
        Ok(Some(ConversationKey::new(tenant, name)))
    }
}
