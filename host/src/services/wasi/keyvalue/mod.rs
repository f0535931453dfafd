//! What both drafts of `wasi:keyvalue` do with a bucket. They differ in the type of a page's cursor, in the shape of
//! `get-many`, in the sign of an increment, and in that the second has compare-and-swap.

mod host;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::config::{Grant, Service};
use crate::services::kv::{self, Condition, Operation, Write};
use crate::services::memory::lock;
use crate::services::transaction::{Handle, Transaction};
use crate::services::{Access, Error, Result};

/// Keys of one page.
const PAGE: u32 = kv::PAGE_KEYS;
/// Places in lists of keys that a bucket handle remembers.
const CURSORS: usize = 16;

/// The grant for a bucket. Guests that know of one bucket only open `default` or nothing: the granted one, when there is
/// just one.
fn grant(access: &Access, identifier: &str) -> Result<Grant> {
    let name = if identifier.is_empty() { "default" } else { identifier };
    match access.only(Service::Kv) {
        Some(only) if name == "default" => Ok(only.clone()),
        _ => access.grant(Service::Kv, name),
    }
}

/// A guest's open bucket.
#[derive(Clone)]
pub struct Bucket {
    inner: kv::Bucket,
    cursors: Arc<Mutex<Cursors>>,
}

impl Handle for Bucket {
    fn grant(&self) -> &Grant {
        self.inner.grant()
    }

    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self {
        Self { inner: self.inner.within(transaction), ..self.clone() }
    }
}

impl Bucket {
    async fn open(access: &Access, identifier: &str) -> Result<Self> {
        let grant = grant(access, identifier)?;
        let inner = kv::Bucket::open(access.backends(&grant).kv.clone(), grant).await?;
        Ok(Self { inner, cursors: Arc::default() })
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.inner.get(key).await?.map(|entry| entry.value))
    }

    async fn set(&self, key: String, value: Vec<u8>) -> Result<()> {
        self.inner.set(write(key, value, Condition::Always)).await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key, Condition::Always).await?;
        Ok(())
    }

    /// A page of keys and where the next one begins.
    async fn list_keys<C: Cursor>(&self, cursor: Option<C>) -> Result<(Vec<String>, Option<C>)> {
        let after = cursor.map(|cursor| cursor.resume(&lock(&self.cursors))).transpose()?;
        let page = self.inner.list_keys("", after.as_deref(), PAGE).await?;
        let next = page.cursor.map(|after| C::after(after, &mut lock(&self.cursors)));
        Ok((page.keys, next))
    }

    /// In the order of the keys. However many there are, their values are at most [`kv::MANY_BYTES`].
    async fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, Option<Vec<u8>>)>> {
        let (mut values, mut bytes) = (Vec::new(), 0);
        for part in keys.chunks(kv::MANY_KEYS) {
            for entry in self.inner.get_many(part).await? {
                bytes += entry.as_ref().map_or(0, |entry| entry.value.len());
                values.push(entry.map(|entry| entry.value));
            }
            if bytes > kv::MANY_BYTES {
                return Err(Error::TooLarge(kv::MANY_BYTES as u64));
            }
        }
        Ok(keys.into_iter().zip(values).collect())
    }

    /// Part after part, so that an error leaves those before it stored. Of a key that comes twice the last value counts.
    async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<()> {
        let (mut part, mut bytes) = (Vec::new(), 0);
        for (key, value) in pairs.into_iter().collect::<BTreeMap<_, _>>() {
            if part.len() == kv::TRANSACTION_OPERATIONS || bytes + value.len() > kv::TRANSACTION_BYTES {
                self.apply(std::mem::take(&mut part)).await?;
                bytes = 0;
            }
            bytes += value.len();
            part.push(Operation::Set(write(key, value, Condition::Always)));
        }
        self.apply(part).await
    }

    async fn delete_many(&self, mut keys: Vec<String>) -> Result<()> {
        keys.sort_unstable();
        keys.dedup();
        for part in keys.chunks(kv::TRANSACTION_OPERATIONS) {
            let delete = |key: &String| Operation::Delete { key: key.clone(), when: Condition::Always };
            self.apply(part.iter().map(delete).collect()).await?;
        }
        Ok(())
    }

    async fn apply(&self, operations: Vec<Operation>) -> Result<()> {
        if !operations.is_empty() {
            self.inner.transact(operations).await?;
        }
        Ok(())
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64> {
        self.inner.increment(key, delta, None).await
    }

    /// The first draft's numbers have no sign.
    async fn increment_unsigned(&self, key: &str, delta: u64) -> Result<u64> {
        let signed = i64::try_from(delta)
            .map_err(|_| Error::Invalid(format!("`delta` is {delta}, the most is {}", i64::MAX)))?;
        let sum = self.increment(key, signed).await?;
        u64::try_from(sum).map_err(|_| Error::Invalid(format!("counter `{key}` is now {sum}, below 0")))
    }
}

