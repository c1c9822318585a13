//! Exit codes beside 0 (done) and 1 (failed).

/// Bad usage or configuration, as clap has it.
pub(crate) const USAGE: u8 = 2;
/// Done in part: something was left out, and the report says what.
pub(crate) const PARTLY: u8 = 3;
