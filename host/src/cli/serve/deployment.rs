//! From a manifest to functions and routes that answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::build;
use crate::cli::error::CliError;
use crate::config::{FunctionSettings, Manifest, Target};
use crate::engine::shape::Handler;
use crate::engine::{self, Component, FunctionSpec, LoadError, Loader};
use crate::invoke::{Function, Record, Terms};
use crate::services::context::{Identity, LogSink};
use crate::services::{Access, Backends, Clock};
use crate::triggers::http::{self, Routes};

/// What all functions of this process share; it outlives reloads.
pub(super) struct Host {
    pub(super) loader: Arc<Loader>,
    pub(super) backends: Backends,
    pub(super) concurrency: Arc<Semaphore>,
    pub(super) sink: LogSink,
    pub(super) record: Record,
}

/// Functions that are ready, and the routes to them.
pub(super) struct Deployment {
    pub(super) functions: BTreeMap<String, Deployed>,
    pub(super) routes: Routes,
}

pub(super) struct Deployed {
    pub(super) function: Arc<Function>,
    /// Compiled now, not at an earlier start.
    pub(super) compiled: bool,
}

impl Host {
    /// Builds, loads and warms every function, all side by side. The first that fails ends it.
    pub(super) async fn deploy(self: &Arc<Self>, manifest: &Manifest) -> Result<Deployment, CliError> {
        let mut loading = tokio::task::JoinSet::new();
        for (name, settings) in manifest.functions.clone() {
            let (host, wasi_0_3) = (Arc::clone(self), manifest.server.wasi_0_3);
            loading.spawn(async move {
                let deployed = host.load(&name, &settings, wasi_0_3).await?;
                deployed.function.pool().warm().await.map_err(|error| CliError::Warm { function: name.clone(), error })?;
                Ok::<_, CliError>((name, deployed))
            });
        }
        let mut functions = BTreeMap::new();
        while let Some(loaded) = loading.join_next().await {
            let (name, deployed) = loaded.map_err(|error| CliError::Runtime { source: error.into() })??;
            functions.insert(name, deployed);
        }
        let routes = routes(manifest, &functions)?;
        Ok(Deployment { functions, routes })
    }

    async fn load(&self, name: &str, settings: &FunctionSettings, wasi_0_3: bool) -> Result<Deployed, CliError> {
        let path = resolve(&settings.component).await?;
        let (loader, metered) = (Arc::clone(&self.loader), settings.limits.fuel.is_some());
        let loaded = tokio::task::spawn_blocking(move || {
            let mut compiled = false;
            let component = loader.load(&path, metered, || compiled = true)?;
            Ok::<_, LoadError>((component, compiled, path))
        });
        let (component, compiled, path) = loaded.await.map_err(|error| CliError::Runtime { source: error.into() })??;
        if component.handler() == Some(Handler::Http3) && !wasi_0_3 {
            return Err(CliError::SwitchedOff { path });
        }
        if component.handler() == Some(Handler::Command) {
            return Err(CliError::Command { function: name.to_owned(), path });
        }
        let spec = self.spec(name, settings, &component);
        let terms = Terms { host: Arc::clone(&self.concurrency), rate: settings.rate, record: Arc::clone(&self.record) };
        let function = Arc::new(Function::new(component, spec, settings.pool.clone(), terms));
        Ok(Deployed { function, compiled })
    }

    fn spec(&self, name: &str, settings: &FunctionSettings, component: &Component) -> FunctionSpec {
        let identity = Identity {
            function: name.to_owned(),
            version: component.digest().get(..12).unwrap_or_default().to_owned(),
            limits: settings.limits.clone(),
            clock: Clock::System,
        };
        let (config, secrets) = (settings.config.clone(), settings.secrets.clone());
        FunctionSpec {
            identity: Arc::new(identity),
            access: Access::new(self.backends.clone(), &settings.grants, config, secrets),
            allow: Vec::new(),
            sink: Arc::clone(&self.sink),
            command_input: None,
            environment: settings.environment.clone().into_iter().collect(),
            lane: engine::lane(),
        }
    }
}

/// A folder becomes the component that is built from it.
async fn resolve(component: &PathBuf) -> Result<PathBuf, CliError> {
    if component.is_dir() {
        return Ok(build::build(component).await?);
    }
    if component.exists() {
        return Ok(component.clone());
    }
    Err(CliError::NoTarget { path: component.clone() })
}

fn routes(manifest: &Manifest, functions: &BTreeMap<String, Deployed>) -> Result<Routes, CliError> {
    let mut routes = Routes::default();
    for trigger in &manifest.http {
        let target = match &trigger.target {
            Target::Function(name) => match functions.get(name) {
                Some(deployed) => http::Target::Function(Arc::clone(&deployed.function)),
                None => continue,
            },
            Target::Files(_) | Target::Container(_) => continue,
        };
        routes.add(trigger.clone(), target)?;
    }
    Ok(routes)
}
