//! Entries made into documents. Law: all records of a group name it, so that a group that is not whole is seen.

use mongodb::bson::{RawDocumentBuf, cstr};
use shared::domain::{ConversationKey, Digest, EndReason, Seq, Timestamp};
use shared::ports::{Draft, Edit, Entry};

use super::super::super::fields::stored;
use super::super::super::place::{Cid, binary};
use super::super::tail::{Group, Kind, Tail};

/// Makes the documents of one group, one record after the other.
pub(in super::super) struct Maker<'k> {
    key: &'k ConversationKey,
    cid: Cid,
    group: Group,
    pub(in super::super) tail: Tail,
}

impl<'k> Maker<'k> {
    /// Goes on after `tail`.
    pub(in super::super) fn new(key: &'k ConversationKey, cid: Cid, tail: Tail, count: u64, nonce: i64) -> Self {
        Self { key, cid, group: Group { first: tail.seq + 1, count, nonce }, tail }
    }

    pub(in super::super) fn group(&self) -> Group {
        self.group
    }

    /// The next record.
    pub(in super::super) fn add(&mut self, entry: &Entry, received: Timestamp) -> RawDocumentBuf {
        self.tail = match entry {
            Entry::Posted(draft) => self.tail.message(effective(draft, received), received),
            Entry::Ended(EndReason::Requested) => self.tail.aside(Kind::EndRequested, received),
            Entry::Ended(EndReason::Idle) => self.tail.aside(Kind::EndIdle, received),
            Entry::Edited(_) => self.tail.aside(Kind::Edit, received),
            Entry::Erased(_) => self.tail.aside(Kind::Erasure, received),
        };
        let mut document = head(self.key, self.cid, &self.tail);
        document.append(cstr!("g"), self.group.nonce);
        if self.group.count > 1 {
            document.append(cstr!("f"), stored(self.tail.seq - self.group.first));
            document.append(cstr!("c"), stored(self.group.count));
        }
        match entry {
            Entry::Posted(draft) => message(&mut document, self.cid, &self.tail, draft, effective(draft, received)),
            Entry::Ended(_) => {}
            Entry::Edited(edit) => {
                let Edit { target, content, metadata, salt } = edit;
                let leaf = Digest::edited(*target, content, metadata.as_ref(), salt);
                change(&mut document, &self.tail, *target);
                document.append(cstr!("lf"), binary(leaf.as_bytes()));
            }
            Entry::Erased(target) => change(&mut document, &self.tail, *target),
        }
        document
    }
}

fn head(key: &ConversationKey, cid: Cid, tail: &Tail) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), cid.record(tail.seq));
    if tail.kind != Kind::Message {
        document.append(cstr!("k"), tail.kind.code());
    }
    document.append(cstr!("n"), tail.newest.as_millis());
    if tail.received != tail.newest {
        document.append(cstr!("r"), tail.received.as_millis());
    }
    if tail.others > 0 {
        document.append(cstr!("o"), stored(tail.others));
    }
    if tail.lates > 0 {
        document.append(cstr!("l"), stored(tail.lates));
    }
    if tail.erasures > 0 {
        document.append(cstr!("z"), stored(tail.erasures));
    }
    if tail.seq == 1 {
        document.append(cstr!("t"), key.tenant.as_str());
        document.append(cstr!("v"), key.conversation.as_str());
    }
    document
}

fn change(document: &mut RawDocumentBuf, tail: &Tail, target: Seq) {
    document.append(cstr!("tg"), stored(target.0));
    match tail.ended {
        None => {}
        Some(EndReason::Requested) => document.append(cstr!("w"), Kind::EndRequested.code()),
        Some(EndReason::Idle) => document.append(cstr!("w"), Kind::EndIdle.code()),
    }
}

fn message(document: &mut RawDocumentBuf, cid: Cid, tail: &Tail, draft: &Draft, at: Timestamp) {
    if tail.kind == Kind::Late {
        document.append(cstr!("late"), cid.late(at, tail.seq));
    }
    if let Some(id) = &draft.message_id {
        document.append(cstr!("mid"), cid.message(id.as_str()));
        document.append(cstr!("i"), id.as_str());
    }
    document.append(cstr!("s"), binary(&draft.salt));
    document.append(cstr!("u"), draft.user.as_str());
    if let Some(metadata) = &draft.metadata {
        document.append(cstr!("m"), metadata.as_json());
    }
    document.append(cstr!("x"), &*draft.content);
}

/// A record that fills a seq for good, `beyond` seqs behind the one after `tail`, where all between are such too.
/// Without a record before it, it was received when the conversation's first known record was.
pub(in super::super) fn tombstone(
    key: &ConversationKey,
    cid: Cid,
    tail: &Tail,
    beyond: u64,
    received: Timestamp,
) -> (RawDocumentBuf, Tail) {
    let received = if tail.seq == 0 { received } else { tail.received };
    let mut after = tail.aside(Kind::Tombstone, received);
    after.seq += beyond;
    after.others += beyond;
    (head(key, cid, &after), after)
}

/// When a message was written, as far as it is known.
pub(in super::super) fn effective(draft: &Draft, received: Timestamp) -> Timestamp {
    draft.timestamp.unwrap_or(received)
}
