//! What a user wrote. Law: there is no index by user, which each insert would pay for; a call looks at one stretch of
//! the collection and not more, so that no call takes long.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mongodb::bson::doc;
use shared::domain::{ConversationKey, Seq, TenantId, Timestamp, UserId};
use shared::ports::{StoreError, Written, WrittenMark};

use super::super::db::Finding;
use super::super::place::{binary, joined, split};
use super::super::schema::MESSAGES;
use super::super::{failure::missing, fields::bytes};
use super::document::{Stored, skeleton_fields};
use super::records::Records;

/// Records that one call looks at.
const LOOKED: u64 = 50_000;

impl Records {
    /// Messages of a user behind a mark, in the order of `_id`.
    pub(super) async fn written(
        &self,
        tenant: &TenantId,
        user: &UserId,
        until: Timestamp,
        mark: &WrittenMark,
        limit: usize,
    ) -> Result<Written, StoreError> {
        let mut behind = doc! { "$gt": binary(&read(mark)) };
        let finding = Finding { skip: LOOKED - 1, ..Finding::sorted(doc! { "_id": 1 }, 1) }.only(doc! { "_id": 1 });
        let end = self.db.find("written", MESSAGES, doc! { "_id": behind.clone() }, finding).await?;
        let end = end.first().map(|last| bytes(last, "_id").map(<[u8]>::to_vec)).transpose()?;
        if let Some(end) = &end {
            behind.insert("$lte", binary(end));
        }
        let mut fields = skeleton_fields();
        fields.insert("u", 1);
        let finding = Finding::sorted(doc! { "_id": 1 }, limit).only(fields);
        let found = self.find("written", doc! { "_id": behind, "u": user.as_str() }, finding).await?;
        let mut keys: HashMap<_, Option<ConversationKey>> = HashMap::new();
        let (mut places, mut last) = (Vec::new(), None);
        for document in &found {
            let skeleton = Stored::read(document)?.skeleton;
            last = Some(joined(skeleton.cid, skeleton.seq()).to_vec());
            if skeleton.tail.received > until {
                continue;
            }
            let key = match keys.entry(skeleton.cid) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.key(skeleton.cid).await?),
            };
            // An erased conversation has no name any more.
            if let Some(key) = key.as_ref().filter(|key| key.tenant == *tenant) {
                places.push((key.clone(), Seq(skeleton.seq())));
            }
        }
        let full = found.len() == limit;
        let more = full || end.is_some();
        let reached = if full { last } else { end.or(last) };
        let mark = reached.map_or_else(|| Ok(mark.clone()), |id| written(&id))?;
        Ok(Written { places, mark, more })
    }
}

fn read(mark: &WrittenMark) -> [u8; 24] {
    let (Some(cid), Some(seq)) = (mark.0.get(..32), mark.0.get(32..)) else { return [0; 24] };
    let cid = u128::from_str_radix(cid, 16).unwrap_or(0).to_be_bytes();
    joined(super::super::place::Cid(cid), u64::from_str_radix(seq, 16).unwrap_or(0))
}

fn written(id: &[u8]) -> Result<WrittenMark, StoreError> {
    let (cid, seq) = split(id).ok_or_else(|| missing("the place of a record"))?;
    Ok(WrittenMark(compact_str::format_compact!("{:032x}{seq:016x}", u128::from_be_bytes(cid.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_the_place_it_was_made_from() {
        let place = joined(super::super::super::place::Cid([0xab; 16]), 77);
        assert_eq!(read(&written(&place).unwrap()), place);
        assert_eq!(read(&WrittenMark::default()), [0; 24]);
    }
}
