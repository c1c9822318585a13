//! Time and randomness as arguments, so that tests replay exactly.

use crate::domain::Timestamp;

/// The wall clock. Law: may jump; nothing that must be right depends on it moving forward.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Random bytes for ids, salts and keys. Law: unguessable, never the same twice.
pub trait IdSource: Send + Sync + 'static {
    /// Sixteen random bytes.
    fn random(&self) -> [u8; 16];
}
