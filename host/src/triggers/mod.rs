//! The outside world, turned into events and invocations.

pub mod control;
pub mod delivery;
pub mod functions;
pub mod http;
