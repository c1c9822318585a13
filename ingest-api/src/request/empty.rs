//! The body of a route that takes none: nothing, or an object without fields.

use std::ops::ControlFlow;

use super::Fault;
use super::RequestError;
use super::faults::{Faults, shortened};
use super::json::well_formed;
use super::walk::fields;

/// Checks such a body. What it names all the same is told, since somebody expects something of it.
pub fn check_empty(body: &[u8]) -> Result<(), RequestError> {
    let text = std::str::from_utf8(body).map_err(|error| RequestError::not_utf8(&error))?;
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut faults = Faults::default();
    let result = fields(well_formed(text)?, |name, _| {
        faults.add(shortened(name), Fault::NoFields);
        if faults.full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    faults.keep("body", result);
    faults.finish()
}
