//! Fields of documents. Law: what is not what it may be is reported as corrupt, never guessed.

use mongodb::bson::{RawBsonRef, RawDocument};
use shared::ports::StoreError;

use super::failure::{corrupt, missing};

fn field<'d>(document: &'d RawDocument, name: &str) -> Result<Option<RawBsonRef<'d>>, StoreError> {
    document.get(name).map_err(|error| corrupt(name, error))
}

/// A whole number; some servers store small ones shorter.
pub(super) fn optional_int(document: &RawDocument, name: &str) -> Result<Option<i64>, StoreError> {
    match field(document, name)? {
        None | Some(RawBsonRef::Null) => Ok(None),
        Some(RawBsonRef::Int64(number)) => Ok(Some(number)),
        Some(RawBsonRef::Int32(number)) => Ok(Some(number.into())),
        Some(_) => Err(missing(name)),
    }
}

/// A whole number that must be there.
pub(super) fn int(document: &RawDocument, name: &str) -> Result<i64, StoreError> {
    optional_int(document, name)?.ok_or_else(|| missing(name))
}

/// A number that counts; absent is zero.
pub(super) fn count(document: &RawDocument, name: &str) -> Result<u64, StoreError> {
    let stored = optional_int(document, name)?.unwrap_or(0);
    u64::try_from(stored).map_err(|error| corrupt(name, error))
}

/// A text.
pub(super) fn optional_text<'d>(document: &'d RawDocument, name: &str) -> Result<Option<&'d str>, StoreError> {
    match field(document, name)? {
        None | Some(RawBsonRef::Null) => Ok(None),
        Some(RawBsonRef::String(text)) => Ok(Some(text)),
        Some(_) => Err(missing(name)),
    }
}

/// A text that must be there.
pub(super) fn text<'d>(document: &'d RawDocument, name: &str) -> Result<&'d str, StoreError> {
    optional_text(document, name)?.ok_or_else(|| missing(name))
}

/// Bytes.
pub(super) fn optional_bytes<'d>(document: &'d RawDocument, name: &str) -> Result<Option<&'d [u8]>, StoreError> {
    match field(document, name)? {
        None | Some(RawBsonRef::Null) => Ok(None),
        Some(RawBsonRef::Binary(binary)) => Ok(Some(binary.bytes)),
        Some(_) => Err(missing(name)),
    }
}

/// Bytes that must be there.
pub(super) fn bytes<'d>(document: &'d RawDocument, name: &str) -> Result<&'d [u8], StoreError> {
    optional_bytes(document, name)?.ok_or_else(|| missing(name))
}

/// Yes or no; absent is no.
pub(super) fn flag(document: &RawDocument, name: &str) -> Result<bool, StoreError> {
    match field(document, name)? {
        None | Some(RawBsonRef::Null) => Ok(false),
        Some(RawBsonRef::Boolean(value)) => Ok(value),
        Some(_) => Err(missing(name)),
    }
}

/// A count or seq as it is stored. Seqs end long before this limit is reached.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
