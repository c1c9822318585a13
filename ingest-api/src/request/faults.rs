//! What is wrong with a body: no JSON, or a list of faults with their paths.

use std::fmt::Display;
use std::str::Utf8Error;

use thiserror::Error;

use super::Fault;

/// The most faults that one answer lists.
pub const MAX_FAULTS: usize = 20;

/// The most characters of a name chosen by the client that a path or a fault repeats.
const MAX_NAME_CHARS: usize = 64;

/// Why a body is refused. Sending it again does not help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It is no JSON text.
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
    /// It is JSON of the wrong shape.
    #[error("the body has {} faults", .0.len())]
    Invalid(Vec<FieldFault>),
}

impl RequestError {
    pub(super) fn not_utf8(error: &Utf8Error) -> Self {
        Self::InvalidJson(format!("byte {} is not UTF-8", error.valid_up_to()))
    }
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Such as `messages[3].content`; `body` for the whole.
    pub path: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// Collects faults up to [`MAX_FAULTS`].
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<FieldFault>);

impl Faults {
    pub(super) fn add(&mut self, path: impl Display, fault: Fault) {
        if !self.full() {
            self.0.push(FieldFault { path: path.to_string(), fault });
        }
    }

    /// Keeps the good value, or notes the fault.
    pub(super) fn keep<T>(&mut self, path: impl Display, result: Result<T, Fault>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(fault) => {
                self.add(path, fault);
                None
            }
        }
    }

    pub(super) fn full(&self) -> bool {
        self.0.len() >= MAX_FAULTS
    }

    pub(super) fn finish(self) -> Result<(), RequestError> {
        if self.0.is_empty() { Ok(()) } else { Err(RequestError::Invalid(self.0)) }
    }
}

/// A name chosen by the client, cut to a length that may be repeated.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}
