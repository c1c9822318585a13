//! Closed-loop load generator for Recap.

fn main() {}
