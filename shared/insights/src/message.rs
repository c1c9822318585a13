//! What the engine reads: one message of a conversation, borrowed.

/// One message. Messages are given oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its number in the conversation: what evidence points at.
    pub seq: u64,
    /// The name to show for who wrote it.
    pub author: &'a str,
    /// What it says, any Unicode.
    pub text: &'a str,
    /// When it was written, milliseconds since 1970 in UTC: relative dates are resolved against it.
    pub at_ms: i64,
}
