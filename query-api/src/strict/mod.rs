//! Reading what clients send (query and push). Law: everything that is wrong is named, and nothing
//! that was not understood is ignored.

pub mod faults;
pub mod object;

pub use faults::Faults;
pub use object::{Object, Unreadable};
