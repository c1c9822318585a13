//! Where the conversations of a call stand. Law: what memory says is proved by the insert behind it.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use mongodb::bson::doc;
use shared::domain::ConversationKey;
use shared::ports::StoreError;

use super::super::super::db::Finding;
use super::super::super::place::Cid;
use super::super::heads::Place;
use super::super::tail::Tail;
use super::{BESIDE, Commit, NAMES};

impl Commit<'_> {
    /// Where conversations stand: from memory; those unknown are looked for together, as most of them are new.
    pub(super) async fn places<'k>(
        &self,
        keys: &[&'k ConversationKey],
    ) -> HashMap<&'k ConversationKey, Result<Place, StoreError>> {
        let mut places = HashMap::with_capacity(keys.len());
        let mut unknown = Vec::new();
        for &key in keys {
            match self.records.heads.place(Cid::of(key, 0)) {
                Some(place) => drop(places.insert(key, Ok(place))),
                None => unknown.push(key),
            }
        }
        let fresh: Vec<_> = unknown.iter().copied().filter(|key| !self.broken.contains_key(&Cid::of(key, 0))).collect();
        if fresh.len() > 1 {
            match self.strangers(&fresh).await {
                Ok(new) => {
                    unknown.retain(|key| !new.contains_key(key));
                    places.extend(new.into_iter().map(|(key, place)| (key, Ok(place))));
                }
                Err(error) => {
                    places.extend(unknown.into_iter().map(|key| (key, Err(error.clone()))));
                    return places;
                }
            }
        }
        // The driver's futures are made before they are run beside each other.
        let mut looks = Vec::with_capacity(unknown.len());
        for key in unknown {
            let own = self.broken.get(&Cid::of(key, 0)).copied();
            let look = async move { (key, self.records.place(key, own).await) };
            looks.push(look);
        }
        let found: Vec<_> = futures_util::stream::iter(looks).buffer_unordered(BESIDE).collect().await;
        places.extend(found);
        places
    }

    /// Conversations that have no first record. If that is on its way, the insert meets what is there already.
    async fn strangers<'k>(
        &self,
        keys: &[&'k ConversationKey],
    ) -> Result<HashMap<&'k ConversationKey, Place>, StoreError> {
        let mut new: HashMap<Cid, &ConversationKey> = HashMap::with_capacity(keys.len());
        for &key in keys {
            new.insert(self.records.cid(key, Cid::of(key, 0)), key);
        }
        let firsts: Vec<_> = new.keys().map(|cid| cid.record(1)).collect();
        for part in firsts.chunks(NAMES) {
            let filter = doc! { "_id": { "$in": part } };
            for found in self.records.skeletons("heads", filter, Finding::default()).await? {
                new.remove(&found.cid);
            }
        }
        Ok(new.into_iter().map(|(cid, key)| (key, Place { cid, tail: Tail::EMPTY })).collect())
    }
}
