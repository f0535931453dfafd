//! Generated from the contract; see `generate/`. Its shape is no promise to authors.

#![allow(unsafe_code, reason = "the component ABI passes raw pointers")]
#![allow(unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction, reason = "not written by hand")]

#[rustfmt::skip]
pub mod batch_function;
#[rustfmt::skip]
pub mod function;
