//! The real and embedded adapters behind Recap's ports.
