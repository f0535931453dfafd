//! What goes on beside serving: instances that nobody needs go, certificates and deployments are replaced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::Source;
use super::deployment::{Deployed, Host};
use crate::cli::error::CliError;
use crate::cli::tell;
use crate::config::Manifest;
use crate::engine::SWEEP;
use crate::triggers::http::{Door, LOOK_EVERY, Tls};

/// How long changes are gathered: a build or an editor writes several files.
const GATHER: Duration = Duration::from_millis(200);
/// Folders that builds write to.
const MADE: [&str; 5] = [".wasm-faas", "target", "node_modules", "__pycache__", ".git"];

/// Takes down instances that have waited or lived too long.
pub(super) async fn sweep(door: Arc<Door>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        door.sweep();
    }
}

/// Serves new certificates when their files change.
pub(super) async fn renew(tls: Arc<Tls>) {
    let report = |renewed| match renewed {
        Ok(()) => tell("the certificate was read again and is served now"),
        Err(error) => tell(format_args!("error: {error}; the certificate that was there before is served on")),
    };
    tls.watch(LOOK_EVERY, report).await;
}

/// Replaces what the door leads to when the manifest or a component changes.
pub(super) struct Reload {
    pub(super) door: Arc<Door>,
    pub(super) host: Arc<Host>,
    pub(super) source: Source,
    pub(super) manifest: Manifest,
    pub(super) functions: BTreeMap<String, Deployed>,
}

impl Reload {
    /// Until the process ends.
    pub(super) async fn run(mut self) -> Result<(), CliError> {
        let (sender, mut changes) = mpsc::unbounded_channel();
        let mut watcher = watcher(sender)?;
        let mut watched = self.watch(&mut watcher, &[]);
        while let Some(path) = changes.recv().await {
            let mut paths = vec![path];
            tokio::time::sleep(GATHER).await;
            while let Ok(path) = changes.try_recv() {
                paths.push(path);
            }
            if paths.iter().any(|path| self.concerns(path)) {
                self.reload().await;
                watched = self.watch(&mut watcher, &watched);
            }
        }
        Ok(())
    }

    async fn reload(&mut self) {
        let started = Instant::now();
        if let Err(error) = self.replace().await {
            tell(format_args!("{}\nthe version that was there before serves on", error.text()));
            return;
        }
        tell(format_args!("reloaded in {} ms", started.elapsed().as_millis()));
    }

    /// The new version is made beside the old, which is replaced when all of it is ready.
    async fn replace(&mut self) -> Result<(), CliError> {
        let manifest = self.source.read()?;
        if let Some(what) = needs_restart(&self.manifest, &manifest) {
            return Err(CliError::NeedsRestart { what });
        }
        let deployment = self.host.deploy(&manifest, Some(&self.functions)).await?;
        self.door.replace(deployment.routes);
        (self.manifest, self.functions) = (manifest, deployment.functions);
        Ok(())
    }

    /// Files and folders whose changes matter.
    fn sources(&self) -> Vec<PathBuf> {
        let components = self.manifest.functions.values().map(|function| function.component.as_path());
        let paths = self.source.path().into_iter().chain(components);
        paths.filter_map(|path| path.canonicalize().ok().or_else(|| std::path::absolute(path).ok())).collect()
    }

    fn concerns(&self, changed: &Path) -> bool {
        let made = |path: &Path| {
            let mut names = path.components().map(std::path::Component::as_os_str);
            names.any(|name| MADE.iter().any(|made| name == *made))
        };
        self.sources().iter().any(|source| match changed.strip_prefix(source) {
            Ok(below) => !made(below),
            Err(_) => source.file_name() == Some(".env".as_ref()),
        }) || changed.file_name() == Some(".env".as_ref())
    }

    /// Watches the folders that files are in: an editor replaces a file instead of writing to it.
    fn watch(&self, watcher: &mut notify::RecommendedWatcher, before: &[PathBuf]) -> Vec<PathBuf> {
        let mut now = Vec::new();
        for source in self.sources() {
            let (path, mode) = match source.parent() {
                Some(parent) if !source.is_dir() => (parent.to_owned(), RecursiveMode::NonRecursive),
                _ => (source, RecursiveMode::Recursive),
            };
            if !now.contains(&path) {
                if !before.contains(&path)
                    && let Err(error) = watcher.watch(&path, mode)
                {
                    tell(format_args!("error: changes of `{}` are not seen: {error}", path.display()));
                }
                now.push(path);
            }
        }
        for path in before.iter().filter(|path| !now.contains(path)) {
            // It may be gone.
            let _ = watcher.unwatch(path);
        }
        now
    }
}

fn watcher(sender: mpsc::UnboundedSender<PathBuf>) -> Result<notify::RecommendedWatcher, CliError> {
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if !event.kind.is_access() {
            for path in event.paths {
                // The receiver lives as long as the process.
                let _ = sender.send(path);
            }
        }
    });
    watcher.map_err(|error| CliError::Watch { message: error.to_string() })
}

/// What changed that a running process cannot take up.
fn needs_restart(old: &Manifest, new: &Manifest) -> Option<&'static str> {
    if old.server != new.server {
        return Some("[server]");
    }
    let stores = |manifest: &Manifest| (manifest.data_dir.clone(), manifest.resources.clone(), manifest.memory.clone());
    (stores(old) != stores(new))
        .then_some("where data is kept, or which buckets, queues, topics and containers there are")
}
