//! A conversation that stands in no log, folded as it is read by the local engine.
//!
//! Law: cut and merged as on a server, so the same messages come to the same summary; memory holds the open segment
//! and a few gists, however long the conversation is.

use shared::ports::SegmentSize;
use shared_insights::{Gist, Message, Summary, fold, gist, merge};

use crate::summarize::{FAN, tokens};

/// The conversation so far.
#[derive(Debug, Default)]
pub struct OfflineFold {
    open: Vec<Said>,
    tokens: usize,
    /// Gists by level, the lowest first, the oldest of each first.
    levels: Vec<Vec<Gist>>,
    messages: u64,
}

#[derive(Debug)]
struct Said {
    seq: u64,
    author: String,
    text: String,
    at_ms: i64,
}

impl OfflineFold {
    /// Takes the next message, written at this time in milliseconds since 1970; answers its number, from 1.
    pub fn push(&mut self, author: String, text: String, at_ms: i64) -> u64 {
        if SegmentSize::default().is_full(self.open.len(), self.tokens) {
            let closed = gist(&heard(&self.open));
            self.open.clear();
            self.tokens = 0;
            self.close(closed);
        }
        self.messages += 1;
        self.tokens += tokens(&text);
        self.open.push(Said { seq: self.messages, author, text, at_ms });
        self.messages
    }

    fn close(&mut self, mut closed: Gist) {
        for level in &mut self.levels {
            level.push(closed);
            if level.len() < FAN {
                return;
            }
            closed = merge(level);
            level.clear();
        }
        self.levels.push(vec![closed]);
    }

    /// The summary, and how many gists stand for what was closed.
    #[must_use]
    pub fn finish(self) -> (Summary, usize) {
        // The oldest stand highest.
        let gists: Vec<Gist> = self.levels.into_iter().rev().flatten().collect();
        (fold(&gists, &heard(&self.open)), gists.len())
    }
}

fn heard(open: &[Said]) -> Vec<Message<'_>> {
    open.iter()
        .map(|said| Message { seq: said.seq, author: &said.author, text: &said.text, at_ms: said.at_ms })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_conversation_is_held_in_few_gists() {
        let mut offline = OfflineFold::default();
        for number in 0..5_000_u64 {
            let text = format!("Shall we meet about topic {number} tomorrow?");
            assert_eq!(offline.push(format!("user{}", number % 3), text, 1_772_625_600_000), number + 1);
            assert!(
                offline.open.len() <= SegmentSize::default().messages
                    && offline.levels.iter().all(|level| level.len() < FAN)
            );
        }
        let (summary, gists) = offline.finish();
        assert!(gists < 2 * FAN && !summary.brief.is_empty());
    }
}
