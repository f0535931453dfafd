//! `data`: what is stored, looked at and changed.

mod blob;
mod copy;
mod kv;
pub(super) mod queue;
mod topic;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::error::CliError;
use super::{input, print, reach, table};
use crate::services::message::Attribute;
use crate::triggers::control::{Client, Data, Named, ResourceList, StatsOf};

/// Look at and change what is stored, also while a host runs
///
/// What is asked for goes to standard output, and nothing else. While `wasm-faas serve` runs it is the one that does the
/// work; otherwise the store is opened for the moment.
///
/// Exit status: 0 ok, 1 what was asked for is not there, 2 bad arguments, or the data cannot be reached.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    place: reach::Flags,
    /// Print JSON: an object, or one in each line of a list
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// List all resources
    List,
    /// Keys and their values in a bucket
    #[command(subcommand)]
    Kv(kv::Command),
    /// Messages of a queue
    #[command(subcommand)]
    Queue(queue::Command),
    /// Messages for the subscribers of a topic
    #[command(subcommand)]
    Topic(topic::Command),
    /// Objects in a container
    #[command(subcommand)]
    Blob(blob::Command),
}

impl What {
    /// Whether it makes no sense without a host.
    fn takes_a_host(&self) -> bool {
        matches!(self, Self::Kv(kv::Command::Watch { .. }))
    }
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { what, place, json } = arguments;
    super::block_on(async {
        let client = if what.takes_a_host() { place.host().await? } else { place.client().await? };
        let session = Session { client, json };
        match what {
            What::List => session.resources().await?,
            What::Kv(command) => Box::pin(command.run(&session)).await?,
            What::Queue(command) => Box::pin(command.run(&session)).await?,
            What::Topic(command) => Box::pin(command.run(&session)).await?,
            What::Blob(command) => Box::pin(command.run(&session)).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Who does the work, and how its answers are printed.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) json: bool,
}

impl Session {
    /// Prints a list: each of it as a line of JSON, or all of it as a table.
    pub(super) fn list<T: Serialize, const N: usize>(
        &self,
        header: [&str; N],
        all: &[T],
        row: impl FnMut(&T) -> [String; N],
    ) -> Result<(), CliError> {
        let text = match self.json {
            true => all.iter().map(line).collect(),
            false => table::table(header, all.iter().map(row)),
        };
        print(text.as_bytes())
    }

    /// Prints one answer: as JSON, or as a line.
    pub(super) fn one(&self, answer: &impl Serialize, text: &str) -> Result<(), CliError> {
        let text = if self.json { line(answer) } else { format!("{text}\n") };
        print(text.as_bytes())
    }

    /// Prints one answer for machines, and tells people.
    pub(super) fn done(&self, answer: &impl Serialize, told: impl std::fmt::Display) -> Result<(), CliError> {
        if self.json {
            return print(line(answer).as_bytes());
        }
        super::tell(told);
        Ok(())
    }

    async fn resources(&self) -> Result<(), CliError> {
        let all = self.client.call(ResourceList {}).await?;
        self.list(["KIND", "NAME", "KEPT", "READY", "DELAYED", "LEASED"], &all, |named: &Named| {
            let count = |count: fn(&StatsOf) -> u64| {
                named.stats.as_ref().map_or_else(String::new, |stats| count(stats).to_string())
            };
            [
                named.kind.clone(),
                named.name.clone(),
                if named.in_memory { "in memory" } else { "on disk" }.into(),
                count(|stats| stats.ready),
                count(|stats| stats.delayed),
                count(|stats| stats.leased),
            ]
        })
    }
}

/// A body alone as it is printed: to a terminal what it can show, in a line of its own.
pub(super) fn shown(body: &[u8]) -> Vec<u8> {
    if !std::io::stdout().is_terminal() {
        return body.to_vec();
    }
    let mut text = table::readable(body);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.into_bytes()
}

/// One line of JSON. What is answered can always be written.
pub(super) fn line(value: &impl Serialize) -> String {
    format!("{}\n", serde_json::to_string(value).unwrap_or_default())
}

/// What a value, a message or the like is to hold.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Body {
    /// The content
    #[arg(value_name = "DATA")]
    data: Option<String>,
    /// Read the content from a file, or from standard input for `-`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Body {
    pub(super) fn read(self) -> Result<Data, CliError> {
        match (self.data, self.file) {
            (_, Some(path)) => Ok(Data(input::read(&path)?)),
            (data, None) => Ok(Data(data.unwrap_or_default().into_bytes())),
        }
    }
}

/// `NAME=VALUE`.
pub(super) fn attribute(text: &str) -> Result<Attribute, String> {
    let (name, value) =
        super::units::setting(text).map_err(|_| format!("`{text}` is no attribute: expected `NAME=VALUE`"))?;
    Ok(Attribute { name, value })
}
