use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::error::CliError;
use super::target::{self, Store};
use super::{event, function, print, request, response, tell};
use crate::build::Progress;
use crate::config::{PoolSettings, Service};
use crate::engine::shape::Handler;
use crate::engine::{self, Cache, CallError, Compiler, Component, FunctionSpec, HttpCall, Loader, Request};
use crate::event::Trigger;
use crate::invoke::{self, Caller, Ending, Function, Outcome, Terms};
use crate::services::context::{Identity, Line};
use crate::services::functions::CHAIN;
use crate::services::{Access, Backends, Clock};
use crate::triggers::functions::Functions;

/// Run a function once
///
/// The response goes to standard output; the function's log and a line with what it used go to standard error.
///
/// Exit status: 0 ok, 1 the handler failed, 2 bad arguments or data, 3 not loadable, 4 stopped by a limit or a trap,
/// 130 ended by ctrl-C.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A component, or a folder with a function's source, which is built first
    #[arg(value_name = "COMPONENT | FOLDER")]
    target: PathBuf,
    /// The event's data; for a command, its standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "event")]
    data: Option<String>,
    /// Read the event in CloudEvents JSON from a file, or from standard input for `-`
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// The event's type [default: faas.invoke]
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Make an HTTP request of it: `GET /path?query`
    #[arg(long, value_name = "REQUEST", value_parser = request::parse, conflicts_with_all = ["event", "kind"])]
    request: Option<http::Request<()>>,
    #[command(flatten)]
    function: function::Flags,
    /// Print the outcome as a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CliError> {
    let input = Input::read(arguments)?;
    let path = target::resolve(&arguments.target)?;
    let component = load(&path, arguments)?;
    check_flags(&component, arguments)?;
    // Opened last: nothing is made on disk for a function that cannot run.
    let store = Store::open(&arguments.function)?;
    let functions = Arc::new(Functions::new(store.backends()));
    let function = Arc::new(function(component, arguments, store.backends(), &functions));
    functions.replace([Arc::clone(&function)]);
    let outcome = super::block_on(input.send(&function, arguments.json))?;
    tell_ending(&outcome.ending);
    tell(&outcome);
    if arguments.json {
        print(format!("{}\n", outcome.to_json()).as_bytes())?;
    } else if let Ending::Ok(response) = &outcome.ending {
        show(&response.data)?;
    }
    Ok(exit_code(outcome.ending.word()))
}

/// Where its events come from.
const SOURCE: &str = "/run";

/// What the function is called with.
enum Input {
    Event(Box<crate::event::Event>),
    Request { request: Box<http::Request<()>>, data: String },
}

impl Input {
    /// Bad input is found before anything is built.
    fn read(arguments: &Arguments) -> Result<Self, CliError> {
        let data = arguments.data.clone().unwrap_or_default();
        if let Some(request) = arguments.request.clone() {
            return Ok(Self::Request { request: Box::new(request), data });
        }
        let kind = arguments.kind.clone();
        let event = match &arguments.event {
            Some(path) => event::from_file(path, SOURCE, kind)?,
            None => event::from_text(&data, SOURCE, kind)?,
        };
        Ok(Self::Event(Box::new(event)))
    }

    async fn send(self, function: &Function, json: bool) -> Result<Outcome, CliError> {
        match function.handler() {
            Some(Handler::Http | Handler::Http3) => self.send_http(function, json).await,
            Some(Handler::Command) => Ok(invoke::invoke(function, Request::Run, Caller::default()).await?),
            _ => {
                let event = Box::new(self.into_event()?);
                Ok(invoke::invoke(function, Request::Event(event), Caller::default()).await?)
            }
        }
    }

    fn into_event(self) -> Result<crate::event::Event, CliError> {
        match self {
            Self::Event(event) => Ok(*event),
            Self::Request { request, data } => {
                let mut event = event::from_text(&data, SOURCE, Some("faas.http.request".into()))?;
                event.source = "/http/run".into();
                event.trigger = Trigger::Http(request::to_event(&request));
                Ok(event)
            }
        }
    }

