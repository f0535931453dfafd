//! From a manifest to functions and routes that answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::build::{self, Progress};
use crate::cli::error::CliError;
use crate::cli::sources;
use crate::config::{Advice, FunctionSettings, Manifest, Service, Target};
use crate::engine::shape::Handler;
use crate::engine::{self, Cache, Compiler, FunctionSpec, LoadError, Loader, Registered, Source};
use crate::invoke::{Function, Record, Terms};
use crate::services::context::{Identity, LogSink};
use crate::services::{Access, Backends, Clock, Placement, memory, sqlite};
use crate::triggers::functions::Functions;
use crate::triggers::http::{self, Files, Routes};

/// Live instances of one engine profile. A manifest may need all four profiles, and with 2048 each they just fit into a
/// process: their stacks take 32,768 of the 65,530 mappings that Linux allows when they are made, the instances up to four
/// each; their memories take 99 of 128 TiB of address space.
const INSTANCES: u32 = 2048;

/// What all functions of this process share; it outlives reloads.
pub(in crate::cli) struct Host {
    loader: Arc<Loader>,
    placement: Placement,
    pub(in crate::cli) functions: Arc<Functions>,
    concurrency: Arc<Semaphore>,
    /// For instances that wait.
    room: Arc<Semaphore>,
    clock: Clock,
    observer: Observer,
}

/// Who hears of invocations and of what functions log.
#[derive(Clone)]
pub(in crate::cli) struct Observer {
    pub(in crate::cli) sink: LogSink,
    /// Of a function whose settings are where the advice says.
    pub(in crate::cli) record: Arc<dyn Fn(Advice) -> Record + Send + Sync>,
}

/// Functions that are ready, and the routes to them.
pub(in crate::cli) struct Deployment {
    pub(in crate::cli) functions: BTreeMap<String, Deployed>,
    pub(in crate::cli) routes: Routes,
}

#[derive(Clone)]
pub(in crate::cli) struct Deployed {
    pub(in crate::cli) function: Arc<Function>,
    pub(super) settings: FunctionSettings,
    pub(super) registered: Registered,
    pub(super) path: PathBuf,
    /// Compiled now, not at an earlier start.
    pub(super) compiled: bool,
}

impl Deployment {
    pub(in crate::cli) fn functions(&self) -> impl Iterator<Item = Arc<Function>> {
        self.functions.values().map(|deployed| Arc::clone(&deployed.function))
    }
}

impl Host {
    /// Opens the stores and what loads components.
    pub(super) fn open(manifest: &Manifest, observer: Observer) -> Result<Self, CliError> {
        Ok(Self::new(loader()?, placement(manifest)?, Clock::System, manifest.server.concurrency, observer))
    }

    /// `concurrency` invocations run at a time.
    pub(in crate::cli) fn new(
        loader: Arc<Loader>,
        placement: Placement,
        clock: Clock,
        concurrency: u32,
        observer: Observer,
    ) -> Self {
        let concurrency = concurrency.max(1);
        Self {
            loader,
            functions: Arc::new(Functions::new(placement.clone())),
            placement,
            concurrency: Arc::new(Semaphore::new(concurrency as usize)),
            // Some may wait however many may run: beyond the room of the engine, requests are told to come again.
            room: Arc::new(Semaphore::new(INSTANCES.saturating_sub(concurrency).max(INSTANCES / 4) as usize)),
            clock,
            observer,
        }
    }

    pub(super) fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Builds, loads and warms every function, all side by side; what is the same as in `before` goes on as it is. The
    /// first that fails ends it.
    pub(in crate::cli) async fn deploy(
        self: &Arc<Self>,
        manifest: &Manifest,
        before: Option<&BTreeMap<String, Deployed>>,
    ) -> Result<Deployment, CliError> {
        let mut loading = JoinSet::new();
        let compiling = Arc::new(Compiling::default());
        for (name, settings) in manifest.functions.clone() {
            let (host, compiling, wasi_0_3) = (Arc::clone(self), Arc::clone(&compiling), manifest.server.wasi_0_3);
            let before = before.and_then(|functions| functions.get(&name)).cloned();
            loading.spawn(async move {
                let deployed = host.load(&name, settings, before, wasi_0_3, &compiling).await?;
                let warmed = deployed.function.pool().warm().await;
                warmed.map_err(|error| CliError::Warm { function: name.clone(), error })?;
                Ok::<_, CliError>((name, deployed))
            });
        }
        let mut functions = BTreeMap::new();
        while let Some(loaded) = loading.join_next().await {
            let (name, deployed) = loaded.map_err(|error| CliError::Runtime { source: error.into() })??;
            functions.insert(name, deployed);
        }
        let handler = |name| functions.get(name).and_then(|deployed: &Deployed| deployed.registered.handler());
        manifest.events.iter().try_for_each(|source| sources::check(source, handler(&source.function)))?;
        let routes = self.routes(manifest, &functions).await?;
        Ok(Deployment { functions, routes })
    }

