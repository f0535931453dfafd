use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Control, Data, Operation, Problem, Result};
use crate::config::Service;
use crate::services::Error;
use crate::services::kv::{Bucket, Change, Condition, PAGE_KEYS, Page, Write};

async fn bucket(control: &Control, name: &str) -> Result<Bucket> {
    let (backends, grant) = control.resource(Service::Kv, name)?;
    Control::opened(Service::Kv, name, Bucket::open(backends.kv.clone(), grant).await)
}

fn problem(bucket: &str, key: &str, error: &Error) -> Problem {
    match error {
        Error::Conflict(None) => Problem::absent(format!("there is no key `{key}` in bucket `{bucket}`")),
        Error::Conflict(Some(version)) => {
            Problem::absent(format!("key `{key}` of bucket `{bucket}` is there, with version {version}"))
        }
        error => Problem::of(&format!("key `{key}` of bucket `{bucket}`"), error),
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Get {
    pub bucket: String,
    pub key: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub key: String,
    #[serde(flatten)]
    pub value: Data,
    pub version: u64,
    /// Milliseconds since the Unix epoch.
    pub expires_at_ms: Option<u64>,
}

#[async_trait]
impl Operation for Get {
    const NAME: &'static str = "kv.get";
    type Answer = Entry;

    async fn run(self, control: &Control) -> Result<Entry> {
        let Self { bucket: name, key } = self;
        let found = bucket(control, &name).await?.get(&key).await;
        let entry = found.map_err(|error| problem(&name, &key, &error))?;
        let entry = entry.ok_or_else(|| problem(&name, &key, &Error::Conflict(None)))?;
        let (value, version, expires_at_ms) = (Data(entry.value), entry.version, entry.expires_at_ms);
        Ok(Entry { key, value, version, expires_at_ms })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Set {
    pub bucket: String,
    pub key: String,
    #[serde(flatten)]
    pub value: Data,
    pub ttl: Option<Duration>,
    pub if_absent: bool,
    pub if_version: Option<u64>,
}

#[async_trait]
impl Operation for Set {
    const NAME: &'static str = "kv.set";
    /// The new version.
    type Answer = u64;

    async fn run(self, control: &Control) -> Result<u64> {
        let Self { bucket: name, key, value, ttl, if_absent, if_version } = self;
        let when = if if_absent { Condition::IfAbsent } else { condition(if_version) };
        let write = Write { key: key.clone(), value: value.0, ttl, when };
        bucket(control, &name).await?.set(write).await.map_err(|error| problem(&name, &key, &error))
    }
}

fn condition(version: Option<u64>) -> Condition {
    version.map_or(Condition::Always, Condition::IfVersion)
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Delete {
    pub bucket: String,
    pub key: String,
    pub if_version: Option<u64>,
}

#[async_trait]
impl Operation for Delete {
    const NAME: &'static str = "kv.delete";
    type Answer = ();

    async fn run(self, control: &Control) -> Result<()> {
        let Self { bucket: name, key, if_version } = self;
        match bucket(control, &name).await?.delete(&key, condition(if_version)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(problem(&name, &key, &Error::Conflict(None))),
            Err(error) => Err(problem(&name, &key, &error)),
        }
    }
}

/// A page of keys in byte order.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    pub bucket: String,
    pub prefix: String,
    pub cursor: Option<String>,
}

#[async_trait]
impl Operation for List {
    const NAME: &'static str = "kv.list";
    /// Keys, and the cursor of the next page.
    type Answer = (Vec<String>, Option<String>);

    async fn run(self, control: &Control) -> Result<Self::Answer> {
        let Self { bucket: name, prefix, cursor } = self;
        let listed = bucket(control, &name).await?.list_keys(&prefix, cursor.as_deref(), PAGE_KEYS).await;
        let Page { keys, cursor } = listed.map_err(|error| problem(&name, &prefix, &error))?;
        Ok((keys, cursor))
    }
}

/// The changes of keys that start with `prefix`, for as long as somebody looks on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Watch {
    pub bucket: String,
    pub prefix: String,
}

/// What somebody who looks on is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Seen {
    Change(Change),
    /// So many changes of the store came too fast.
    Missed {
        missed: u64,
    },
}

impl Watch {
    pub(super) const NAME: &'static str = "kv.watch";

    pub(super) async fn open(self, control: &Control) -> Result<Watching> {
        let changes = bucket(control, &self.bucket).await?.changes();
        let changes = changes.map_err(|error| problem(&self.bucket, &self.prefix, &error))?;
        Ok(Watching { wanted: self, changes })
    }
}

pub struct Watching {
    wanted: Watch,
    changes: broadcast::Receiver<Change>,
}

impl Watching {
    /// `None` when the store is closed.
    pub(super) async fn next(&mut self) -> Option<Seen> {
        loop {
            match self.changes.recv().await {
                Ok(change) if change.bucket == self.wanted.bucket && change.key.starts_with(&self.wanted.prefix) => {
                    return Some(Seen::Change(change));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => return Some(Seen::Missed { missed }),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
