//! The manifest, `wasm-faas.toml`: read, its variables replaced, checked against the schema, then against itself.

mod check;
mod environment;
pub(super) mod raw;
pub(super) mod source;
pub(super) mod structure;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::{
    Advice, AllowRule, EventSource, Grant, HttpTrigger, Limits, PoolSettings, Rate, Resources, SecretSource, Server,
};
use source::{Problem, Source};

pub use source::{ConfigError, Report};
pub(crate) use source::{list, near};

/// The version of the format.
const VERSION: &str = "1";

/// All that one server serves. Its paths are absolute, or relative to where the manifest's own path is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    pub server: Server,
    /// The folder of the embedded store.
    pub data_dir: PathBuf,
    pub functions: BTreeMap<String, FunctionSettings>,
    /// What the embedded store keeps.
    pub resources: Resources,
    /// What this process keeps in memory. No name is in both.
    pub memory: Resources,
    pub http: Vec<HttpTrigger>,
    pub events: Vec<EventSource>,
}

/// A function: what runs, within which bounds, and what it may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSettings {
    /// A component's file, or a folder with a function's source.
    pub component: PathBuf,
    pub limits: Limits,
    pub pool: PoolSettings,
    /// As often as the pool lets it when absent.
    pub rate: Option<Rate>,
    pub grants: Vec<Grant>,
    pub allow_hosts: Vec<AllowRule>,
    pub config: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretSource>,
    pub environment: BTreeMap<String, String>,
    /// Where all this is set.
    pub advice: Advice,
}

impl Manifest {
    /// Reads a manifest and the `.env` beside it, if there is one. Variables of the environment come before those of the
    /// file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
            _ => ConfigError::Read { path: path.to_owned(), source },
        })?;
        let file = environment::read(folder(path))?;
        Self::parse(path, &text, &|name| std::env::var(name).ok().or_else(|| file.get(name).cloned()))
    }

    /// Checks a manifest's text. `path` is for messages and what relative paths are relative to; `environment` gives the
    /// variables' values.
    pub fn parse(path: &Path, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let source = Source::new(path, text);
        match parse(folder(path), source.text(), environment) {
            Ok(manifest) => Ok(manifest),
            Err(problems) => Err(source.wrong(problems)),
        }
    }
}

/// The JSON schema of a manifest, draft 2020-12.
pub fn schema() -> serde_json::Value {
    raw::schema().to_value()
}

/// The folder that a manifest is in.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn parse(folder: &Path, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Manifest, Vec<Problem>> {
    let mut table = DeTable::parse(text).map_err(|error| vec![syntax(text, &error)])?;
    check_version(table.get_ref()).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    environment::substitute(table.get_mut(), environment, &mut problems);
    problems.extend(structure::check(&schema(), &mut table));
    match raw::Manifest::deserialize(Deserializer::from(table)) {
        Ok(raw) => check::check(folder, text, &raw, problems),
        // What the schema allows can be read, so that this is not seen but where the two differ.
        Err(error) => Err(problems.into_iter().chain([syntax(text, &error)]).collect()),
    }
}

/// Of another version nothing else can be said.
fn check_version(table: &DeTable<'_>) -> Result<(), Problem> {
    let version: Option<&Spanned<DeValue<'_>>> = table.get("version");
    match version.map(|version| (version.get_ref(), version.span())) {
        Some((DeValue::Integer(number), span)) if number.as_str() != VERSION => {
            Err(Problem::new(span, format!("version `{number}` of the manifest is not known"))
                .expected(format!("`{VERSION}`"))
                .remedy("write the manifest to that version, or use a wasm-faas that knows this one"))
        }
        _ => Ok(()),
    }
}

pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let what = error.message().trim_end_matches(", expected nothing").replace('\n', "; ");
    Problem::new(error.span().unwrap_or(text.len()..text.len()), what)
}
