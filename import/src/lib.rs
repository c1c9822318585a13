//! Chat exports of other programs, read as streams of messages: what stands before the append hop when people bring
//! their history along.
//!
//! Its one law: nothing is dropped silently. Each entry of a source becomes a message or a [`Skipped`] with its place
//! and reason, in memory that does not grow with the source.
//!
//! - [`read`]: one source, from a file, a folder, a zip or a stream, to [`Item`]s
//! - [`Format`]: the formats, and how one is told from the others
//! - [`Message`]: what all of them come to; its id is made from the source, so that reading again gives the same

mod clock;
mod detect;
mod folder;
mod format;
mod ids;
mod item;
mod json;
mod lines;
mod marks;
mod names;
mod nth;
mod source;

pub use clock::{DateOrder, Zone, ZoneError};
pub use detect::detect;
pub use format::Format;
pub use item::{Item, Message, Place, Reason, Skipped};
pub use source::{Options, ReadError, Source, Stopped, read};
