//! The event sources of what is deployed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::deployment::{Deployed, Host};
use crate::config::{EventSource, Manifest};
use crate::services::Clock;
use crate::triggers::delivery::{Mapping, Sources, Tell};

/// The sources at work, replaced with each deployment.
pub(super) struct Events {
    host: Arc<Host>,
    tell: Tell,
    /// Those at work come last; before them those of earlier deployments, which may still deliver what they received.
    all: Mutex<Vec<Sources>>,
}

impl Events {
    pub(super) fn new(host: Arc<Host>, tell: Tell) -> Self {
        Self { host, tell, all: Mutex::default() }
    }

    /// Lets the sources of before receive nothing more, and those of the manifest begin.
    pub(super) fn replace(&self, manifest: &Manifest, functions: &BTreeMap<String, Deployed>) {
        let mut all = self.all();
        if let Some(before) = all.last() {
            before.stop();
        }
        all.retain(|sources| !sources.has_ended());
        all.push(Sources::start(mappings(manifest, functions), self.host.placement(), &Clock::System, &self.tell));
    }

    /// Receives nothing more; what runs may end within `grace`.
    pub(super) async fn drain(&self, grace: Duration) {
        let until = Instant::now() + grace;
        let all = std::mem::take(&mut *self.all());
        all.iter().for_each(Sources::stop);
        for sources in &all {
            sources.drain(until.saturating_duration_since(Instant::now())).await;
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Sources>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the manifest sends to which function.
pub(in crate::cli) fn mappings(manifest: &Manifest, functions: &BTreeMap<String, Deployed>) -> Vec<Mapping> {
    manifest.events.iter().filter_map(|source| mapping(manifest, functions, source)).collect()
}

/// The manifest was checked: what it names is there.
fn mapping(manifest: &Manifest, functions: &BTreeMap<String, Deployed>, source: &EventSource) -> Option<Mapping> {
    let mut resources = [&manifest.resources, &manifest.memory].into_iter();
    let settings = resources.find_map(|resources| resources.queues.get(&source.queue))?.clone();
    let function = Arc::clone(&functions.get(&source.function)?.function);
    Some(Mapping { source: source.clone(), settings, function })
}
