//! What functions can reach: one folder per WIT interface, each with the trait a backend implements, the checked handle
//! a guest works through, the WIT glue (`host.rs`), the contract tests, and one file per backend.

mod access;
pub mod bindings;
pub mod blob;
mod clock;
pub mod config;
pub mod context;
#[cfg(test)]
mod contract;
mod error;
pub mod functions;
pub mod host;
pub mod kv;
pub mod memory;
pub mod message;
pub mod queue;
pub mod sqlite;
pub mod topic;
pub mod transaction;
pub mod wasi;

use std::sync::Arc;

pub use access::Access;
pub use clock::Clock;
pub use error::{Error, Result};

use crate::config::{Grant, Resources, Right, Service};

/// The backends behind the services of one host.
#[derive(Clone)]
pub struct Backends {
    pub kv: Arc<dyn kv::Backend>,
    pub queue: Arc<dyn queue::Backend>,
    pub topic: Arc<dyn topic::Backend>,
    pub blob: Arc<dyn blob::Backend>,
    /// Where the resources above can take part in transactions.
    pub transactions: Option<Arc<dyn transaction::Backend>>,
}

/// Where the resources of one host are: in its backends, but for those that are kept in memory.
#[derive(Clone)]
pub struct Placement {
    backends: Backends,
    memory: Option<(Backends, Arc<Resources>)>,
}

impl Placement {
    pub fn new(backends: Backends, memory: Option<(Backends, Arc<Resources>)>) -> Self {
        Self { backends, memory }
    }

    /// What keeps the resource.
    pub fn of(&self, service: Service, name: &str) -> &Backends {
        match &self.memory {
            Some((memory, resources)) if resources.contains(service, name) => memory,
            _ => &self.backends,
        }
    }
}

impl From<Backends> for Placement {
    fn from(backends: Backends) -> Self {
        Self { backends, memory: None }
    }
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
    Error::AccessDenied(format!("{resource} `{name}` is not granted for this, {}", wanted.advice().grant(wanted)))
}
