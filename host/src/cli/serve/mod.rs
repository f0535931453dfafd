//! `serve`: functions behind one door.

mod deployment;
mod screen;
mod signals;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::error::CliError;
use super::target::{self, Store};
use super::{function, print, tell};
use crate::config::{FunctionSettings, HttpTrigger, Manifest, PoolSettings, Target};
use crate::engine::{Cache, Compiler, LoadError, Loader, SWEEP};
use crate::services::context::Line;
use crate::triggers::http::{AccessLog, Bound, Door, Ended};
use deployment::Host;

/// Serve functions over HTTP
///
/// With a manifest, its functions and routes; with a component or a folder with a function's source, that function on every
/// path. Ctrl-C and SIGTERM let running requests end; a second one ends at once.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A manifest, a component, or a folder with one of them or with a function's source
    #[arg(value_name = "MANIFEST | COMPONENT | FOLDER", default_value = "wasm-faas.toml")]
    target: PathBuf,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:3000, or as the manifest says]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Print what is served, and each request, as JSON objects
    #[arg(long)]
    json: bool,
    /// Log no requests
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    function: function::Flags,
}

/// Live instances of all functions together.
const INSTANCES: u32 = 2048;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let mut manifest = single(arguments);
    if let Some(listen) = arguments.listen {
        manifest.server.listen = listen;
    }
    super::block_on(serve(arguments, manifest))
}

async fn serve(arguments: &Arguments, manifest: Manifest) -> Result<ExitCode, CliError> {
    let stop = signals::watch()?;
    let bound = Bound::bind(manifest.server.listen)?;
    let host = Arc::new(host(arguments, &manifest)?);
    let deployment = host.deploy(&manifest).await?;
    let log = (!arguments.quiet).then(|| AccessLog::new(screen::access_line, std::io::stderr()));
    let door = Arc::new(Door::new(manifest.server.clone(), deployment.routes, log));
    tokio::spawn(sweep(Arc::clone(&door)));
    let address = bound.address();
    if arguments.json {
        print(format!("{}\n", serde_json::json!({ "listening": format!("http://{address}") })).as_bytes())?;
    } else {
        print(format!("listening on http://{address}\n").as_bytes())?;
    }
    let complain = |error: &std::io::Error| tell(format_args!("error: cannot take a connection: {error}"));
    match bound.serve(door, stop, complain).await {
        Ended::Drained => Ok(ExitCode::SUCCESS),
        Ended::CutOff(count) => {
            tell(format_args!("{count} requests were still running after the grace time and were cut off"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn host(arguments: &Arguments, _manifest: &Manifest) -> Result<Host, CliError> {
    let cache = Cache::open(&Cache::default_dir()).map_err(LoadError::from)?;
    let compiler = Compiler::child().map_err(|source| CliError::Runtime { source })?;
    let store = Store::open(&arguments.function)?;
    Ok(Host {
        loader: Arc::new(Loader::new(cache, compiler, INSTANCES)),
        backends: store.backends(),
        concurrency: Arc::new(Semaphore::new(1024)),
        sink: Arc::new(|line: &Line<'_>| tell(format_args!("{} {:<6} {}", line.function, line.level, line.message))),
        record: Arc::new(|_| {}),
    })
}

/// Takes down instances that nobody needs.
async fn sweep(door: Arc<Door>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        door.sweep();
    }
}

/// One function that answers every path.
fn single(arguments: &Arguments) -> Manifest {
    let name = target::name(&arguments.target);
    let settings = FunctionSettings {
        component: arguments.target.clone(),
        limits: arguments.function.limits(),
        pool: PoolSettings { min: 1, ..PoolSettings::default() },
        rate: None,
        grants: arguments.function.grants.clone(),
        config: arguments.function.settings(),
        secrets: arguments.function.secrets(),
        environment: [].into(),
    };
    let trigger = HttpTrigger {
        host: None,
        methods: Vec::new(),
        path: "/{*path}".into(),
        target: Target::Function(name.clone()),
        cors: None,
        compress: false,
    };
    Manifest { functions: [(name, settings)].into(), http: vec![trigger], ..Manifest::default() }
}
