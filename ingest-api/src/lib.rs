//! append and publish
pub mod request;
