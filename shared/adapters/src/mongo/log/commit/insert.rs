//! One insert for all conversations of a call, and every outcome read. Law: a part counts when the majority has all of it,
//! and is told unknown where nobody can say.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use shared::ports::AppendError;
use shared::ports::store_error::Source;

use super::super::super::db::Written;
use super::super::super::failure::Failure;
use super::super::super::place::Cid;
use super::super::super::schema::MESSAGES;
use super::super::outbox::Touched;
use super::super::plan::Part;
use super::{BESIDE, Commit, unavailable};

impl Commit<'_> {
    /// Inserts all parts with one command, the outbox beside it.
    pub(super) async fn insert(&mut self, mut parts: Vec<Part>) {
        let mut owners = Vec::new();
        let repeated = std::mem::take(&mut self.repeated);
        let mut documents = Vec::new();
        let mut touched: Vec<_> = repeated.iter().map(|(_, touched)| touched.clone()).collect();
        for (place, part) in parts.iter_mut().enumerate() {
            if part.batches.iter().any(|planned| planned.outcome.is_ok()) {
                touched.push((part.before.cid, part.key.clone(), part.after.tail.seq));
            }
            owners.extend(std::iter::repeat_n(place, part.documents.len()));
            documents.append(&mut part.documents);
        }
        touched.retain(|(.., seq)| *seq > 0);
        if documents.is_empty() {
            let noted = self.note(touched, repeated).await;
            for part in parts {
                self.done(part, noted.as_ref());
            }
            return;
        }
        let insert = self.records.db.insert("append", MESSAGES, documents);
        let (inserted, noted) = tokio::join!(insert, self.note(touched, repeated));
        match inserted {
            Ok(written) => self.judge(parts, &owners, &written, noted.as_ref()).await,
            Err(failure @ Failure::NotDone(_)) => {
                for part in parts {
                    self.lose(&part, &unavailable(Arc::new(failure.clone())));
                }
            }
            Err(failure) => self.find_out(parts, &failure, noted.as_ref()).await,
        }
    }

    /// Tells the outbox. Batches that were stored before hear of it if that fails; so do, by the answer, the others.
    async fn note(&mut self, touched: Vec<Touched>, repeated: Vec<(usize, Touched)>) -> Option<AppendError> {
        if touched.is_empty() {
            return None;
        }
        let failure = self.outbox.note(touched).await.err()?;
        let error = AppendError::Unknown(Some(Arc::new(failure)));
        for (index, _) in repeated {
            self.outcomes[index] = Some(Err(error.clone()));
        }
        Some(error)
    }

    /// Reads every outcome of an insert.
    async fn judge(&mut self, parts: Vec<Part>, owners: &[usize], written: &Written, noted: Option<&AppendError>) {
        let mut conflicts: HashSet<usize> = HashSet::new();
        conflicts.extend(written.taken.iter().filter_map(|index| owners.get(*index)));
        let refused = written.refused.as_ref().map(|(_, reason)| Failure::Refused(reason.clone()));
        let unconfirmed = written.unconfirmed.as_ref().map(|reason| Failure::NotMajority(reason.clone()));
        for (place, part) in parts.into_iter().enumerate() {
            if owners.binary_search(&place).is_err() {
                self.done(part, noted);
            } else if let Some(failure) = &unconfirmed {
                let source: Source = Arc::new(failure.clone());
                let taken = conflicts.contains(&place);
                let error = if taken { unavailable(source) } else { AppendError::Unknown(Some(source)) };
                self.lose(&part, &error);
            } else if conflicts.contains(&place) || refused.is_some() {
                self.look_back(part, refused.as_ref(), noted).await;
            } else {
                self.done(part, noted);
            }
        }
    }

    /// Some of a part's records were not inserted, or the server said so.
    async fn look_back(&mut self, part: Part, refused: Option<&Failure>, noted: Option<&AppendError>) {
        match (self.records.is_whole(part.before.cid, part.group).await, refused) {
            // They are all ours: it was our own insert that was met, sent twice on the way.
            (Ok(true), _) => self.done(part, noted),
            (Ok(false), None) => {
                metrics::counter!("recap_append_conflicts_total").increment(1);
                let name = Cid::of(&part.key, 0);
                self.records.heads.forget(name);
                self.broken.insert(name, part.group.nonce);
                if let Err(error) = self.records.withdraw(part.before.cid, part.group).await {
                    tracing::debug!(%error, "records beside an erasure stay until it is tidied up");
                }
            }
            (Ok(false), Some(failure)) => self.lose(&part, &unavailable(Arc::new(failure.clone()))),
            (Err(error), _) => self.lose(&part, &AppendError::Unknown(Some(Arc::new(error)))),
        }
    }

    /// Nothing was heard of an insert. If the majority has all of it, it is durable, and that is an answer.
    async fn find_out(&mut self, parts: Vec<Part>, failure: &Failure, noted: Option<&AppendError>) {
        let records = self.records;
        let answers = !matches!(failure, Failure::Late) && records.db.ping().await.is_ok();
        let mut looks = Vec::with_capacity(parts.len());
        for part in parts {
            looks.push(async move {
                let whole = answers
                    && (part.group.count == 0 || records.is_whole(part.before.cid, part.group).await.unwrap_or(false));
                (part, whole)
            });
        }
        let looks: Vec<_> = futures_util::stream::iter(looks).buffer_unordered(BESIDE).collect().await;
        for (part, whole) in looks {
            if whole {
                self.done(part, noted);
            } else {
                self.lose(&part, &AppendError::Unknown(Some(Arc::new(failure.clone()))));
            }
        }
    }
}
