//! One suite for each port: every adapter passes it, unchanged. Law: a case knows the port only, and leaves other
//! data of the same store alone, since backends may be shared between tests.
//!
//! A backend runs a whole suite with one line, and so misses no case that is added later:
//!
//! ```ignore
//! shared_testkit::message_log_suite!(open);   // `open` is an async fn that returns (Arc<dyn MessageLog>, guard), or
//!                                             // an `Option` of it: `None` skips, see `process::backend::find`
//! ```

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "these are the bodies of tests: their names say what they check, and they fail by panicking"
)]

pub mod audit_log;
pub mod build;
pub mod event_bus;
pub mod key_store;
pub mod message_log;
pub mod rate_limiter;
pub mod user_erasures;
pub mod view_store;

/// What an `open` function gives: the port with a guard, or nothing where its server is not installed.
pub trait Opened {
    type Port;
    type Guard;

    fn opened(self) -> Option<(Self::Port, Self::Guard)>;
}

impl<P, G> Opened for (P, G) {
    type Port = P;
    type Guard = G;

    fn opened(self) -> Option<(P, G)> {
        Some(self)
    }
}

impl<P, G> Opened for Option<(P, G)> {
    type Port = P;
    type Guard = G;

    fn opened(self) -> Option<(P, G)> {
        self
    }
}

/// Makes a test of each case: opens a backend of its own for it, and keeps the guard until it is over.
#[macro_export]
macro_rules! conformance_cases {
    ($open:path, $suite:ident: $($module:ident::$case:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            let opened = $crate::conformance::Opened::opened($open().await);
            let Some((port, _guard)) = opened else { return };
            $crate::conformance::$suite::$module::$case(port).await;
        }
    )*};
}
