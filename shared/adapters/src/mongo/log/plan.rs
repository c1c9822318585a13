//! What a commit adds to a conversation. Law: pure; all checks come before the first record is made, so a refused
//! batch leaves no trace and the others of the commit stand.

use std::collections::HashMap;

use mongodb::bson::RawDocumentBuf;
use shared::domain::{ConversationKey, Seq, Timestamp};
use shared::ports::{Append, AppendError, Appended, Condition, Draft, Entry};

use super::super::place::Cid;
use super::change::Targets;
use super::document::{Maker, effective};
use super::heads::Place;
use super::tail::Group;

/// What is known of a message's own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It is free.
    No,
    /// It stands for the same content.
    Same,
    /// It stands for other content.
    Other,
}

impl Known {
    pub(super) fn when(same: bool) -> Self {
        if same { Self::Same } else { Self::Other }
    }
}

/// A batch that is part of the plan.
pub(super) struct Planned {
    /// Its place in the call.
    pub(super) index: usize,
    /// What it is answered once the conversation's records are durable.
    pub(super) outcome: Result<Appended, AppendError>,
    /// The seq of its first record.
    pub(super) first: u64,
}

/// One conversation's part of a commit.
pub(super) struct Part {
    pub(super) key: ConversationKey,
    /// Where it stands before, and after.
    pub(super) before: Place,
    pub(super) after: Place,
    pub(super) group: Group,
    pub(super) documents: Vec<RawDocumentBuf>,
    /// Messages changed before these are inserted, and where they stand.
    pub(super) changes: Vec<RawDocumentBuf>,
    pub(super) targets: Vec<(Seq, Timestamp)>,
    pub(super) batches: Vec<Planned>,
}

/// The conversation as it would be after the batches planned so far.
struct Draught<'b> {
    cid: Cid,
    seq: u64,
    ended: bool,
    entries: Vec<(&'b Entry, Timestamp)>,
    named: HashMap<&'b str, (&'b Draft, Timestamp)>,
}

/// Plans batches of one conversation, in their order; `known` tells of message ids that are stored already.
pub(super) fn plan(
    before: Place,
    nonce: i64,
    batches: &[(usize, &Append)],
    known: impl Fn(&Draft) -> Known,
    targets: &mut Targets,
) -> Option<Part> {
    let (_, first) = batches.first()?;
    let mut draught = Draught {
        cid: before.cid,
        seq: before.tail.seq,
        ended: before.tail.ended.is_some(),
        entries: Vec::new(),
        named: HashMap::new(),
    };
    let mut changes = Vec::new();
    let planned = batches.iter().map(|(index, batch)| {
        let first = draught.seq + 1;
        Planned { index: *index, outcome: draught.add(batch, &known, targets, &mut changes), first }
    });
    let batches: Vec<_> = planned.collect();
    let mut maker = Maker::new(&first.key, before.cid, before.tail, draught.entries.len() as u64, nonce);
    let documents = draught.entries.iter().map(|(entry, received)| maker.add(entry, *received)).collect();
    Some(Part {
        key: first.key.clone(),
        before,
        group: maker.group(),
        after: Place { tail: maker.tail, ..before },
        documents,
        changes,
        targets: draught.entries.iter().filter_map(|(entry, at)| Some((entry.target()?, *at))).collect(),
        batches,
    })
}

impl<'b> Draught<'b> {
    fn add(
        &mut self,
        batch: &'b Append,
        known: &impl Fn(&Draft) -> Known,
        targets: &mut Targets,
        changes: &mut Vec<RawDocumentBuf>,
    ) -> Result<Appended, AppendError> {
        match batch.condition {
            Condition::Open if self.seq == 0 => return Err(AppendError::NotFound),
            Condition::HeadIs(seq) if seq.0 != self.seq => return Err(AppendError::HeadMoved),
            _ => {}
        }
        let ended = batch.condition == Condition::Open && self.ended;
        let entries: &[Entry] = if ended { &[] } else { &batch.entries };
        if entries.first().is_some_and(|entry| entry.target().is_some()) {
            return self.change(batch, entries, targets, changes);
        }
        let duplicates = self.duplicates(entries, batch.received_at, known)?;
        let mut inserted = 0_u32;
        for (index, entry) in entries.iter().enumerate() {
            if duplicates.contains(&index) {
                continue;
            }
            inserted += 1;
            self.seq += 1;
            self.ended = matches!(entry, Entry::Ended(_));
            self.entries.push((entry, batch.received_at));
            if let Entry::Posted(draft) = entry
                && let Some(id) = &draft.message_id
            {
                self.named.insert(id.as_str(), (draft, batch.received_at));
            }
        }
        Ok(Appended {
            conversation: batch.key.conversation.clone(),
            inserted,
            duplicates: u32::try_from(duplicates.len()).unwrap_or(u32::MAX),
            replayed: false,
            head: Seq(self.seq),
        })
    }

    /// A batch with changes.
    fn change(
        &mut self,
        batch: &Append,
        entries: &'b [Entry],
        targets: &mut Targets,
        changes: &mut Vec<RawDocumentBuf>,
    ) -> Result<Appended, AppendError> {
        if self.seq == 0 {
            return Err(AppendError::NotFound);
        }
        let needed = targets.check(self.cid, entries)?;
        for entry in &needed {
            changes.extend(targets.apply(self.cid, entry, batch.received_at));
            self.entries.push((entry, batch.received_at));
        }
        self.seq += needed.len() as u64;
        Ok(Appended {
            conversation: batch.key.conversation.clone(),
            inserted: u32::try_from(needed.len()).unwrap_or(u32::MAX),
            duplicates: 0,
            replayed: false,
            head: Seq(self.seq),
        })
    }

