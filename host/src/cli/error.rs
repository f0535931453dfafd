use std::path::PathBuf;
use std::process::ExitCode;

use crate::build::BuildError;
use crate::config::ConfigError;
use crate::engine::{CallError, LoadError};
use crate::services::memory;
use crate::services::sqlite::OpenError;
use crate::triggers::control::{Kind, Problem};
use crate::triggers::http::{BindError, FilesError, RouteError, TlsError};

/// Why a command ended without doing what it was asked; one message, one exit status.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("there is no `{}`: expected a component or a folder with a function's source", path.display())]
    NoTarget { path: PathBuf },
    #[error("there are no scenarios in `{}`: expected files `*.test.toml` there or in its folder `tests`", folder.display())]
    NoScenarios { folder: PathBuf },
    #[error("there is no `wasm-faas.toml` beside `{}` or in a folder above: name the application with `--manifest`", scenarios.display())]
    NoApplication { scenarios: PathBuf },
    #[error("`{}` is no folder: expected one with a function's source", path.display())]
    NoFolder { path: PathBuf },
    #[error("cannot read the event from `{}`: {source}", path.display())]
    ReadEvent { path: PathBuf, source: std::io::Error },
    #[error("`{}` is no event: {message}", path.display())]
    BadEvent { path: PathBuf, message: String },
    #[error("`{}` has more than {limit} bytes; store large data as a blob", path.display())]
    LargeEvent { path: PathBuf, limit: u64 },
    #[error("the data has {len} bytes, an event takes at most {limit}; store large data as a blob")]
    LargeData { len: usize, limit: usize },
    #[error("{flag} makes no sense for this component: {why}")]
    WrongFlag { flag: &'static str, why: &'static str },
    #[error(transparent)]
    Resources(#[from] memory::OpenError),
    #[error("{flag} is for a component: `{}` says itself what its functions may do", path.display())]
    FlagBesideManifest { flag: &'static str, path: PathBuf },
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("cannot open the in-memory store: {0}")]
    Memory(String),
    #[error("`{}` has no scenario: expected at least one `[[scenario]]`", file.display())]
    EmptyScenarios { file: PathBuf },
    #[error("no scenario has `{text}` in its name")]
    NoScenarioNamed { text: String },
    #[error("cannot make a folder for the time of a scenario: {source}")]
    Scratch { source: std::io::Error },
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot start the runtime: {source}")]
    Runtime { source: std::io::Error },
    #[error("cannot write to standard output: {source}")]
    Output { source: std::io::Error },
    /// Rendered with the places, `error:` included.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("container `{name}` cannot be served: {error}")]
    Container { name: String, error: crate::services::Error },
    #[error("{what} changed, which takes a restart")]
    NeedsRestart { what: &'static str },
    #[error("changes cannot be watched: {message}; serve without `--watch`")]
    Watch { message: String },
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error("function `{function}` cannot be started: {error}")]
    Warm { function: String, error: CallError },
    #[error("`{}` needs WASI 0.3, which `wasi-0-3 = false` of [server] switches off", path.display())]
    SwitchedOff { path: PathBuf },
    #[error("function `{function}` cannot be served: `{}` is a command; start it with `wasm-faas run`", path.display())]
    Command { function: String, path: PathBuf },
    #[error(
        "function `{function}` cannot have {trigger}: it takes HTTP requests, not events; give it a route in \
         `[[triggers.http]]`, or write a handler of events"
    )]
    NoEvents { function: String, trigger: String },
    #[error("{0}")]
    Rejected(#[from] crate::invoke::Rejected),
    #[error("cannot read `{}`: {source}", path.display())]
    ReadInput { path: PathBuf, source: std::io::Error },
    #[error("`{}` has more than {limit} bytes; store large data as a blob", path.display())]
    LargeInput { path: PathBuf, limit: u64 },
    #[error("cannot write `{}`: {source}", path.display())]
    WriteOutput { path: PathBuf, source: std::io::Error },
    #[error("`--manifest` and `--data-dir` exclude each other: a manifest says itself where data is kept")]
    TwoPlaces,
    #[error("there is no data in `{}`: give the manifest with `--manifest FILE`, or the folder with `--data-dir FOLDER`",
        folder.display())]
    NoData { folder: PathBuf },
    #[error("no host runs with data folder `{}`: start it with `wasm-faas serve`, or call a component once with \
        `wasm-faas run`", folder.display())]
    NoHost { folder: PathBuf },
    #[error("the host with data folder `{}` cannot be reached: {source}", folder.display())]
    Host { folder: PathBuf, source: std::io::Error },
    #[error("no editor is known: set `EDITOR`, or give the new body with `--data` or `--file`")]
    NoEditor,
    #[error("the editor `{editor}` did not work: {source}; give the new body with `--data` or `--file`")]
    Editor { editor: String, source: std::io::Error },
    #[error(transparent)]
    Problem(#[from] Problem),
}

impl CliError {
    /// The message as it is told.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Config(error) => error.to_string(),
            other => format!("error: {other}"),
        }
    }

    /// Tells the message and gives the exit status.
    pub(super) fn report(&self) -> ExitCode {
        super::tell(self.text());
        ExitCode::from(match self {
            Self::Load(_)
            | Self::Build(_)
            | Self::SwitchedOff { .. }
            | Self::Command { .. }
            | Self::NoEvents { .. } => 3,
            Self::Rejected(_) | Self::Warm { .. } => 4,
            Self::Problem(Problem { kind: Kind::Absent, .. }) => 1,
            Self::NoTarget { .. }
            | Self::NoFolder { .. }
            | Self::NoScenarios { .. }
            | Self::NoApplication { .. }
            | Self::ReadEvent { .. }
            | Self::BadEvent { .. }
            | Self::LargeData { .. }
            | Self::LargeEvent { .. }
            | Self::WrongFlag { .. }
            | Self::FlagBesideManifest { .. }
            | Self::Resources(_)
            | Self::Store(_)
            | Self::Bind(_)
            | Self::Config(_)
            | Self::Tls(_)
            | Self::Files(_)
            | Self::Container { .. }
            | Self::NeedsRestart { .. }
            | Self::Watch { .. }
            | Self::Route(_)
            | Self::Memory(_)
            | Self::EmptyScenarios { .. }
            | Self::NoScenarioNamed { .. }
            | Self::Scratch { .. }
            | Self::Runtime { .. }
            | Self::Output { .. }
            | Self::ReadInput { .. }
            | Self::LargeInput { .. }
            | Self::WriteOutput { .. }
            | Self::TwoPlaces
            | Self::NoData { .. }
            | Self::NoHost { .. }
            | Self::Host { .. }
            | Self::NoEditor
            | Self::Editor { .. }
            | Self::Problem(_) => 2,
        })
    }
}
