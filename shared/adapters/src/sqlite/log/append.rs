//! One batch appended within the writer's transaction. Law: all checks come before the first insert, so a refused
//! batch leaves no trace and the others of the commit stand.

use rusqlite::Connection;
use shared::domain::{ConversationId, ConversationKey, Seq, Timestamp};
use shared::ports::{Append, AppendError, Appended, Condition, Entry};

use super::change;
use super::heads::{Heads, Place};
use super::idempotency;
use super::insert::Inserter;
use super::repost::{self, Repost};
use super::rows::{Tail, number};

/// A batch's answer, or a failure of the whole commit.
pub(super) type Outcome = rusqlite::Result<Result<Appended, AppendError>>;

/// What appending needs: the writer's connection and what is known of it.
pub(super) struct Appender<'c> {
    connection: &'c Connection,
    inserter: Inserter<'c>,
    heads: Heads,
    /// Idempotency answers kept in the running transaction, and the newest time of receipt among them.
    answers: (u64, Timestamp),
}

impl<'c> Appender<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let mut appender = Self {
            connection,
            inserter: Inserter::new(connection)?,
            heads: Heads::new(),
            answers: (0, Timestamp::MIN),
        };
        appender.reload()?;
        Ok(appender)
    }

    /// Forgets what a rolled back transaction may have left in memory.
    pub(super) fn reload(&mut self) -> rusqlite::Result<()> {
        self.heads.forget();
        self.answers = (0, Timestamp::MIN);
        let sql = "SELECT max((SELECT next FROM arrivals), coalesce((SELECT max(id) + 1 FROM records), 0))";
        self.inserter.next_arrival = self.connection.query_row(sql, [], |row| number(row, 0))?;
        Ok(())
    }

    /// What else has to be done before the commit.
    pub(super) fn before_commit(&mut self) -> rusqlite::Result<()> {
        let (kept, now) = std::mem::replace(&mut self.answers, (0, Timestamp::MIN));
        if kept > 0 {
            idempotency::prune(self.connection, now, kept)?;
        }
        Ok(())
    }

    pub(super) fn heads(&mut self) -> &mut Heads {
        &mut self.heads
    }

    pub(super) fn next_arrival(&self) -> u64 {
        self.inserter.next_arrival
    }

    /// Checks a batch and inserts it.
    pub(super) fn append(&mut self, batch: &Append) -> Outcome {
        let name = batch.idempotency.as_ref().map(|request| idempotency::name(batch.tenant(), &request.key));
        if let (Some(request), Some(name)) = (&batch.idempotency, &name)
            && let Some(answered) = idempotency::find(self.connection, name)?
        {
            if answered.body != request.body {
                return Ok(Err(AppendError::IdempotencyMismatch));
            }
            return self.replay(batch, answered).map(Ok);
        }
        let place = self.heads.find(self.connection, &batch.key)?;
        let tail = place.map_or(Tail::EMPTY, |place| place.tail);
        if let Some(error) = refused(batch.condition, place) {
            return Ok(Err(error));
        }
        let ended = tail.ended.is_some();
        let entries: &[Entry] = if batch.condition == Condition::Open && ended { &[] } else { &batch.entries };
        if entries.first().is_some_and(|entry| entry.target().is_some()) {
            return self.change(batch, entries, place);
        }
        let duplicates = match repost::find(self.connection, place, entries, batch.received_at)? {
            Repost::None => Vec::new(),
            Repost::Taken { index } => return Ok(Err(AppendError::MessageIdTaken { index })),
            Repost::Duplicates(indexes) => indexes,
        };
        let (inserted, head) = self.insert_entries(batch, entries, &duplicates, place)?;
        let duplicates = u32::try_from(duplicates.len()).unwrap_or(u32::MAX);
        if let (Some(request), Some(name)) = (&batch.idempotency, &name) {
            let answer = (inserted, duplicates);
            idempotency::keep(self.connection, (name, request), &batch.key.conversation, answer, batch.received_at)?;
            self.answers = (self.answers.0 + 1, self.answers.1.max(batch.received_at));
        }
        let conversation = batch.key.conversation.clone();
        Ok(Ok(Appended { conversation, inserted, duplicates, replayed: false, head: Seq(head) }))
    }

    /// A batch with changes: what it changes is changed in the same transaction.
    fn change(&mut self, batch: &Append, entries: &[Entry], place: Option<Place>) -> Outcome {
        let needless = match change::check(self.connection, place, entries)? {
            Ok(needless) => needless,
            Err(error) => return Ok(Err(error)),
        };
        let (inserted, head) = self.insert_entries(batch, entries, &needless, place)?;
        let kept = entries.iter().enumerate().filter(|(index, _)| needless.binary_search(index).is_err());
        for (_, entry) in kept {
            if let Some(place) = place {
                change::apply(self.connection, place.conversation, entry, batch.received_at)?;
            }
        }
        let conversation = batch.key.conversation.clone();
        Ok(Ok(Appended { conversation, inserted, duplicates: 0, replayed: false, head: Seq(head) }))
    }

    fn replay(&mut self, batch: &Append, answered: idempotency::Answered) -> rusqlite::Result<Appended> {
        let conversation: ConversationId = answered.conversation;
        let key = ConversationKey::new(batch.key.tenant.clone(), conversation.clone());
        let head = self.heads.find(self.connection, &key)?.map_or(0, |place| place.tail.seq);
        Ok(Appended {
            conversation,
            inserted: u32::try_from(answered.inserted).unwrap_or(u32::MAX),
            duplicates: u32::try_from(answered.duplicates).unwrap_or(u32::MAX),
            replayed: true,
            head: Seq(head),
        })
    }

    /// Inserts all entries but the duplicates; answers how many, and the last seq.
    fn insert_entries(
        &mut self,
        batch: &Append,
        entries: &[Entry],
        duplicates: &[usize],
        place: Option<Place>,
    ) -> rusqlite::Result<(u32, u64)> {
        let tail = place.map_or(Tail::EMPTY, |place| place.tail);
        if entries.len() == duplicates.len() {
            return Ok((0, tail.seq));
        }
        let conversation = match place {
            Some(place) => place.conversation,
            None => self.intern(&batch.key)?,
        };
        let received_at = batch.received_at.as_millis();
        let inserted = u32::try_from(entries.len() - duplicates.len()).unwrap_or(u32::MAX);
        let tail = self.inserter.insert(conversation, tail, (entries, duplicates), received_at)?;
        self.heads.moved(&batch.key, Place { conversation, tail });
        Ok((inserted, tail.seq))
    }

    fn intern(&self, key: &ConversationKey) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached("INSERT INTO conversations (tenant, name) VALUES (?1, ?2)")?
            .insert((key.tenant.as_str(), key.conversation.as_str()))
    }
}

fn refused(condition: Condition, place: Option<Place>) -> Option<AppendError> {
    match (condition, place) {
        (Condition::Open, None) => Some(AppendError::NotFound),
        (Condition::HeadIs(seq), place) if seq.0 != place.map_or(0, |place| place.tail.seq) => {
            Some(AppendError::HeadMoved)
        }
        _ => None,
    }
}