    async fn load(
        self: &Arc<Self>,
        name: &str,
        settings: FunctionSettings,
        before: Option<Deployed>,
        wasi_0_3: bool,
        compiling: &Arc<Compiling>,
    ) -> Result<Deployed, CliError> {
        let path = resolve(&settings.component).await?;
        let (registered, compiled) = self.register(&path, settings.limits.fuel.is_some(), compiling).await?;
        check_handler(name, &path, registered.handler(), wasi_0_3)?;
        if let Some(before) = before
            && before.settings == settings
            && before.registered.digest() == registered.digest()
        {
            return Ok(Deployed { compiled: false, ..before });
        }
        let spec = self.spec(name, &settings, &registered);
        let terms = Terms {
            host: Arc::clone(&self.concurrency),
            room: Arc::clone(&self.room),
            rate: settings.rate,
            record: (self.observer.record)(settings.advice.clone()),
        };
        let source = Source::Registered(registered.clone(), Arc::clone(&self.loader));
        let function = Arc::new(Function::new(source, spec, settings.pool.clone(), terms));
        Ok(Deployed { function, settings, registered, path, compiled })
    }

    async fn register(
        &self,
        path: &Path,
        metered: bool,
        compiling: &Arc<Compiling>,
    ) -> Result<(Registered, bool), CliError> {
        let (loader, path, compiling) = (Arc::clone(&self.loader), path.to_owned(), Arc::clone(compiling));
        let registering = tokio::task::spawn_blocking(move || {
            let mut compiled = false;
            let registered = loader.register(&path, metered, || {
                compiled = true;
                compiling.show();
            })?;
            Ok::<_, LoadError>((registered, compiled))
        });
        Ok(registering.await.map_err(|error| CliError::Runtime { source: error.into() })??)
    }

    fn spec(&self, name: &str, settings: &FunctionSettings, registered: &Registered) -> FunctionSpec {
        let identity = Identity {
            function: name.to_owned(),
            version: registered.digest().get(..12).unwrap_or_default().to_owned(),
            limits: settings.limits.clone(),
            clock: self.clock.clone(),
        };
        let (config, secrets) = (settings.config.clone(), settings.secrets.clone());
        FunctionSpec {
            identity: Arc::new(identity),
            access: Access::new(self.placement.clone(), &settings.grants, config, secrets)
                .advised(settings.advice.clone())
                .with_functions(&self.functions),
            allow: settings.allow_hosts.clone(),
            sink: Arc::clone(&self.observer.sink),
            command_input: None,
            environment: settings.environment.clone().into_iter().collect(),
            lane: engine::lane(),
        }
    }

    async fn routes(&self, manifest: &Manifest, functions: &BTreeMap<String, Deployed>) -> Result<Routes, CliError> {
        let mut routes = Routes::default();
        for trigger in &manifest.http {
            let target = match &trigger.target {
                Target::Function(name) => match functions.get(name) {
                    Some(deployed) => http::Target::Function(Arc::clone(&deployed.function)),
                    // The manifest was checked.
                    None => continue,
                },
                Target::Files(folder) => http::Target::Files(Files::new(folder)?),
                Target::Container(name) => http::Target::Container(self.container(name).await?),
            };
            routes.add(trigger.clone(), target)?;
        }
        Ok(routes)
    }

    async fn container(&self, name: &str) -> Result<http::Container, CliError> {
        let backend = self.placement.of(Service::Blob, name).blob.clone();
        let opened = http::Container::open(backend, name).await;
        opened.map_err(|error| CliError::Container { name: name.to_owned(), error })
    }
}

/// What loads components; one for the process, because of the address space that it takes.
pub(in crate::cli) fn loader() -> Result<Arc<Loader>, CliError> {
    let cache = Cache::open(&Cache::default_dir()).map_err(LoadError::from)?;
    let compiler = Compiler::child().map_err(|source| CliError::Runtime { source })?;
    Ok(Arc::new(Loader::new(cache, compiler, INSTANCES)))
}

/// A line on the terminal from the first component that has to be compiled, until all are.
#[derive(Default)]
struct Compiling(Mutex<Option<Progress>>);

impl Compiling {
    fn show(&self) {
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress.get_or_insert_with(|| Progress::start("compiling to machine code, once"));
    }
}

/// A folder becomes the component that is built from it.
async fn resolve(component: &Path) -> Result<PathBuf, CliError> {
    if component.is_dir() {
        return Ok(build::build(component).await?);
    }
    if component.exists() {
        return Ok(component.to_owned());
    }
    Err(CliError::NoTarget { path: component.to_owned() })
}

/// Refuses what runs, but not here.
pub(in crate::cli) fn check_handler(
    name: &str,
    path: &Path,
    handler: Option<Handler>,
    wasi_0_3: bool,
) -> Result<(), CliError> {
    match handler {
        Some(Handler::Http3) if !wasi_0_3 => Err(CliError::SwitchedOff { path: path.to_owned() }),
        Some(Handler::Command) => Err(CliError::Command { function: name.to_owned(), path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// The stores that the manifest needs.
fn placement(manifest: &Manifest) -> Result<Placement, CliError> {
    let in_memory = |resources| -> Result<Backends, CliError> {
        memory::open(resources, Clock::System).map_err(|error| CliError::Memory(error.to_string()))
    };
    if manifest.resources.is_empty() {
        return Ok(in_memory(&manifest.memory)?.into());
    }
    let store = sqlite::open(&manifest.data_dir, &manifest.resources, Clock::System)?.backends();
    if manifest.memory.is_empty() {
        return Ok(store.into());
    }
    Ok(Placement::new(store, Some((in_memory(&manifest.memory)?, Arc::new(manifest.memory.clone())))))
}
