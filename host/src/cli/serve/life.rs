//! What goes on beside serving: instances that nobody needs go, certificates and deployments are replaced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::Source;
use super::deployment::{Deployed, Host};
use super::events::Events;
use crate::cli::error::CliError;
use crate::cli::tell;
use crate::config::Manifest;
use crate::engine::SWEEP;
use crate::triggers::functions::Functions;
use crate::triggers::http::{Door, LOOK_EVERY, Tls};

/// How long changes are gathered: a build or an editor writes several files.
const GATHER: Duration = Duration::from_millis(200);
/// Folders that builds write to.
const MADE: [&str; 5] = [".wasm-faas", "target", "node_modules", "__pycache__", ".git"];

/// Takes down instances that have waited or lived too long.
pub(super) async fn sweep(functions: Arc<Functions>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        functions.sweep();
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
    pub(super) events: Arc<Events>,
    pub(super) host: Arc<Host>,
    pub(super) source: Source,
    pub(super) manifest: Manifest,
    pub(super) functions: BTreeMap<String, Deployed>,
    pub(super) changes: Changes,
}

impl Reload {
    /// Until the process ends.
    pub(super) async fn run(mut self) {
        while let Some(paths) = self.changes.next().await {
            let known = sources(&self.source, &self.manifest);
            if paths.iter().any(|path| concerns(&known, path)) {
                self.reload().await;
                self.changes.watch(&sources(&self.source, &self.manifest));
            }
        }
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
        self.host.functions.replace(deployment.functions());
        self.door.replace(deployment.routes);
        self.events.replace(&manifest, &deployment.functions);
        (self.manifest, self.functions) = (manifest, deployment.functions);
        Ok(())
    }
}

/// Files and folders whose changes matter.
fn sources(source: &Source, manifest: &Manifest) -> Vec<PathBuf> {
    let components = manifest.functions.values().map(|function| function.component.as_path());
    let paths = source.path().into_iter().chain(components);
    paths.filter_map(|path| path.canonicalize().ok().or_else(|| std::path::absolute(path).ok())).collect()
}

fn concerns(sources: &[PathBuf], changed: &Path) -> bool {
    let made = |path: &Path| {
        let mut names = path.iter();
        names.any(|name| MADE.iter().any(|made| name == *made))
    };
    let below = |source: &PathBuf| changed.strip_prefix(source).is_ok_and(|below| !made(below));
    changed.file_name() == Some(".env".as_ref()) || sources.iter().any(below)
}

/// What changes below the sources, from the start of the watch on.
pub(super) struct Changes {
    watcher: notify::RecommendedWatcher,
    changed: mpsc::UnboundedReceiver<PathBuf>,
    watched: Vec<PathBuf>,
}

impl Changes {
    pub(super) fn start(source: &Source, manifest: &Manifest) -> Result<Self, CliError> {
        let (sender, changed) = mpsc::unbounded_channel();
        let mut changes = Self { watcher: watcher(sender)?, changed, watched: Vec::new() };
        changes.watch(&sources(source, manifest));
        Ok(changes)
    }

    /// The next changes, gathered for a moment.
    async fn next(&mut self) -> Option<Vec<PathBuf>> {
        let mut paths = vec![self.changed.recv().await?];
        tokio::time::sleep(GATHER).await;
        while let Ok(path) = self.changed.try_recv() {
            paths.push(path);
        }
        Some(paths)
    }

    /// Watches the folders that files are in, and no others from now on: an editor replaces a file instead of writing to it.
    fn watch(&mut self, sources: &[PathBuf]) {
        let before = std::mem::take(&mut self.watched);
        for source in sources {
            let (path, mode) = match source.parent() {
                Some(parent) if !source.is_dir() => (parent, RecursiveMode::NonRecursive),
                _ => (source.as_path(), RecursiveMode::Recursive),
            };
            if self.watched.iter().any(|watched| watched == path) {
                continue;
            }
            if !before.iter().any(|watched| watched == path)
                && let Err(error) = self.watcher.watch(path, mode)
            {
                tell(format_args!("error: changes of `{}` are not seen: {error}", path.display()));
            }
            self.watched.push(path.to_owned());
        }
        for path in before.iter().filter(|path| !self.watched.contains(path)) {
            // It may be gone.
            let _ = self.watcher.unwatch(path);
        }
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
