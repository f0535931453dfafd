//! Key-value buckets: the contract every backend keeps, and the checked handle a guest works through.
//!
//! What the operations promise is written in `wit/kv.wit`; limits are checked here, once, so that all backends agree.

mod change;
#[cfg(test)]
mod contract;
pub mod host;
pub mod memory;
pub mod sqlite;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
pub use change::{Change, ChangeKind};
use tokio::sync::broadcast;

use super::transaction::{Handle, Transaction};
use super::{Error, Result, require};
use crate::config::{Grant, Right};

pub const KEY_BYTES: usize = 512;
pub const VALUE_BYTES: usize = 512 << 10;
pub const MANY_KEYS: usize = 100;
/// Values answered by one `get_many`.
pub const MANY_BYTES: usize = 8 << 20;
pub const PAGE_KEYS: u32 = 1_000;
/// Changes that wait for one who looks on.
pub const CHANGES: usize = 1_024;
pub const TRANSACTION_OPERATIONS: usize = 64;
pub const TRANSACTION_BYTES: usize = 1 << 20;
/// Ten years.
pub const TTL_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Vec<u8>,
    /// From a counter of the bucket: grows with each write, never used again; 1 or more.
    pub version: u64,
    pub expires_at_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Always,
    IfAbsent,
    IfVersion(u64),
}

impl Condition {
    /// Whether it holds for a key at `version`, `None` when the key is absent or expired.
    pub fn check(self, version: Option<u64>) -> Result<()> {
        match self {
            Self::Always => Ok(()),
            Self::IfAbsent if version.is_none() => Ok(()),
            Self::IfVersion(wanted) if version == Some(wanted) => Ok(()),
            Self::IfAbsent | Self::IfVersion(_) => Err(Error::Conflict(version)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub key: String,
    pub value: Vec<u8>,
    pub ttl: Option<Duration>,
    pub when: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Check { key: String, when: Condition },
    Set(Write),
    Delete { key: String, when: Condition },
}

impl Operation {
    pub fn key(&self) -> &str {
        match self {
            Self::Check { key, .. } | Self::Delete { key, .. } => key,
            Self::Set(write) => &write.key,
        }
    }

    pub fn when(&self) -> Condition {
        match self {
            Self::Check { when, .. } | Self::Delete { when, .. } => *when,
            Self::Set(write) => write.when,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pub keys: Vec<String>,
    pub cursor: Option<String>,
}

/// What a key-value backend does. Arguments have passed the checks of [`Bucket`]; a bucket that was not provisioned
/// answers [`Error::NotFound`]. A write returns once it is as durable as the backend declares.
///
/// The watches of a bucket ([`KvWatch`](crate::config::KvWatch)) get the message about a [`Change`] in one step with it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Whether the bucket was provisioned.
    async fn bucket_exists(&self, bucket: &str) -> Result<bool>;
    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>>;
    /// One moment's view; answers in the order of `keys`. Stops with [`Error::TooLarge`] past [`MANY_BYTES`].
    async fn get_many(&self, bucket: &str, keys: &[String]) -> Result<Vec<Option<Entry>>>;
    /// The new version.
    async fn set(&self, bucket: &str, write: Write) -> Result<u64>;
    /// Whether a key was there.
    async fn delete(&self, bucket: &str, key: &str, when: Condition) -> Result<bool>;
    /// The sum, stored as decimal text; [`parse_counter`] reads what is there. `ttl` sets the expiry, `None` keeps it.
    async fn increment(&self, bucket: &str, key: &str, delta: i64, ttl: Option<Duration>) -> Result<i64>;
    /// Keys in byte order, at most `limit`; `after` is the last key of the previous page.
    /// A key deleted in between may be missed, never repeated.
    async fn list_keys(&self, bucket: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page>;
    /// All or nothing; one number per operation, the new version for a set and 0 otherwise.
    async fn transact(&self, bucket: &str, operations: Vec<Operation>) -> Result<Vec<u64>>;
    /// What changes in this and all other buckets of the backend from now on, once it is committed. Kept nowhere: a receiver
    /// that is more than [`CHANGES`] behind is told how many it has missed.
    fn changes(&self, bucket: &str) -> Result<broadcast::Receiver<Change>>;
}

/// The counter in `value`, `0` when there is none.
pub fn parse_counter(value: Option<&[u8]>) -> Result<i64> {
    let Some(value) = value else { return Ok(0) };
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::Invalid("the value is no 64-bit integer in decimal text".into()))
}

/// A bucket as one function sees it: rights and limits are checked, then the backend is asked.
#[derive(Clone)]
pub struct Bucket {
    backend: Arc<dyn Backend>,
    name: Arc<str>,
    grant: Grant,
}

impl Bucket {
    pub async fn open(backend: Arc<dyn Backend>, grant: Grant) -> Result<Self> {
        if !backend.bucket_exists(&grant.name).await? {
            return Err(Error::NotFound);
        }
        Ok(Self { backend, name: grant.name.as_str().into(), grant })
    }

    pub async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.check(Right::Read, key)?;
        self.backend.get(&self.name, key).await
    }

    pub async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        if keys.len() > MANY_KEYS {
            return Err(Error::TooLarge(MANY_KEYS as u64));
        }
        for key in keys {
            self.check(Right::Read, key)?;
        }
        self.backend.get_many(&self.name, keys).await
    }

    pub async fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.get(key).await?.is_some())
    }

