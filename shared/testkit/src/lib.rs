//! Conformance suites, servers as child processes, typed clients (development only).
