//! Project: a notice says that a conversation has reached a seq, and its view is brought there.
//!
//! - [`round`]: one batch of conversations from the log to the view store, in few calls
//! - [`read`]: the records that a batch needs, with their holes found
//! - [`fold`]: records folded into steps, off the async threads when there are many
//! - [`rewrite`]: a view folded anew, since what it was made from was edited or erased
//! - [`rows`]: recent rows kept in memory
//! - [`take`]: notices from the bus, acknowledged after the commit
//! - [`pace`]: how often they are taken, so that posting goes first
//!
//! Law: a view moves only by compare-and-set from what its step was made from. So notices may be lost,
//! doubled or late, several workers may project the same conversation, and the result is the same.

pub(crate) mod fold;
mod pace;
pub(crate) mod read;
pub(crate) mod rewrite;
pub(crate) mod round;
pub(crate) mod rows;
pub(crate) mod take;

pub(crate) use rewrite::Users;
pub(crate) use round::{Projector, ROUND};
pub(crate) use take::{project, take};
