//! append and publish: takes messages in, makes them durable, and tells the next hop.
//!
//! Its one law: what was answered with 2xx is in the log, and what was refused left no trace there.
//!
//! - [`config`]: limits, lanes and queues
//! - [`request`]: the body of `POST /chats`, read and checked
//! - `append`: `POST /chats` through bounded lanes into one commit for many requests
//! - `publish`: what a commit reached, told to the bus once for each conversation
//! - `end`: `POST /chats/{conversation_id}/end`, through the same lanes
//! - `change`: `PATCH` and `DELETE /chats/{conversation_id}/messages/{seq}`, through the same lanes
//! - `erase`: `DELETE /chats/{conversation_id}`; `erase_user`: `DELETE /users/{user_id}`
//! - `acts`: what changes, erasures and demands leave in the audit record
//! - [`routes`]: [`build`] puts them together

mod acts;
mod append;
mod change;
pub mod config;
mod end;
mod erase;
mod erase_user;
mod publish;
pub mod request;
pub mod routes;

pub use config::IngestConfig;
pub use routes::build;
