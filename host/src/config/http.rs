use std::path::PathBuf;
use std::time::Duration;

/// Sends requests that match to a function or to files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTrigger {
    /// `api.example.com`, or `*.example.com` for each name below; every host without it.
    pub host: Option<String>,
    /// In upper case; every method when empty.
    pub methods: Vec<String>,
    /// `/users/{id}` with parameters for one segment each, `/files/{*rest}` for all that follows. A trailing `{*rest}` matches
    /// the empty rest too: `/files/` and `/files`.
    pub path: String,
    pub target: Target,
    pub cors: Option<Cors>,
    /// Compress answers for clients that accept it. Default false.
    pub compress: bool,
}

impl HttpTrigger {
    /// Sends all requests to one function.
    pub fn every_path(function: &str) -> Self {
        Self {
            host: None,
            methods: Vec::new(),
            path: "/{*path}".into(),
            target: Target::Function(function.into()),
            cors: None,
            compress: false,
        }
    }
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By name.
    Function(String),
    /// A folder; the path's wildcard names the file, `index.html` stands for its folder.
    Files(PathBuf),
    /// A blob container; the path's wildcard is the key.
    Container(String),
}

/// Which pages of other origins may use a route, as the Fetch standard has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// `https://example.com`, or `*` alone.
    pub origins: Vec<String>,
    /// Methods besides those always allowed; those of the route when empty, `*` for all.
    pub methods: Vec<String>,
    /// Request headers besides those always allowed, or `*`.
    pub headers: Vec<String>,
    /// Response headers that pages may read.
    pub expose: Vec<String>,
    /// Cookies and authorization; not together with a `*`.
    pub credentials: bool,
    /// How long a browser may remember the answer.
    pub max_age: Option<Duration>,
}