    async fn send_http(self, function: &Function, json: bool) -> Result<Outcome, CliError> {
        let request = match self {
            Self::Request { request, data } => request::with_body(&request, &data),
            Self::Event(event) => {
                let root = http::Request::builder().uri("http://localhost/").body(()).unwrap_or_default();
                request::with_body(&root, &String::from_utf8_lossy(&event.data))
            }
        };
        let (respond, answer) = oneshot::channel();
        let call = Box::new(HttpCall { request, secure: false, respond });
        let invoked = invoke::invoke(function, Request::Http(call), Caller::default());
        let (outcome, shown) = tokio::join!(invoked, response::show(answer, json));
        let mut outcome = outcome?;
        if matches!(outcome.ending, Ending::Http) {
            outcome.ending = shown?.unwrap_or(Ending::Stopped(CallError::NoReply));
        }
        Ok(outcome)
    }
}

fn load(path: &Path, arguments: &Arguments) -> Result<Component, CliError> {
    let cache = Cache::open(&Cache::default_dir()).map_err(crate::engine::LoadError::from)?;
    let metered = arguments.function.limits().fuel.is_some();
    let mut progress = None;
    let compiler = Compiler::child().map_err(|source| CliError::Runtime { source })?;
    let loader = Loader::new(cache, compiler, instances(&arguments.function).max(4));
    Ok(loader.load(path, metered, || progress = Some(Progress::start("compiling to machine code, once")))?)
}

fn check_flags(component: &Component, arguments: &Arguments) -> Result<(), CliError> {
    let wrong = |flag, why| Err(CliError::WrongFlag { flag, why });
    match component.handler() {
        Some(Handler::Command) if arguments.request.is_some() => {
            wrong("--request", "it is a command, give it `--data`")
        }
        Some(Handler::Command) if arguments.event.is_some() => wrong("--event", "it is a command, give it `--data`"),
        Some(Handler::Command) if arguments.json => wrong("--json", "it is a command, its output is its own"),
        Some(Handler::Http | Handler::Http3) if arguments.event.is_some() => {
            wrong("--event", "it takes HTTP, give it `--request`")
        }
        _ => Ok(()),
    }
}

/// One, or a chain of them when it may invoke itself.
fn instances(flags: &function::Flags) -> u32 {
    let invokes = flags.grants.iter().any(|grant| grant.service == Service::Function);
    if invokes { CHAIN.into() } else { 1 }
}

fn function(component: Component, arguments: &Arguments, backends: Backends, functions: &Arc<Functions>) -> Function {
    let identity = Identity {
        function: target::name(&arguments.target),
        version: component.digest().get(..12).unwrap_or_default().to_owned(),
        limits: arguments.function.limits(),
        clock: Clock::System,
    };
    let flags = &arguments.function;
    let is_command = component.handler() == Some(Handler::Command);
    let input = arguments.data.clone().unwrap_or_default().into_bytes();
    let spec = FunctionSpec {
        identity: Arc::new(identity),
        access: Access::new(backends, &flags.grants, flags.settings(), flags.secrets()).with_functions(functions),
        allow: flags.allow_hosts.clone(),
        sink: Arc::new(|line: &Line<'_>| tell(format_args!("{} {:<6} {}", line.function, line.level, line.message))),
        command_input: is_command.then_some(input),
        environment: Vec::new(),
        lane: engine::lane(),
    };
    let max = instances(flags);
    Function::new(component, spec, PoolSettings { max, ..PoolSettings::default() }, Terms::default())
}

fn tell_ending(ending: &Ending) {
    let Some(complaint) = ending.complaint() else { return };
    tell_failure(&complaint, ending.backtrace());
}

/// What went wrong, and where in the guest.
pub(super) fn tell_failure(complaint: &str, backtrace: &[String]) {
    tell(format_args!("error: {complaint}"));
    backtrace.iter().for_each(|frame| tell(format_args!("    at {frame}")));
}

/// A terminal's prompt deserves a line of its own; a pipe gets the bytes alone.
pub(super) fn show(data: &[u8]) -> Result<(), CliError> {
    print(data)?;
    if std::io::stdout().is_terminal() && data.last().is_some_and(|last| *last != b'\n') {
        print(b"\n")?;
    }
    Ok(())
}

/// The exit status for an outcome's word.
pub(super) fn exit_code(word: &str) -> ExitCode {
    ExitCode::from(match word {
        "ok" => 0,
        "failed" | "rejected" | "retry" | "partial" => 1,
        "no-such-export" => 3,
        _ => 4,
    })
}
