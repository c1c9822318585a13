//! Domain types, records, ports and pure projections of Recap.
