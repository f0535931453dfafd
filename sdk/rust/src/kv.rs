//! Key-value buckets.
//!
//! Reads and writes of one key are linearizable. A key is 1 to 512 bytes of UTF-8 without NUL, a value at most 512 KiB.

use std::time::{Duration, SystemTime};

use crate::bindings::function::wasm_faas::function::kv as raw;
use crate::time::{instant, millis};
use crate::{Result, ServiceError};

/// A bucket that the function may use. Dropping it gives its handle back to the host.
#[derive(Debug)]
pub struct Bucket(raw::Bucket);

impl Bucket {
    /// Errors: `AccessDenied`, `NotFound`, `Unavailable`.
    pub fn open(name: &str) -> Result<Self, ServiceError> {
        Ok(Self(raw::Bucket::open(name)?))
    }

    /// None when the key is absent or expired.
    pub fn get(&self, key: &str) -> Result<Option<Entry>, ServiceError> {
        Ok(self.0.get(key)?.map(Into::into))
    }

    /// At most 100 keys and 8 MiB of values; the answers are in the order of the keys. One moment's view.
    pub fn get_many(
        &self,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Option<Entry>>, ServiceError> {
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        Ok(self.0.get_many(&keys)?.into_iter().map(|entry| entry.map(Into::into)).collect())
    }

    pub fn exists(&self, key: &str) -> Result<bool, ServiceError> {
        Ok(self.0.exists(key)?)
    }

    /// Writes a value that does not expire and returns its version.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<u64, ServiceError> {
        self.set_with(key, value, SetOptions::default())
    }

    /// As [`set`](Self::set), with an expiry or on a condition. Errors: `Conflict` when the condition does not hold.
    pub fn set_with(&self, key: &str, value: impl AsRef<[u8]>, options: SetOptions) -> Result<u64, ServiceError> {
        Ok(self.0.set(key, value.as_ref(), options.ttl.map(millis), options.when.into())?)
    }

    /// True when a key was there.
    pub fn delete(&self, key: &str) -> Result<bool, ServiceError> {
        self.delete_if(key, Condition::Always)
    }

    /// As [`delete`](Self::delete), on a condition. Errors: `Conflict` when it does not hold, `Invalid` for `IfAbsent`.
    pub fn delete_if(&self, key: &str, when: Condition) -> Result<bool, ServiceError> {
        Ok(self.0.delete(key, when.into())?)
    }

    /// Adds to a counter, kept as decimal text, and returns the sum; an absent key counts as 0. The expiry stays.
    /// Errors: `Invalid` when the value is no 64-bit integer, `Conflict` when the sum would not fit one.
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, ServiceError> {
        Ok(self.0.increment(key, delta, None)?)
    }

    /// As [`increment`](Self::increment), and sets the expiry anew.
    pub fn increment_with_ttl(&self, key: &str, delta: i64, ttl: Duration) -> Result<i64, ServiceError> {
        Ok(self.0.increment(key, delta, Some(millis(ttl)))?)
    }

    /// Keys that start with `prefix`, in byte order, `limit` from 1 to 1,000; `cursor` is the one of the page before.
    /// Keys present all the while appear exactly once; keys that come and go between pages may be missed.
    pub fn list(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, ServiceError> {
        let raw::Page { keys, cursor } = self.0.list_keys(prefix, cursor, limit)?;
        Ok(Page { keys, cursor })
    }

    /// All or nothing: 1 to 64 operations on distinct keys, at most 1 MiB of values. Returns one number per operation:
    /// the new version for `Set`, 0 otherwise. Errors: `Conflict` when a condition does not hold.
    pub fn transact(&self, operations: impl IntoIterator<Item = Operation>) -> Result<Vec<u64>, ServiceError> {
        let operations: Vec<_> = operations.into_iter().map(Into::into).collect();
        Ok(self.0.transact(&operations)?)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub value: Vec<u8>,
    /// Grows with every write in the bucket and is never used again, not even after a delete. Opaque.
    pub version: u64,
    pub expires_at: Option<SystemTime>,
}

impl From<raw::Entry> for Entry {
    fn from(entry: raw::Entry) -> Self {
        Self { value: entry.value, version: entry.version, expires_at: entry.expires_at_ms.map(instant) }
    }
}

/// When a write applies; otherwise it answers `Conflict` and changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Always,
    IfAbsent,
    IfVersion(u64),
}

impl From<Condition> for raw::Condition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Always => Self::Always,
            Condition::IfAbsent => Self::IfAbsent,
            Condition::IfVersion(version) => Self::IfVersion(version),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct SetOptions {
    /// 1 ms to 10 years; without one the key does not expire, whatever it did before.
    pub ttl: Option<Duration>,
    pub when: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In byte order.
    pub keys: Vec<String>,
    /// Give it to the next call; none after the last page.
    pub cursor: Option<String>,
}

/// A step of a transaction.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Applies nothing; the whole transaction fails unless the condition holds.
    Check {
        key: String,
        when: Condition,
    },
    Set {
        key: String,
        value: Vec<u8>,
        options: SetOptions,
    },
    /// A key that is absent is fine with `Always`.
    Delete {
        key: String,
        when: Condition,
    },
}

impl From<Operation> for raw::Operation {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Check { key, when } => Self::Check(raw::KeyCondition { key, when: when.into() }),
            Operation::Set { key, value, options: SetOptions { ttl, when } } => {
                Self::Set(raw::Write { key, value, ttl_ms: ttl.map(millis), when: when.into() })
            }
            Operation::Delete { key, when } => Self::Delete(raw::KeyCondition { key, when: when.into() }),
        }
    }
}
