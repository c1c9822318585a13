//! Views listed and found.

use std::collections::HashMap;

use mongodb::bson::{Document, RawDocumentBuf, doc};
use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, Timestamp, UserId};
use shared::ports::{ConversationRow, HistoryQuery, HistoryRow, ListQuery, StoreError};

use super::super::db::Finding;
use super::super::failure::corrupt;
use super::super::fields::{count, text};
use super::super::place::{Cid, binary};
use super::super::schema::VIEWS;
use super::Views;
use super::documents::{Owed, conversation, conversation_fields, history, last_post, name, row_ids};

/// Names in one lookup.
const NAMES: usize = 5_000;

impl Views {
    /// Views of these conversations, in the same order. What they owe their rows is paid first.
    pub(super) async fn conversations(
        &self,
        keys: &[ConversationKey],
    ) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        let names: Vec<Cid> = keys.iter().map(|key| Cid::of(key, 0)).collect();
        let mut rows: HashMap<Cid, ConversationRow> = HashMap::with_capacity(names.len());
        for part in names.chunks(NAMES) {
            let ids: Vec<_> = part.iter().map(|name| binary(&name.0)).collect();
            let finding = Finding::default().only(conversation_fields());
            let found = self.db.find("conversations", VIEWS, doc! { "_id": { "$in": ids } }, finding).await?;
            let mut owed = Vec::new();
            for view in &found {
                owed.extend(Owed::read(view)?);
                rows.insert(name(view)?, conversation(view)?);
            }
            self.pay(owed).await?;
        }
        Ok(names.iter().map(|name| rows.get(name).cloned()).collect())
    }

    async fn rows(
        &self,
        op: &'static str,
        filter: Document,
        finding: Finding,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        if finding.limit == 0 {
            return Ok(Vec::new());
        }
        let found = self.db.find(op, VIEWS, filter, finding.only(conversation_fields())).await?;
        found.iter().map(|view| conversation(view)).collect()
    }

    /// A tenant's conversations, newest first, and how many there are.
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        query: &ListQuery,
    ) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        let mut filter = doc! { "t": tenant.as_str() };
        if let Some(contains) = &query.contains {
            if contains.contains('\0') {
                return Ok((Vec::new(), 0));
            }
            filter.insert("n", doc! { "$regex": escaped(contains) });
        }
        let total = self.db.count("list", VIEWS, filter.clone(), None).await?;
        if query.offset >= total {
            return Ok((Vec::new(), total));
        }
        let finding = Finding { skip: query.offset, ..Finding::sorted(doc! { "nw": -1, "n": 1 }, query.limit) };
        Ok((self.rows("list", filter, finding).await?, total))
    }

    /// A user's conversations, latest post first, and how many there are.
    pub(super) async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        let start = query.start.unwrap_or(Timestamp::MIN);
        let end = query.end.unwrap_or(Timestamp::MAX);
        let filter = doc! {
            "pt": tenant.as_str(),
            "pu": user.as_str(),
            "pl": { "$gte": binary(&last_post(start, Seq::ZERO)) },
            "pf": { "$lte": end.as_millis() },
        };
        let total = self.db.count("history", VIEWS, filter.clone(), None).await?;
        if query.offset >= total || query.limit == 0 {
            return Ok((Vec::new(), total));
        }
        let finding = Finding { skip: query.offset, ..Finding::sorted(doc! { "pl": -1, "_id": 1 }, query.limit) };
        let found = self.db.find("history", VIEWS, filter, finding).await?;
        let mut ids = Vec::with_capacity(found.len());
        for row in &found {
            ids.push(binary(&name(row)?.0));
        }
        let finding = Finding::default().only(doc! { "ns": 1 });
        let views = self.db.find("history", VIEWS, doc! { "_id": { "$in": ids } }, finding).await?;
        let mut latest = HashMap::with_capacity(views.len());
        for view in &views {
            latest.insert(name(view)?, Seq(count(view, "ns")?));
        }
        let mut rows = Vec::with_capacity(found.len());
        for row in &found {
            // A row whose view has gone is about to go too.
            if let Some(seq) = latest.get(&name(row)?) {
                rows.push(history(row, *seq)?);
            }
        }
        Ok((rows, total))
    }

    /// A user's conversations by name.
    pub(super) async fn posted_in(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut filter = doc! { "pt": tenant.as_str(), "pu": user.as_str() };
        if let Some(after) = after {
            filter.insert("pc", doc! { "$gt": after.as_str() });
        }
        let finding = Finding::sorted(doc! { "pc": 1 }, limit).only(doc! { "pc": 1 });
        let found = self.db.find("posted_in", VIEWS, filter, finding).await?;
        let name = |row: &RawDocumentBuf| {
            ConversationId::parse(text(row, "pc")?).map_err(|error| corrupt("a participation", error))
        };
        found.iter().map(name).collect()
    }

    /// How many users have posted.
    pub(super) async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError> {
        let name = Cid::of(key, 0);
        let filter = doc! { "_id": binary(&name.0), "pend": { "$exists": true } };
        for view in self.db.find("participants", VIEWS, filter, Finding::first(1)).await? {
            self.pay(Owed::read(&view)?.into_iter().collect()).await?;
        }
        let (first, last) = row_ids(name);
        Ok(self.db.count("participants", VIEWS, doc! { "_id": { "$gte": first, "$lte": last } }, None).await?)
    }

    /// How many messages a tenant has, but for what views still owe their rows.
    pub(super) async fn messages(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let pipeline = vec![
            doc! { "$match": { "pt": tenant.as_str() } },
            doc! { "$group": { "_id": null, "sum": { "$sum": "$pm" } } },
        ];
        Ok(self.db.sum("messages", VIEWS, pipeline, "sum").await?)
    }

    /// Conversations with messages that no summary covers, by key.
    pub(super) async fn uncovered(
        &self,
        after: Option<&ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let mut filter = doc! { "un": true };
        if let Some(after) = after {
            let (tenant, name) = (after.tenant.as_str(), after.conversation.as_str());
            filter.insert("$or", vec![doc! { "t": tenant, "n": { "$gt": name } }, doc! { "t": { "$gt": tenant } }]);
        }
        self.rows("uncovered", filter, Finding::sorted(doc! { "t": 1, "n": 1 }, limit)).await
    }

    /// Conversations that have not ended and were last written to before a time, oldest first.
    pub(super) async fn idle(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        let filter = doc! { "e": false, "rc": { "$lt": before.as_millis() } };
        self.rows("idle", filter, Finding::sorted(doc! { "rc": 1 }, limit)).await
    }

    /// Conversations whose newest summary a fallback wrote, newest message first.
    pub(super) async fn degraded(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        let filter = doc! { "dg": true, "pg": { "$lt": before.as_millis() } };
        self.rows("degraded", filter, Finding::sorted(doc! { "nw": -1 }, limit)).await
    }
}

/// A text as a regular expression that matches nothing else.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_text_alone() {
        assert_eq!(escaped("a.*b_é 1"), "a\\.\\*b\\_é 1");
    }
}