    pub async fn set(&self, write: Write) -> Result<u64> {
        self.check_write(&write)?;
        self.backend.set(&self.name, write).await
    }

    pub async fn delete(&self, key: &str, when: Condition) -> Result<bool> {
        self.check_delete(key, when)?;
        self.backend.delete(&self.name, key, when).await
    }

    pub async fn increment(&self, key: &str, delta: i64, ttl: Option<Duration>) -> Result<i64> {
        self.check(Right::Write, key)?;
        check_ttl(ttl)?;
        self.backend.increment(&self.name, key, delta, ttl).await
    }

    pub async fn list_keys(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page> {
        require(&self.grant, Right::Read)?;
        if !(1..=PAGE_KEYS).contains(&limit) {
            return Err(Error::Invalid(format!("`limit` is {limit}, it goes from 1 to {PAGE_KEYS}")));
        }
        if prefix.len() > KEY_BYTES {
            return Err(Error::TooLarge(KEY_BYTES as u64));
        }
        self.backend.list_keys(&self.name, prefix, cursor, limit).await
    }

    /// As [`Backend::changes`].
    pub fn changes(&self) -> Result<broadcast::Receiver<Change>> {
        require(&self.grant, Right::Read)?;
        self.backend.changes(&self.name)
    }

    pub async fn transact(&self, operations: Vec<Operation>) -> Result<Vec<u64>> {
        if operations.is_empty() {
            return Err(Error::Invalid("a transaction needs an operation".into()));
        }
        if operations.len() > TRANSACTION_OPERATIONS {
            return Err(Error::TooLarge(TRANSACTION_OPERATIONS as u64));
        }
        let (mut keys, mut bytes) = (BTreeSet::new(), 0);
        for operation in &operations {
            if !keys.insert(operation.key()) {
                return Err(Error::Invalid(format!("key `{}` comes twice in one transaction", operation.key())));
            }
            match operation {
                Operation::Check { key, .. } => self.check(Right::Read, key)?,
                Operation::Delete { key, when } => self.check_delete(key, *when)?,
                Operation::Set(write) => {
                    self.check_write(write)?;
                    bytes += write.value.len();
                }
            }
        }
        if bytes > TRANSACTION_BYTES {
            return Err(Error::TooLarge(TRANSACTION_BYTES as u64));
        }
        self.backend.transact(&self.name, operations).await
    }

    fn check(&self, right: Right, key: &str) -> Result<()> {
        require(&self.grant, right)?;
        check_key(key)
    }

    fn check_write(&self, write: &Write) -> Result<()> {
        self.check(Right::Write, &write.key)?;
        if write.value.len() > VALUE_BYTES {
            return Err(Error::TooLarge(VALUE_BYTES as u64));
        }
        check_ttl(write.ttl)
    }

    fn check_delete(&self, key: &str, when: Condition) -> Result<()> {
        self.check(Right::Write, key)?;
        match when {
            Condition::IfAbsent => Err(Error::Invalid("`if-absent` makes no sense for a delete".into())),
            Condition::Always | Condition::IfVersion(_) => Ok(()),
        }
    }
}

impl Handle for Bucket {
    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self {
        Self { backend: transaction.kv(), ..self.clone() }
    }
}

fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::Invalid("the key is empty".into()));
    }
    if key.contains('\0') {
        return Err(Error::Invalid(format!("key {key:?} contains NUL")));
    }
    if key.len() > KEY_BYTES {
        return Err(Error::TooLarge(KEY_BYTES as u64));
    }
    Ok(())
}

fn check_ttl(ttl: Option<Duration>) -> Result<()> {
    match ttl {
        Some(ttl) if ttl.is_zero() || ttl > TTL_MAX => {
            Err(Error::Invalid(format!("`ttl-ms` is {}, it goes from 1 to {}", ttl.as_millis(), TTL_MAX.as_millis())))
        }
        _ => Ok(()),
    }
}
