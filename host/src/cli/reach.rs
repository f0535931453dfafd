//! How commands get at what is stored: through the host that has it, or by themselves when none runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::CliError;
use super::function::DATA_DIR;
use super::serve::MANIFEST;
use crate::config::{Manifest, Resources};
use crate::services::sqlite::OpenError;
use crate::services::{Clock, memory, sqlite};
use crate::triggers::control::{Beyond, Client, Control};

/// How long another process may have the store before that is an error: a host that is just starting, or a command.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub(super) struct Flags {
    /// The manifest with the resources, or the folder it is in [default: wasm-faas.toml, if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    manifest: Option<PathBuf>,
    /// Where data is kept, when no manifest says so [default: .wasm-faas]
    #[arg(long, value_name = "FOLDER", global = true)]
    data_dir: Option<PathBuf>,
}

/// A data folder, and what is known of it.
struct Place {
    folder: PathBuf,
    manifest: Option<Manifest>,
}

impl Flags {
    /// The host that runs, or this process with the store opened.
    pub(super) async fn client(&self) -> Result<Client, CliError> {
        let place = self.place()?;
        let started = Instant::now();
        loop {
            if let Some(client) = place.host().await? {
                return Ok(client);
            }
            match place.open() {
                Err(CliError::Store(OpenError::InUse { .. })) if started.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                opened => return opened,
            }
        }
    }

    /// The host that runs.
    pub(super) async fn host(&self) -> Result<Client, CliError> {
        let place = self.place()?;
        place.host().await?.ok_or(CliError::NoHost { folder: place.folder })
    }

    fn place(&self) -> Result<Place, CliError> {
        let here = Path::new(MANIFEST);
        let path = match (&self.manifest, &self.data_dir) {
            (Some(_), Some(_)) => return Err(CliError::TwoPlaces),
            (Some(path), None) if path.is_dir() => Some(path.join(MANIFEST)),
            (Some(path), None) => Some(path.clone()),
            (None, Some(_)) => None,
            (None, None) => here.is_file().then(|| here.to_owned()),
        };
        let manifest = path.map(|path| Manifest::read(&path)).transpose()?;
        let folder = match (&manifest, &self.data_dir) {
            (Some(manifest), _) => manifest.data_dir.clone(),
            (None, Some(folder)) => folder.clone(),
            (None, None) => DATA_DIR.into(),
        };
        Ok(Place { folder, manifest })
    }
}

impl Place {
    async fn host(&self) -> Result<Option<Client>, CliError> {
        let found = Client::of_host(&self.folder).await;
        found.map_err(|source| CliError::Host { folder: self.folder.clone(), source })
    }

    /// The store in this process.
    fn open(&self) -> Result<Client, CliError> {
        let (stored, beyond) = match &self.manifest {
            Some(manifest) => (manifest.resources.clone(), Beyond::InMemory(manifest.memory.clone())),
            None => self.without_manifest()?,
        };
        let backends = if stored.is_empty() {
            memory::open(&stored, Clock::System)?
        } else {
            sqlite::open(&self.folder, &stored, Clock::System)?.backends()
        };
        Ok(Client::Here(Arc::new(Control::of_store(backends, stored, beyond))))
    }

    /// Buckets and containers have no settings, so that they can be had by their names.
    fn without_manifest(&self) -> Result<(Resources, Beyond), CliError> {
        let all = sqlite::names(&self.folder)?;
        if all.is_empty() {
            return Err(CliError::NoData { folder: self.folder.clone() });
        }
        let Resources { buckets, queues, topics, containers, .. } = all;
        let stored = Resources { buckets, containers, ..Resources::default() };
        Ok((stored, Beyond::WithoutSettings(Resources { queues, topics, ..Resources::default() })))
    }
}
