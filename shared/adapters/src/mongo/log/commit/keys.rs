//! The idempotency keys of a call: looked for, claimed, given back. Law: a key is claimed before anything is stored
//! under it, so that of two requests with one key only one stores.

use std::collections::HashMap;
use std::sync::Arc;

use shared::ports::AppendError;

use super::super::super::failure::Failure;
use super::super::claims::{Claim, Verdict};
use super::super::plan::Part;
use super::{Commit, unavailable};

impl Commit<'_> {
    /// Claims of batches that were not stored are given back.
    pub(super) async fn give_up(&mut self) {
        let mut left = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let unknown = matches!(self.outcomes[index], Some(Ok(_) | Err(AppendError::Unknown(_))));
            if let Some(name) = name
                && !unknown
                && let Some(nonce) = self.claimed.remove(name)
            {
                left.push((*name, nonce));
            }
        }
        if let Err(error) = self.records.disclaim(left).await {
            tracing::debug!(%error, "claims of refused batches stay for a while");
        }
    }

    /// Batches whose idempotency key was claimed before.
    pub(super) async fn replays(&mut self) {
        let open = self.open();
        let fresh = |index: &usize| self.names[*index].filter(|name| !self.claimed.contains_key(name));
        let names: Vec<_> = open.iter().filter_map(fresh).collect();
        let found = match self.records.claims(&names).await {
            Ok(found) => found,
            Err(error) => {
                let keyed = open.into_iter().filter(|index| self.names[*index].is_some()).collect::<Vec<_>>();
                return self.fail(keyed, &unavailable(Arc::new(error)));
            }
        };
        for index in open {
            let Some(name) = self.names[index].filter(|name| !self.claimed.contains_key(name)) else { continue };
            let Some(claim) = found.get(&name) else { continue };
            match self.records.judge(&self.batches[index], claim).await {
                Ok(Verdict::Answered(outcome)) => {
                    if let Ok(appended) = &outcome {
                        self.repeated.push((index, claim.touched(self.batches[index].tenant(), appended.head)));
                    }
                    self.outcomes[index] = Some(outcome);
                }
                Ok(Verdict::Void(nonce)) => drop(self.claimed.insert(name, nonce)),
                Err(error) => self.fail([index], &unavailable(Arc::new(error))),
            }
        }
    }

    /// Claims the idempotency keys of what is to be stored. Parts whose keys somebody else has claimed drop out.
    pub(super) async fn claim(&mut self, mut parts: Vec<Part>) -> Vec<Part> {
        let (mut fresh, mut owners, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for (place, part) in parts.iter().enumerate() {
            for planned in &part.batches {
                let (Some(name), Ok(appended)) = (self.names[planned.index], &planned.outcome) else { continue };
                let batch = &self.batches[planned.index];
                let Some(request) = &batch.idempotency else { continue };
                let at = (planned.first, part.group.nonce);
                let claim = Claim::new((name, request), part.before.cid, at, appended);
                match self.claimed.get(&name) {
                    Some(from) => over.push((claim.takes_over(batch, *from), name, place)),
                    None => fresh.push(claim.document(batch)),
                }
                if !self.claimed.contains_key(&name) {
                    owners.push((name, place));
                }
            }
        }
        let mut lost: HashMap<usize, Option<AppendError>> = HashMap::new();
        if !fresh.is_empty() {
            match self.records.claim(fresh).await {
                Ok(written) if written.but_taken().is_ok() => {
                    for (index, (name, place)) in owners.iter().enumerate() {
                        if written.taken.contains(&index) {
                            lost.insert(*place, None);
                        } else {
                            self.claimed.insert(*name, parts[*place].group.nonce);
                        }
                    }
                }
                Ok(written) => {
                    let failure = written.but_taken().err().unwrap_or(Failure::Late);
                    lost.extend(owners.iter().map(|(_, place)| (*place, Some(unavailable(Arc::new(failure.clone()))))));
                }
                Err(failure) => {
                    lost.extend(owners.iter().map(|(_, place)| (*place, Some(unavailable(Arc::new(failure.clone()))))));
                }
            }
        }
        if !over.is_empty() {
            let (mut statements, mut names) = (Vec::new(), Vec::new());
            for (statement, name, place) in over {
                statements.push(statement);
                names.push((name, place));
            }
            let all = self.records.take_over(statements).await;
            for (name, place) in names {
                match &all {
                    Ok(true) => drop(self.claimed.insert(name, parts[place].group.nonce)),
                    Ok(false) => {
                        // Somebody else may have it: look again.
                        self.claimed.remove(&name);
                        lost.entry(place).or_insert(None);
                    }
                    Err(failure) => drop(lost.insert(place, Some(unavailable(Arc::new(failure.clone()))))),
                }
            }
        }
        for (place, error) in &lost {
            if let Some(error) = error {
                let indexes: Vec<_> = parts[*place].batches.iter().map(|planned| planned.index).collect();
                self.fail(indexes, error);
            }
        }
        let mut place = 0;
        parts.retain(|_| {
            place += 1;
            !lost.contains_key(&(place - 1))
        });
        parts
    }
}
