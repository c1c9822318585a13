//! What replicas share through Redis, where there is one. Law: nothing that is right depends on it: dead, empty or
//! slow, it costs at most a few milliseconds and never a request.

mod link;
mod rate_limiter;
mod url;
mod views;

pub use link::RedisLink;
pub use rate_limiter::RedisRateLimiter;
pub use url::{RedisUrl, RedisUrlError};
pub use views::CachedViewStore;
