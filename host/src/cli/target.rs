//! What a command works on: a component or a folder with source, and the store for its data.

use std::path::{Path, PathBuf};

use super::error::CliError;
use super::function;
use crate::build;
use crate::services::{Backends, Clock, memory, sqlite};

/// A folder becomes the component that is built from it.
pub(super) fn resolve(target: &Path) -> Result<PathBuf, CliError> {
    if target.is_dir() {
        return super::block_on(async { Ok(build::build(target).await?) });
    }
    if target.exists() {
        return Ok(target.to_owned());
    }
    Err(CliError::NoTarget { path: target.to_owned() })
}

/// The folder's or file's name without its ending.
pub(super) fn name(target: &Path) -> String {
    let target = target.canonicalize().unwrap_or_else(|_| target.to_owned());
    target.file_stem().map_or_else(|| "function".into(), |stem| stem.to_string_lossy().into_owned())
}

/// Where the function's resources are for this run. Without grants none is opened.
pub(super) enum Store {
    Memory(Backends),
    Embedded(sqlite::Store),
}

impl Store {
    pub(super) fn open(arguments: &function::Flags) -> Result<Self, CliError> {
        let resources = arguments.resources();
        if arguments.ephemeral || arguments.grants.is_empty() {
            let backends = memory::open(&resources, Clock::System);
            return Ok(Self::Memory(backends.map_err(|error| CliError::Memory(error.to_string()))?));
        }
        Ok(Self::Embedded(sqlite::open(&arguments.data_dir, &resources, Clock::System)?))
    }

    pub(super) fn backends(&self) -> Backends {
        match self {
            Self::Memory(backends) => backends.clone(),
            Self::Embedded(store) => store.backends(),
        }
    }
}
