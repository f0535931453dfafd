//! `serve`: functions behind one door.

mod deployment;
mod events;
mod life;
mod operators;
mod screen;
mod signals;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::CliError;
use super::{INTERRUPTED, break_off, function, target, tell};
use crate::config::{Advice, FunctionSettings, HttpTrigger, Manifest, PoolSettings, Server};
use crate::triggers::functions::Functions;
use crate::triggers::http::{Bound, Door, Ended, Tls, acceptor};
use events::Events;
use operators::Operators;

pub(super) use deployment::{Deployment, Host, Observer, check_handler, loader};
pub(super) use events::mappings;

/// What a manifest is called when nobody says otherwise.
pub(super) const MANIFEST: &str = "wasm-faas.toml";

/// Serve functions over HTTP
///
/// With a manifest, its functions and routes; with a component or a folder with a function's source, that function on every
/// path. Ctrl-C and SIGTERM let running requests end; a second one ends at once.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A manifest, a component, or a folder with a manifest or a function's source
    #[arg(value_name = "MANIFEST | COMPONENT | FOLDER", default_value = MANIFEST)]
    target: PathBuf,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:3000, or as the manifest says]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Take up changes of the manifest and of components while serving
    #[arg(long)]
    watch: bool,
    /// Print what is served, each request and each line of a function's log as JSON objects
    #[arg(long)]
    json: bool,
    /// Log no requests
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    function: function::Flags,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let started = Instant::now();
    let source = Source::of(arguments)?;
    let manifest = source.read()?;
    super::block_on(serve(arguments, source, manifest, started))
}

async fn serve(
    arguments: &Arguments,
    source: Source,
    manifest: Manifest,
    started: Instant,
) -> Result<ExitCode, CliError> {
    let stop = signals::watch()?;
    let files = raise_file_limit();
    // An address that is taken is told before anything is built.
    let bound = Bound::bind(manifest.server.listen)?;
    let tls = manifest.server.tls.as_ref().map(acceptor).transpose()?.map(Arc::new);
    let output = screen::Output { json: arguments.json };
    let host = Arc::new(Host::open(&manifest, output.observer())?);
    let mut operators = Operators::start(&source, &manifest, &host, stop.clone());
    // From here on no change goes unseen.
    let changes = arguments.watch.then(|| life::Changes::start(&source, &manifest)).transpose()?;
    let deployment = tokio::select! {
        deployment = host.deploy(&manifest, None) => deployment?,
        // Nothing is served yet that could be ended well.
        () = stop.cancelled() => {
            break_off();
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let grace = manifest.server.grace;
    let log = (!arguments.quiet).then(|| output.access_log());
    let listening = format!("{}://{}", if tls.is_some() { "https" } else { "http" }, bound.address());
    output.show(&listening, &manifest, &deployment, started.elapsed())?;
    host.functions.replace(deployment.functions());
    let door = Arc::new(Door::new(with_enough_files(manifest.server.clone(), files), deployment.routes, log));
    let events = Arc::new(Events::new(Arc::clone(&host), output.notices()));
    events.replace(&manifest, &deployment.functions);
    tend(&host.functions, tls.as_ref());
    if let Some(changes) = changes {
        let (door, events, functions) = (Arc::clone(&door), Arc::clone(&events), deployment.functions);
        tokio::spawn(life::Reload { door, events, host, source, manifest, functions, changes }.run());
    }
    let complain = |error: &std::io::Error| tell(format_args!("error: cannot take a connection: {error}"));
    let stopped = stop.clone();
    let draining = async {
        stopped.cancelled().await;
        events.drain(grace).await;
    };
    let serving = bound.serve(Arc::clone(&door), tls, stop, complain);
    let (ended, (), ()) = tokio::join!(serving, draining, operators.end());
    conclude(&door, ended, grace);
    Ok(ExitCode::SUCCESS)
}

/// Starts what goes on beside serving, until the process ends.
fn tend(functions: &Arc<Functions>, tls: Option<&Arc<Tls>>) {
    tokio::spawn(life::sweep(Arc::clone(functions)));
    if let Some(tls) = tls {
        tokio::spawn(life::renew(Arc::clone(tls)));
    }
}

/// What is left to write and to tell, and a build for a reload that nobody will see.
fn conclude(door: &Door, ended: Ended, grace: Duration) {
    door.flush_log();
    if ended == Ended::CutOff {
        let grace = humantime::format_duration(grace);
        tell(format_args!("requests that still ran after the grace time of {grace} were cut off"));
    }
    break_off();
}

/// Where the manifest comes from.
enum Source {
    /// A file; the flags come on top.
    File { path: PathBuf, listen: Option<SocketAddr> },
    /// The flags alone.
    Flags(Box<Manifest>),
}

impl Source {
    fn of(arguments: &Arguments) -> Result<Self, CliError> {
        let (target, listen) = (&arguments.target, arguments.listen);
        let inside = target.join(MANIFEST);
        let path = if inside.is_file() { &inside } else { target };
        let is_manifest = path.extension().is_some_and(|extension| extension == "toml");
        if !is_manifest {
            return Ok(Self::Flags(Box::new(single(arguments))));
        }
        match arguments.function.given() {
            Some(flag) => Err(CliError::FlagBesideManifest { flag, path: path.clone() }),
            None => Ok(Self::File { path: path.clone(), listen }),
        }
    }

    fn read(&self) -> Result<Manifest, CliError> {
        match self {
            Self::File { path, listen } => {
                let mut manifest = Manifest::read(path)?;
                manifest.server.listen = listen.unwrap_or(manifest.server.listen);
                Ok(manifest)
            }
            Self::Flags(manifest) => Ok(manifest.as_ref().clone()),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Flags(_) => None,
        }
    }
}

/// One function that answers every path.
fn single(arguments: &Arguments) -> Manifest {
    let (name, flags) = (target::name(&arguments.target), &arguments.function);
    let settings = FunctionSettings {
        component: arguments.target.clone(),
        limits: flags.limits(),
        pool: PoolSettings { min: 1, ..PoolSettings::default() },
        rate: None,
        grants: flags.grants.clone(),
        allow_hosts: flags.allow_hosts.clone(),
        config: flags.settings(),
        secrets: flags.secrets(),
        environment: [].into(),
        advice: Advice::Flags,
    };
    let mut manifest = Manifest {
        data_dir: flags.data_dir.clone(),
        http: vec![HttpTrigger::every_path(&name)],
        functions: [(name, settings)].into(),
        ..Manifest::default()
    };
    manifest.server.listen = arguments.listen.unwrap_or(manifest.server.listen);
    let resources = if flags.ephemeral { &mut manifest.memory } else { &mut manifest.resources };
    *resources = flags.resources();
    manifest
}

/// Lets the process open as many files as the system allows it; returns how many.
fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(1 << 20);
    match setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }) {
        Ok(()) => most,
        Err(_) => current.unwrap_or(1024),
    }
}

/// Files that are needed besides connections: the store, components, requests that functions send.
const OTHER_FILES: u64 = 256;

/// No more connections than the process can have open.
fn with_enough_files(mut server: Server, files: u64) -> Server {
    let most = u32::try_from(files.saturating_sub(OTHER_FILES).max(1)).unwrap_or(u32::MAX);
    server.connections = server.connections.min(most);
    server
}
