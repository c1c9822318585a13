//! What fuzzers call: one function for each way in that takes bytes of somebody else.
//!
//! Its one law: a target takes any bytes, and panics where a law of the code behind it does not hold. `fuzz/` runs them
//! by hand for hours; `tests/targets.rs` runs them in each test for seconds, over the same seeds.
#![expect(clippy::missing_panics_doc, reason = "a panic is how a target says that it found something")]

mod answers;
mod bodies;
mod chats;
mod exports;
mod frames;

/// A way in.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which its seeds' folder has as well.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "request_bodies", run: bodies::request },
    Target { name: "cursors", run: bodies::cursor },
    Target { name: "frames", run: frames::first },
    Target { name: "import_formats", run: exports::import },
    Target { name: "model_answers", run: answers::answer },
    Target { name: "local_engine", run: chats::local_engine },
    Target { name: "sensitive_values", run: chats::sensitive_values },
];

/// Runs a target by its name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.into_iter().find(|target| target.name == name);
    assert!(target.is_some(), "no target {name}");
    if let Some(target) = target {
        (target.run)(bytes);
    }
}
