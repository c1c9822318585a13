//! Live insights: folded message by message in the projection of every message.
//! The law: bounded in space, integers only, so the same messages give the same bytes however they are batched.

use serde::{Deserialize, Serialize};

use crate::{
    actions::{asks, asks_for_work},
    keywords::Hitters,
    lexicon::Classes,
    message::Message,
    sentiment::{MessageReader, Mood, SentimentScore, rounded, thousandths},
    text::{End, Kind, Token, Tokens},
};

/// Points of the trend.
const POINTS: usize = 32;
/// Action candidates that are kept, the newest.
const CANDIDATES: usize = 16;
/// Valence in tenths from which a word tells a feeling, not a topic.
const FELT: u8 = 20;
/// Tokens of a message that are read; what follows in a longer one is not seen here.
const READ: usize = 512;

/// Sentiment, keywords, questions and action candidates of a conversation so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveInsights {
    mood: Mood,
    /// Messages in each full point, a power of two; 0 before the first message.
    width: u64,
    /// Sums of scores in thousandths, oldest first; the last may not be full.
    points: Vec<i64>,
    /// Messages in the last point.
    last: u64,
    words: Hitters,
    questions: u64,
    candidates: Vec<u64>,
}

impl LiveInsights {
    /// Takes the next message in.
    pub fn add(&mut self, message: &Message<'_>) {
        let text = message.text;
        let mut reader = MessageReader::new();
        let mut tokens: [Token; 32] = [Token::NONE; 32];
        let mut kept = 0;
        let mut question = false;
        for token in Tokens::of(text).take(READ) {
            reader.read(&token, text);
            if token.is_content() && token.kind == Kind::Word && token.valence.unsigned_abs() < FELT {
                self.words.add(token.text(text), token.hash, token.rarity);
            }
            question |= matches!(token.mark, '?' | '？' | '؟');
            if kept < tokens.len() {
                tokens[kept] = token;
                kept += 1;
            }
        }
        let tokens = &tokens[..kept];
        let score = reader.score();
        self.mood.add(score.class);
        self.point(thousandths(score.score));
        let question = question || asks(tokens, text);
        self.questions += u64::from(question);
        let end = if question { End::Question } else { End::Open };
        if asks_for_work(tokens, text, end) && !tokens.iter().all(|token| token.is(Classes::STOP)) {
            if self.candidates.len() == CANDIDATES {
                self.candidates.remove(0);
            }
            self.candidates.push(message.seq);
        }
    }

    fn point(&mut self, thousandths: i64) {
        self.width = self.width.max(1);
        if self.points.is_empty() || self.last == self.width {
            if self.points.len() == POINTS {
                self.points = self.points.chunks(2).map(|pair| pair.iter().sum()).collect();
                self.width *= 2;
            }
            self.points.push(0);
            self.last = 0;
        }
        if let Some(point) = self.points.last_mut() {
            *point += thousandths;
        }
        self.last += 1;
    }

    /// Sentiment of the whole conversation.
    #[must_use]
    pub fn sentiment(&self) -> SentimentScore {
        self.mood.score()
    }

    /// Mean scores, at most 32 points, oldest first: each stands for as many messages as the others,
    /// the last for those since. The number of messages in a point doubles when all are used.
    #[must_use]
    pub fn trend(&self) -> Vec<f64> {
        let last = self.points.len().saturating_sub(1);
        let mean = |(at, sum): (usize, &i64)| {
            let messages = if at == last { self.last } else { self.width };
            rounded(*sum as f64 / 1000.0 / messages.max(1) as f64)
        };
        self.points.iter().enumerate().map(mean).collect()
    }

    /// The `n` heaviest words, best first.
    #[must_use]
    pub fn keywords(&self, n: usize) -> Vec<String> {
        self.words.best(n)
    }

    /// How many messages ask something.
    #[must_use]
    pub const fn questions(&self) -> u64 {
        self.questions
    }

    /// Numbers of the newest messages, at most 16, that may give someone work: a cue test only.
    #[must_use]
    pub fn action_candidates(&self) -> Vec<u64> {
        self.candidates.clone()
    }
}
