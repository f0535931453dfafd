//! Files of scenarios, `*.test.toml`: read, checked against their schema, then against the manifest they are about.

mod check;
pub(super) mod raw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize as _;
use toml::de::{DeTable, Deserializer};

use super::manifest::source::{Problem, Source};
use super::manifest::{raw::schema_of, structure, syntax};
use super::{ConfigError, Manifest};
pub use raw::{Faults, Texts};

/// What happens to an application, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    /// Begins what is left to chance; a new one each time when absent.
    pub seed: Option<u32>,
    /// Milliseconds since the Unix epoch.
    pub starts_ms: u64,
    pub faults: Faults,
    pub given: State,
    pub steps: Vec<Step>,
    /// In the end.
    pub expect: Expect,
}

/// What buckets, queues and containers hold, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub kv: BTreeMap<String, Texts>,
    pub queue: BTreeMap<String, Vec<String>>,
    pub blob: BTreeMap<String, Texts>,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub action: Action,
    pub expect: Expect,
}

#[derive(Debug, Clone)]
pub enum Action {
    Send { queue: String, body: String, group: Option<String>, attributes: Texts },
    Publish { topic: String, body: String, attributes: Texts },
    Invoke(Call),
    InvokeAsync(Call),
    Http { method: String, path: String, headers: Texts, body: String },
    Set { bucket: String, key: String, value: String, ttl: Option<Duration> },
    Remove { bucket: String, key: String },
    Put { container: String, key: String, body: String },
    Delete { container: String, key: String },
    Advance(Duration),
}

#[derive(Debug, Clone)]
pub struct Call {
    pub function: String,
    pub data: String,
    /// The event's type.
    pub kind: Option<String>,
    pub subject: Option<String>,
}

/// What is to be so; nothing is said of what is absent.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    pub status: Option<u16>,
    pub body: Option<String>,
    pub outcome: Option<String>,
    /// All that each holds.
    pub state: State,
    /// Of any one invocation.
    pub fuel_at_most: Option<u64>,
    pub invocations: BTreeMap<String, u32>,
    /// Parts of lines.
    pub logs: Vec<String>,
}

impl Scenario {
    /// Reads a file of scenarios about an application.
    pub fn read(path: &Path, manifest: &Manifest) -> Result<Vec<Self>, ConfigError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text, manifest)
    }

    /// Checks a file's text; `path` is for messages.
    pub fn parse(path: &Path, text: &str, manifest: &Manifest) -> Result<Vec<Self>, ConfigError> {
        let source = Source::new(path, text);
        parse(text, manifest).map_err(|problems| source.wrong(problems))
    }
}

fn parse(text: &str, manifest: &Manifest) -> Result<Vec<Scenario>, Vec<Problem>> {
    let mut table = DeTable::parse(text).map_err(|error| vec![syntax(text, &error)])?;
    let problems = structure::check(&schema_of::<raw::File>().to_value(), &mut table);
    match raw::File::deserialize(Deserializer::from(table)) {
        Ok(file) => check::check(file, manifest, problems),
        Err(error) => Err(problems.into_iter().chain([syntax(text, &error)]).collect()),
    }
}
