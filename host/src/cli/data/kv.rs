use std::time::Duration;

use serde_json::json;

use super::{Body, Session, line, shown};
use crate::cli::error::CliError;
use crate::cli::{is_printed, print, tell};
use crate::config::units::duration;
use crate::services::context::printable;
use crate::services::kv::{Change, ChangeKind};
use crate::triggers::control::{KvDelete, KvGet, KvList, KvSet, KvWatch, Seen};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Print the value of a key
    Get { bucket: String, key: String },
    /// Set a key to a value
    Set {
        bucket: String,
        key: String,
        #[command(flatten)]
        value: Body,
        /// How long the key is kept
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        ttl: Option<Duration>,
        /// Only if the key is not there
        #[arg(long, conflicts_with = "if_version")]
        if_absent: bool,
        /// Only if the key is there with this version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
    },
    /// Delete a key
    Delete {
        bucket: String,
        key: String,
        /// Only if the key has this version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
    },
    /// List keys, in the order of their bytes
    List {
        bucket: String,
        /// Only keys that start with this
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
    },
    /// Print each change of a key as it happens, until ctrl-C
    ///
    /// Told are changes that are stored, in their order. Takes a host that runs: without one nothing changes.
    Watch {
        bucket: String,
        /// Only keys that start with this
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
    },
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Get { bucket, key } => get(session, bucket, key).await,
            Self::Set { bucket, key, value, ttl, if_absent, if_version } => {
                let set = KvSet { bucket, key, value: value.read()?, ttl, if_absent, if_version };
                let version = session.client.call(set).await?;
                session.done(&json!({ "version": version }), format_args!("set, the version is {version}"))
            }
            Self::Delete { bucket, key, if_version } => {
                session.client.call(KvDelete { bucket, key, if_version }).await?;
                session.done(&json!({ "deleted": true }), "deleted")
            }
            Self::List { bucket, prefix } => list(session, bucket, prefix).await,
            Self::Watch { bucket, prefix } => watch(session, KvWatch { bucket, prefix }).await,
        }
    }
}

async fn get(session: &Session, bucket: String, key: String) -> Result<(), CliError> {
    let entry = session.client.call(KvGet { bucket, key }).await?;
    if session.json {
        return print(line(&entry).as_bytes());
    }
    print(&shown(&entry.value.0))
}

async fn watch(session: &Session, asked: KvWatch) -> Result<(), CliError> {
    let bucket = asked.bucket.clone();
    let mut watched = session.client.watch(asked).await?;
    tell(format_args!("watching bucket `{bucket}`, ctrl-C ends it"));
    while let Some(seen) = watched.next().await? {
        let is_read = match (&seen, session.json) {
            (seen, true) => is_printed(line(seen).as_bytes())?,
            (Seen::Change(change), false) => is_printed(told(change).as_bytes())?,
            (Seen::Missed { missed }, false) => {
                tell(format_args!("{missed} changes came too fast to be told"));
                true
            }
        };
        if !is_read {
            return Ok(());
        }
    }
    tell("the host has ended");
    Ok(())
}

fn told(change: &Change) -> String {
    let kind = match change.kind {
        ChangeKind::Set => "set",
        ChangeKind::Removed => "removed",
        ChangeKind::Expired => "expired",
    };
    format!("{kind:<7}  {}  version {}\n", printable(&change.key), change.version)
}

async fn list(session: &Session, bucket: String, prefix: String) -> Result<(), CliError> {
    let mut cursor = None;
    loop {
        let (bucket, prefix) = (bucket.clone(), prefix.clone());
        let (keys, next) = session.client.call(KvList { bucket, prefix, cursor }).await?;
        let text: String = match session.json {
            true => keys.iter().map(|key| line(&json!({ "key": key }))).collect(),
            false => keys.iter().map(|key| format!("{}\n", printable(key))).collect(),
        };
        print(text.as_bytes())?;
        cursor = next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}
