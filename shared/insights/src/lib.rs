//! Pure text analysis: sentiment, keywords, action items, summaries, without a model. No I/O, no async.
//!
//! - project hop: [`LiveInsights`] folds every message as it comes, in bounded space;
//! - summarize hop: a closed segment becomes a [`Gist`] ([`gist`], [`merge`]), and [`fold`] makes a
//!   [`Summary`] of gists and the open tail;
//! - on the way to a model: [`sensitive`] finds values that are to stay here.
//!
//! One law: the same messages give the same bytes, and every output is made of words of the input.

mod actions;
mod gist;
mod keywords;
mod lexicon;
mod live;
mod message;
mod sensitive;
mod sentiment;
mod summary;
mod text;

pub use actions::{ActionItem, ActionStatus, Due, Finding, due};
pub use gist::{Gist, gist, merge};
pub use live::LiveInsights;
pub use message::Message;
pub use sensitive::{Sensitive, SensitiveSpan, sensitive, whole_values};
pub use sentiment::{Sentiment, SentimentScore, message_sentiment};
pub use summary::{Summary, fold};
pub use text::language;
