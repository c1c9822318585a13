//! The one table of what clients are told when something fails: code → HTTP status.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// A stable code of an error body.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// All codes, in the order of their status.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// The body or frame is no JSON.
    InvalidJson = "invalid_json", 400;
    /// JSON, but not what the route takes.
    InvalidRequest = "invalid_request", 400;
    /// A cursor that this route did not give for this request.
    InvalidCursor = "invalid_cursor", 400;
    /// A key was sent in the URL, where logs would keep it.
    KeyInUrl = "key_in_url", 400;
    /// A key is needed, or the one sent is not known.
    Unauthenticated = "unauthenticated", 401;
    /// The key may not do this.
    Forbidden = "forbidden", 403;
    /// The conversation or the tenant holds as many messages as it may.
    QuotaExceeded = "quota_exceeded", 403;
    /// No such conversation for this caller.
    ConversationNotFound = "conversation_not_found", 404;
    /// The conversation has no summary yet.
    SummaryNotFound = "summary_not_found", 404;
    /// No such path or thing.
    NotFound = "not_found", 404;
    /// The path exists, with other methods.
    MethodNotAllowed = "method_not_allowed", 405;
    /// It contradicts what is stored.
    Conflict = "conflict", 409;
    /// The same `Idempotency-Key` came with another body.
    IdempotencyMismatch = "idempotency_mismatch", 409;
    /// Larger than a limit.
    PayloadTooLarge = "payload_too_large", 413;
    /// Not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// Too many requests.
    RateLimited = "rate_limited", 429;
    /// Our fault.
    Internal = "internal", 500;
    /// A part that the request needs is away.
    Unavailable = "unavailable", 503;
    /// Too much work is waiting.
    Overloaded = "overloaded", 503;
    /// It took too long.
    Timeout = "timeout", 504;
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