fn write(key: String, value: Vec<u8>, when: Condition) -> Write {
    Write { key, value, ttl: None, when }
}

/// A draft's own way to say where the next page begins.
trait Cursor: Sized {
    /// The last key of the page before.
    fn resume(self, cursors: &Cursors) -> Result<String>;
    /// The cursor after that key.
    fn after(key: String, cursors: &mut Cursors) -> Self;
}

/// The second draft's is a text: the backend's own cursor, good on any handle and at any time.
impl Cursor for String {
    fn resume(self, _: &Cursors) -> Result<String> {
        Ok(self)
    }

    fn after(key: String, _: &mut Cursors) -> Self {
        key
    }
}

/// The first draft's is a number, which no key fits in: it names a place that the bucket handle remembers.
impl Cursor for u64 {
    fn resume(self, cursors: &Cursors) -> Result<String> {
        let place = cursors.places.iter().find(|(number, _)| *number == self);
        place.map(|(_, key)| key.clone()).ok_or_else(|| {
            Error::Invalid(format!("cursor `{self}` is not among the last {CURSORS} that this bucket handle gave"))
        })
    }

    fn after(key: String, cursors: &mut Cursors) -> Self {
        if cursors.places.len() == CURSORS {
            cursors.places.pop_front();
        }
        cursors.given += 1;
        cursors.places.push_back((cursors.given, key));
        cursors.given
    }
}

/// Numbered places in lists of keys, the newest [`CURSORS`].
#[derive(Default)]
struct Cursors {
    given: u64,
    places: VecDeque<(u64, String)>,
}

/// A key as it was when this was made; a swap applies only if nobody has written it since.
#[derive(Clone)]
pub struct Cas {
    bucket: kv::Bucket,
    key: String,
    /// `None` where there was no such key.
    version: Option<u64>,
}

impl Handle for Cas {
    fn grant(&self) -> &Grant {
        self.bucket.grant()
    }

    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self {
        Self { bucket: self.bucket.within(transaction), ..self.clone() }
    }
}

impl Cas {
    async fn new(bucket: kv::Bucket, key: String) -> Result<Self> {
        let version = bucket.get(&key).await?.map(|entry| entry.version);
        Ok(Self { bucket, key, version })
    }

    /// The value that is there now, not kept since `new`. When it is another one, the swap will fail and tell.
    async fn current(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.bucket.get(&self.key).await?.map(|entry| entry.value))
    }

    /// `None` once it is stored; a fresh handle when another was quicker.
    async fn swap(self, value: Vec<u8>) -> Result<Option<Self>> {
        let when = self.version.map_or(Condition::IfAbsent, Condition::IfVersion);
        match self.bucket.set(write(self.key.clone(), value, when)).await {
            Ok(_) => Ok(None),
            Err(Error::Conflict(_)) => Ok(Some(Self::new(self.bucket, self.key).await?)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_cursor_is_remembered_until_newer_ones_fill_its_place() {
        let mut cursors = Cursors::default();
        let first = u64::after("a".into(), &mut cursors);
        let second = u64::after("b".into(), &mut cursors);
        assert_eq!(first.resume(&cursors).unwrap(), "a");
        assert_eq!(second.resume(&cursors).unwrap(), "b");
        for _ in 0..CURSORS - 1 {
            u64::after("c".into(), &mut cursors);
        }
        assert_eq!(second.resume(&cursors).unwrap(), "b");
        insta::assert_snapshot!(
            first.resume(&cursors).unwrap_err(),
            @"invalid: cursor `1` is not among the last 16 that this bucket handle gave"
        );
    }
}
