//! What functions can reach: one folder per WIT interface, each with the trait a backend implements, the checked handle
//! a guest works through, the WIT glue (`host.rs`), the contract tests, and one file per backend.

pub mod blob;
mod clock;
#[cfg(test)]
mod contract;
mod error;
pub mod kv;
pub mod memory;
pub mod message;
pub mod queue;
pub mod sqlite;
pub mod topic;

use std::sync::Arc;

pub use clock::Clock;
pub use error::{Error, Result};

use crate::config::{Grant, Right};

/// The backends behind the services of one host.
#[derive(Clone)]
pub struct Backends {
    pub kv: Arc<dyn kv::Backend>,
    pub queue: Arc<dyn queue::Backend>,
    pub topic: Arc<dyn topic::Backend>,
    pub blob: Arc<dyn blob::Backend>,
}

/// Refuses an operation that the grant does not cover, with the grant that would.
fn require(grant: &Grant, right: Right) -> Result<()> {
    if grant.has(right) {
        return Ok(());
    }
    Err(denied(&grant.clone().union(&Grant::new(grant.service, "", &[right]))))
}

/// The refusal that names the grant to add.
pub fn denied(wanted: &Grant) -> Error {
    let (resource, name) = (wanted.service.resource(), &wanted.name);
    Error::AccessDenied(format!("{resource} `{name}` is not granted for this, add `--grant {wanted}`"))
}
