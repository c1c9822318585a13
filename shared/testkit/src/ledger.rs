//! What clients were told, and the check that ends every fault test.
//!
//! Law: each acknowledged message is there exactly once, each unknown at most once, and seqs have no holes.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What became of each message posted. Contents are unique within a ledger.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    messages: BTreeMap<String, HashMap<String, bool>>,
}

impl Ledger {
    /// The server said 200.
    pub fn acknowledged(&mut self, conversation: &str, content: &str) {
        self.messages.entry(conversation.to_owned()).or_default().insert(content.to_owned(), true);
    }

    /// No answer, or one that says that it is not known.
    pub fn unknown(&mut self, conversation: &str, content: &str) {
        self.messages.entry(conversation.to_owned()).or_default().entry(content.to_owned()).or_insert(false);
    }

    /// Takes over what another one was told.
    pub fn merge(&mut self, other: Self) {
        for (conversation, messages) in other.messages {
            let known = self.messages.entry(conversation).or_default();
            for (content, sure) in messages {
                *known.entry(content).or_default() |= sure;
            }
        }
    }

    /// The conversations posted to.
    pub fn conversations(&self) -> impl Iterator<Item = &str> {
        self.messages.keys().map(String::as_str)
    }

    /// How many messages were acknowledged.
    #[must_use]
    pub fn acknowledgements(&self) -> usize {
        self.messages.values().flat_map(HashMap::values).filter(|sure| **sure).count()
    }

    /// Holds a conversation's history against what was said of it.
    pub fn check(&self, conversation: &str, history: &[Value]) -> Result<()> {
        self.check_messages(conversation, history)?;
        let mut seqs: Vec<u64> = history.iter().filter_map(|m| m["seq"].as_u64()).collect();
        seqs.sort_unstable();
        let dense = seqs.iter().zip(1..).all(|(seq, place)| *seq == place);
        ensure!(dense, "{conversation}: seqs have holes: {seqs:?}");
        Ok(())
    }

    /// The same where a crash may have left tombstones between messages: they fill seqs, and no history shows them.
    /// That the records have no holes is for `recap check` to say.
    pub fn check_messages(&self, conversation: &str, history: &[Value]) -> Result<()> {
        let expected = self.messages.get(conversation).context("a conversation that was never posted to")?;
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for message in history {
            let content = message["content"].as_str().context("no content")?;
            ensure!(expected.contains_key(content), "{conversation}: {content:?} was never posted");
            *seen.entry(content).or_default() += 1;
        }
        for (content, sure) in expected {
            let times = seen.get(content.as_str()).copied().unwrap_or(0);
            ensure!(times <= 1, "{conversation}: {content:?} stands {times} times");
            ensure!(times == 1 || !sure, "{conversation}: {content:?} was acknowledged and is lost");
        }
        let mut seqs: Vec<u64> = history.iter().filter_map(|m| m["seq"].as_u64()).collect();
        seqs.sort_unstable();
        let distinct = seqs.len() == history.len() && seqs.windows(2).all(|pair| pair[0] < pair[1]);
        ensure!(distinct, "{conversation}: seqs stand twice or are missing: {seqs:?}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_lost_doubled_foreign_and_holes() {
        let mut ledger = Ledger::default();
        ledger.acknowledged("c", "a");
        ledger.unknown("c", "b");
        ledger.unknown("c", "a");
        let message = |seq: u64, content: &str| json!({"seq": seq, "content": content});
        assert!(ledger.check("c", &[message(1, "a")]).is_ok());
        assert!(ledger.check("c", &[message(1, "a"), message(2, "b")]).is_ok());
        assert!(ledger.check("c", &[message(1, "b")]).is_err());
        assert!(ledger.check("c", &[message(1, "a"), message(2, "a")]).is_err());
        assert!(ledger.check("c", &[message(1, "a"), message(2, "x")]).is_err());
        assert!(ledger.check("c", &[message(2, "a")]).is_err());
        assert!(ledger.check_messages("c", &[message(2, "a")]).is_ok());
        assert!(ledger.check_messages("c", &[message(1, "b"), message(1, "a")]).is_err());
        assert!(ledger.check("other", &[]).is_err());
    }
}
