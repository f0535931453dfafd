//! Where a scenario keeps what its application does: in memory, for there everything happens in the same order each time;
//! with transactions, which are not to be had in memory, in an embedded store that is gone with the scenario.

use tempfile::TempDir;

use crate::cli::error::CliError;
use crate::config::{Delivery, Manifest, Resources};
use crate::services::{Backends, Clock, memory, sqlite};

pub(super) struct Stores {
    pub(super) backends: Backends,
    embedded: Option<Embedded>,
}

struct Embedded {
    store: sqlite::Store,
    _folder: TempDir,
}

impl Stores {
    pub(super) fn open(manifest: &Manifest, resources: &Resources, clock: &Clock) -> Result<Self, CliError> {
        if manifest.events.iter().all(|source| source.delivery != Delivery::Transactional) {
            let backends = memory::open(resources, clock.clone());
            let backends = backends.map_err(|error| CliError::Memory(error.to_string()))?;
            return Ok(Self { backends, embedded: None });
        }
        let folder = TempDir::new().map_err(|source| CliError::Scratch { source })?;
        let store = sqlite::open(folder.path(), resources, clock.clone())?;
        Ok(Self { backends: store.backends(), embedded: Some(Embedded { store, _folder: folder }) })
    }

    /// Returns once all that was asked before is done, and those who wait for it were woken.
    pub(super) async fn settled(&self) {
        if let Some(Embedded { store, .. }) = &self.embedded {
            // A store that has failed tells so to those who ask it for something.
            let _ = store.settled().await;
        }
    }
}
