//! The in-memory backends.
