//! What the gate knows of a request once it let it in, for the extractors behind it.

use std::time::Duration;

use http::Extensions;
use shared::config::MessageLimits;
use shared::domain::Caller;

/// Limits of reading a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// The most bytes.
    pub max_bytes: usize,
    /// How long the whole body may take.
    pub timeout: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max_bytes: MessageLimits::default().max_body_bytes, timeout: Duration::from_secs(30) }
    }
}

/// One per request, in its extensions; one value, so that it costs one allocation.
#[derive(Debug, Clone)]
pub struct Admission {
    /// Who asks.
    pub caller: Caller,
    /// Limits of its body.
    pub body: BodyLimits,
}

/// The caller that the gate found, or one that was put there by itself.
pub(crate) fn caller(extensions: &Extensions) -> Option<&Caller> {
    match extensions.get::<Admission>() {
        Some(admission) => Some(&admission.caller),
        None => extensions.get::<Caller>(),
    }
}

pub(crate) fn body_limits(extensions: &Extensions) -> BodyLimits {
    match extensions.get::<Admission>() {
        Some(admission) => admission.body,
        None => extensions.get::<BodyLimits>().copied().unwrap_or_default(),
    }
}
