//! Which files hold scenarios, and which application they are about.

use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::serve::MANIFEST;
use crate::config::Manifest;

/// What files of scenarios are called that are found in folders.
const SUFFIX: &str = ".test.toml";

/// The manifest of an application.
pub(super) struct Application {
    pub(super) manifest: Manifest,
}

impl Application {
    /// That of `manifest`, else the one beside the scenarios or in the nearest folder above.
    pub(super) fn of(scenarios: &Path, manifest: Option<&Path>) -> Result<Self, CliError> {
        let path = match manifest {
            Some(path) => path.to_owned(),
            None => beside(scenarios)?,
        };
        Ok(Self { manifest: Manifest::read(&path)? })
    }
}

fn beside(scenarios: &Path) -> Result<PathBuf, CliError> {
    let whole = std::path::absolute(scenarios).unwrap_or_else(|_| scenarios.to_owned());
    let found = whole.ancestors().skip(1).map(|folder| folder.join(MANIFEST)).find(|path| path.is_file());
    found.ok_or_else(|| CliError::NoApplication { scenarios: scenarios.to_owned() })
}

/// The files, in the order of their names within a folder.
pub(super) fn find(targets: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for target in targets {
        if !target.is_dir() {
            files.push(target.clone());
            continue;
        }
        let mut found = inside(target)?;
        let tests = target.join("tests");
        if tests.is_dir() {
            found.extend(inside(&tests)?);
        }
        if found.is_empty() {
            return Err(CliError::NoScenarios { folder: target.clone() });
        }
        files.extend(found);
    }
    Ok(files)
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |source| CliError::ReadInput { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && path.to_string_lossy().ends_with(SUFFIX) {
            found.push(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path));
        }
    }
    found.sort();
    Ok(found)
}
