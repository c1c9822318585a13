//! The conversation view: all that can be said of a conversation without a summary.

use serde::{Deserialize, Serialize};
use shared_insights::LiveInsights;

use crate::domain::{ConversationKey, Digest, EndReason, Posted, Record, RecordBody, Seq, Timestamp, UserId};

/// The most participants that a view lists with their counts; further ones are counted by the store.
pub const MAX_LISTED_PARTICIPANTS: usize = 64;

/// What is known of a conversation after its record `applied_seq`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationView {
    /// The last record folded in.
    pub applied_seq: Seq,
    /// The chain at `applied_seq`.
    pub digest: Digest,
    /// How many messages.
    pub messages: u64,
    /// The seq of the first message; zero before it.
    pub first_message: Seq,
    /// The last record that is a message, or changes one; zero before it.
    pub last_message: Seq,
    /// The chain at `last_message`.
    pub message_digest: Digest,
    /// The earliest timestamp of a message.
    pub first_at: Option<Timestamp>,
    /// The newest message in order of time.
    pub newest: Option<NewestMessage>,
    /// When the last record was received.
    pub received_at: Timestamp,
    /// Why it ended, if the last record is an end.
    pub ended: Option<EndReason>,
    /// How many messages came late.
    pub late: u64,
    /// The first users who posted, with their counts; at most [`MAX_LISTED_PARTICIPANTS`].
    pub participants: Vec<Participant>,
    /// Messages of users beyond those listed.
    pub unlisted_messages: u64,
    /// Sentiment, keywords, questions and action candidates so far.
    pub insights: LiveInsights,
}

/// The newest message in order of time, ties broken by seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestMessage {
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its place.
    pub seq: Seq,
}

/// A listed user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub user: UserId,
    /// How many messages.
    pub messages: u64,
}

impl ConversationView {
    /// Before the first record.
    #[must_use]
    pub fn empty(key: &ConversationKey) -> Self {
        let genesis = Digest::genesis(key);
        Self {
            applied_seq: Seq::ZERO,
            digest: genesis,
            messages: 0,
            first_message: Seq::ZERO,
            last_message: Seq::ZERO,
            message_digest: genesis,
            first_at: None,
            newest: None,
            received_at: Timestamp::MIN,
            ended: None,
            late: 0,
            participants: Vec::new(),
            unlisted_messages: 0,
            insights: LiveInsights::default(),
        }
    }

    /// Folds in the record after `applied_seq`. Answers false, and changes nothing, for any other record.
    ///
    /// Messages count as they are now. So the change of one that was folded in before is not undone here: the view is
    /// then folded anew from the first record.
    #[must_use]
    pub fn apply(&mut self, record: &Record) -> bool {
        if record.seq != self.applied_seq.next() {
            return false;
        }
        self.applied_seq = record.seq;
        self.digest = self.digest.then(record);
        self.received_at = record.received_at;
        match &record.body {
            RecordBody::Posted(posted) => {
                self.ended = None;
                self.post(record.seq, posted);
            }
            RecordBody::Ended(reason) => self.ended = Some(*reason),
            RecordBody::Tombstone | RecordBody::Removed(_) => self.ended = None,
            RecordBody::Edited { .. } | RecordBody::Erased { .. } => self.changed(record.seq),
        }
        true
    }

    /// A change opens no conversation that has ended.
    fn changed(&mut self, seq: Seq) {
        self.last_message = seq;
        self.message_digest = self.digest;
    }

    fn post(&mut self, seq: Seq, posted: &Posted) {
        self.messages += 1;
        if self.first_message == Seq::ZERO {
            self.first_message = seq;
        }
        self.last_message = seq;
        self.message_digest = self.digest;
        let at = posted.timestamp;
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        if self.newest.is_none_or(|newest| at >= newest.timestamp) {
            self.newest = Some(NewestMessage { timestamp: at, seq });
        }
        if posted.late {
            self.late += 1;
        }
        self.participate(&posted.user);
        self.insights.add(&shared_insights::Message {
            seq: seq.0,
            author: posted.user.as_str(),
            text: &posted.content,
            at_ms: at.as_millis(),
        });
    }

    fn participate(&mut self, user: &UserId) {
        if let Some(participant) = self.participants.iter_mut().find(|p| p.user == *user) {
            participant.messages += 1;
        } else if self.participants.len() < MAX_LISTED_PARTICIPANTS {
            self.participants.push(Participant { user: user.clone(), messages: 1 });
        } else {
            self.unlisted_messages += 1;
        }
    }

    /// The same view as bytes, for comparing and storing. Deterministic.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConversationId, TenantId};

    fn key() -> ConversationKey {
        ConversationKey::new(TenantId::public(), ConversationId::parse("c").unwrap())
    }

    fn message(seq: u64, user: &str, at: i64) -> Record {
        let posted = Posted {
            user: UserId::parse(user).unwrap(),
            message_id: None,
            content: "Can we ship on Friday?".into(),
            timestamp: Timestamp::from_millis(at),
            metadata: None,
            salt: [1; 16],
            late: false,
            edit: None,
        };
        Record { seq: Seq(seq), received_at: Timestamp::from_millis(at + 5), body: RecordBody::Posted(posted) }
    }

    fn ended(seq: u64) -> Record {
        Record { seq: Seq(seq), received_at: Timestamp::from_millis(99), body: RecordBody::Ended(EndReason::Idle) }
    }

    #[test]
    fn given_records_out_of_turn_then_nothing_changes() {
        let mut view = ConversationView::empty(&key());
        assert!(!view.apply(&message(2, "a", 1)));
        assert!(view.apply(&message(1, "a", 1)));
        let before = view.clone();
        assert!(!view.apply(&message(1, "a", 1)));
        assert_eq!(view, before);
    }

    #[test]
    fn given_an_end_when_a_message_follows_then_it_is_open_again() {
        let mut view = ConversationView::empty(&key());
        for record in [message(1, "a", 1), ended(2)] {
            assert!(view.apply(&record));
        }
        assert_eq!((view.ended, view.messages, view.last_message), (Some(EndReason::Idle), 1, Seq(1)));
        assert_ne!(view.digest, view.message_digest);
        assert!(view.apply(&message(3, "b", 2)));
        assert_eq!((view.ended, view.digest), (None, view.message_digest));
    }

    #[test]
    fn given_equal_timestamps_then_the_later_arrival_is_newest() {
        let mut view = ConversationView::empty(&key());
        for record in [message(1, "a", 7), message(2, "a", 7), message(3, "a", 3)] {
            assert!(view.apply(&record));
        }
        assert_eq!(view.newest.unwrap().seq, Seq(2));
        assert_eq!(view.first_at, Some(Timestamp::from_millis(3)));
    }

    #[test]
    fn given_many_users_then_the_list_is_bounded_and_the_rest_is_counted() {
        let mut view = ConversationView::empty(&key());
        for seq in 1..=100 {
            assert!(view.apply(&message(seq, &format!("u{seq}"), 1)));
        }
        assert_eq!(view.participants.len(), MAX_LISTED_PARTICIPANTS);
        assert_eq!(view.unlisted_messages, 36);
    }
}
