//! All of Recap in one process over an embedded store.

fn main() {}