    /// The places of messages that are there already, in the log or earlier in this commit.
    fn duplicates(
        &self,
        entries: &'b [Entry],
        received: Timestamp,
        known: &impl Fn(&Draft) -> Known,
    ) -> Result<Vec<usize>, AppendError> {
        let mut earlier: HashMap<&str, &Draft> = HashMap::new();
        let mut duplicates = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let Entry::Posted(draft) = entry else { continue };
            let Some(id) = draft.message_id.as_ref().map(shared::domain::MessageId::as_str) else { continue };
            let here = || earlier.get(id).map(|first| (*first, received)).or_else(|| self.named.get(id).copied());
            let known = match known(draft) {
                Known::No => here().map_or(Known::No, |(first, at)| Known::when(same(first, at, draft))),
                known => known,
            };
            match known {
                Known::Other => return Err(AppendError::MessageIdTaken { index }),
                Known::Same => duplicates.push(index),
                Known::No => {
                    earlier.insert(id, draft);
                }
            }
        }
        Ok(duplicates)
    }
}

fn same(first: &Draft, received: Timestamp, again: &Draft) -> bool {
    first.user == again.user
        && first.content == again.content
        && first.metadata == again.metadata
        && again.timestamp.is_none_or(|time| time == effective(first, received))
}

#[cfg(test)]
mod tests {
    use super::super::document::Stored;
    use super::super::tail::{Kind, Tail};
    use super::*;
    use shared::domain::{ConversationId, EndReason, MessageId, TenantId, UserId};

    fn append(condition: Condition, entries: Vec<Entry>) -> Append {
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse("c").unwrap());
        Append { key, entries, idempotency: None, received_at: Timestamp::from_millis(7), condition }
    }

    fn post(id: Option<&str>, content: &str) -> Entry {
        Entry::Posted(Draft {
            user: UserId::parse("u").unwrap(),
            message_id: id.map(|id| MessageId::parse(id).unwrap()),
            content: content.into(),
            timestamp: None,
            metadata: None,
            salt: [1; 16],
        })
    }

    fn planned(seq: u64, batches: &[Append], known: impl Fn(&Draft) -> Known) -> Part {
        let before = Place { cid: Cid([1; 16]), tail: Tail { seq, ..Tail::EMPTY } };
        let batches: Vec<_> = batches.iter().enumerate().collect();
        plan(before, 5, &batches, known, &mut Targets::default()).unwrap()
    }

    #[test]
    fn batches_follow_each_other_as_one_group() {
        let batches = [
            append(Condition::Always, vec![post(Some("1"), "a"), post(None, "b"), post(Some("1"), "a")]),
            append(Condition::Always, vec![post(None, "x"), post(Some("1"), "other")]),
            append(Condition::HeadIs(Seq(6)), vec![Entry::Ended(EndReason::Idle)]),
            append(Condition::Open, vec![Entry::Ended(EndReason::Requested)]),
            append(Condition::HeadIs(Seq(6)), vec![post(None, "late")]),
            append(Condition::Always, vec![post(Some("1"), "a"), post(None, "c")]),
        ];
        let part = planned(4, &batches, |_| Known::No);
        let outcomes: Vec<_> = part.batches.iter().map(|batch| &batch.outcome).collect();
        assert!(matches!(outcomes[0], Ok(Appended { inserted: 2, duplicates: 1, head: Seq(6), .. })));
        assert!(matches!(outcomes[1], Err(AppendError::MessageIdTaken { index: 1 })));
        assert!(matches!(outcomes[2], Ok(Appended { inserted: 1, head: Seq(7), .. })));
        assert!(matches!(outcomes[3], Ok(Appended { inserted: 0, head: Seq(7), .. })), "it has ended");
        assert!(matches!(outcomes[4], Err(AppendError::HeadMoved)));
        assert!(matches!(outcomes[5], Ok(Appended { inserted: 1, duplicates: 1, head: Seq(8), .. })));
        assert_eq!(part.group, Group { first: 5, count: 4, nonce: 5 });
        let seqs = part.documents.iter().map(|document| Stored::read(document).unwrap().skeleton.seq());
        assert_eq!(seqs.collect::<Vec<_>>(), [5, 6, 7, 8]);
        assert_eq!((part.after.tail.seq, part.after.tail.kind), (8, Kind::Message));
    }

    #[test]
    fn what_is_stored_already_is_not_stored_again() {
        let batch = [append(Condition::Always, vec![post(Some("1"), "a"), post(Some("2"), "b")])];
        let part = planned(9, &batch, |draft| Known::when(draft.content.as_ref() != "z"));
        assert!(matches!(part.batches[0].outcome, Ok(Appended { inserted: 0, duplicates: 2, head: Seq(9), .. })));
        assert!(part.documents.is_empty());
        let part = planned(9, &batch, |_| Known::Other);
        assert!(matches!(part.batches[0].outcome, Err(AppendError::MessageIdTaken { index: 0 })));
    }
}
