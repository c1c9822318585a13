//! Records folded into read models (project). Law: pure; the same records give the same view, however they are cut
//! into steps.

pub mod conversation;
pub mod participation;

pub use conversation::{ConversationView, MAX_LISTED_PARTICIPANTS, NewestMessage, Participant};
pub use participation::participations;
