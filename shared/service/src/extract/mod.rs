//! What handlers take from a request. Law: what comes out is valid; what is not never reaches a handler.

mod caller;
mod json_body;
mod listener;
mod path;
mod query;
mod query_value;

pub use caller::{Admin, Reader, Writer};
pub use json_body::JsonBody;
pub use listener::Listener;
pub use path::{ConversationPath, UserPath};
pub use query::StrictQuery;
