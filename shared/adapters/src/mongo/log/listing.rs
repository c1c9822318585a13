//! All conversations, in the order of their names' digests. Law: one lookup for each, however long it is.

use mongodb::bson::doc;
use shared::domain::{ConversationId, ConversationKey, TenantId};
use shared::ports::{ConversationMark, Conversations, StoreError};

use super::super::db::Finding;
use super::super::failure::corrupt;
use super::super::place::Cid;
use super::document::Stored;
use super::records::Records;

impl Records {
    /// Conversations behind a mark. One whose first records are still on their way may be among them.
    pub(super) async fn listed(&self, after: &ConversationMark, limit: usize) -> Result<Conversations, StoreError> {
        let mut last = u128::from_str_radix(&after.0, 16).ok().map(|number| Cid(number.to_be_bytes()));
        let mut keys = Vec::new();
        for _ in 0..limit {
            let behind = last.map_or_else(|| doc! {}, |cid| doc! { "_id": { "$gt": cid.record(u64::MAX) } });
            let found = self.find("listing", behind, Finding::sorted(doc! { "_id": 1 }, 1)).await?;
            let Some(document) = found.first() else {
                return Ok(Conversations { keys, mark: mark(last), more: false });
            };
            let stored = Stored::read(document)?;
            last = Some(stored.skeleton.cid);
            // An erased conversation has no name.
            if let (Some(tenant), Some(name)) = (stored.tenant, stored.conversation) {
                let tenant = TenantId::parse(tenant).map_err(|error| corrupt("a record's tenant", error))?;
                let name = ConversationId::parse(name).map_err(|error| corrupt("a record's conversation", error))?;
                keys.push(ConversationKey::new(tenant, name));
            }
        }
        Ok(Conversations { keys, mark: mark(last), more: true })
    }
}

fn mark(last: Option<Cid>) -> ConversationMark {
    let number = last.map(|cid| compact_str::format_compact!("{:032x}", u128::from_be_bytes(cid.0)));
    ConversationMark(number.unwrap_or_default())
}
