//! The dashboard: a page over the public API, served from the binary. It is outside the way of a message:
//! it reads and posts as any other client does, with the rights of the key that its reader gives.
//!
//! Its one law: what is served is what `ui/` gives, byte for byte, and nothing else may run on the page.
//!
//! - [`routes`]: `/` and `/assets/{name}`
//! - `asset`: the embedded files, each plain and compressed
//! - `encoding`: which of the three a client takes
//!
//! The TypeScript source lies in `ui/`; `ui/build.sh` writes `dist/`, which is committed, so that Cargo alone builds all.

mod asset;
mod encoding;
mod serve;

pub use serve::routes;
