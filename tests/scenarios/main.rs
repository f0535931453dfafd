//! Drives the real binary.

#[path = "../support/mod.rs"]
mod support;

fn main() {
    support::conclude(Vec::new());
}
