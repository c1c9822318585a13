//! The API described for machines and people: `/openapi.json`, `/asyncapi.json` and the page `/docs`. It is outside
//! the way of a message: nothing here reads or writes a conversation.
//!
//! Its one law: the documents say what the running server does, no more and no less. The system test `described`
//! holds real requests, responses and frames against them.
//!
//! - [`routes`]: the three addresses and the two files of the page
//! - [`openapi`]: operations, parameters, responses and headers of HTTP
//! - [`asyncapi`]: the WebSocket
//! - `schemas`: the bodies and frames that both speak of, from the pieces in `schema`
//! - `errors`: every error code, what it means, and the responses that carry it

mod asyncapi;
mod errors;
mod openapi;
mod schema;
mod schemas;
mod serve;
#[cfg(test)]
mod tests;

pub use asyncapi::asyncapi;
pub use openapi::openapi;
pub use serve::routes;
