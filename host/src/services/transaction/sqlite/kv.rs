//! Buckets inside a transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::super::overlay::Staged;
use super::{Pending, State};
use crate::services::kv::sqlite::{find, find_many, list_keys, remove, store, version};
use crate::services::kv::{Backend, Change, Condition, Entry, MANY_BYTES, Operation, Page, Write, parse_counter};
use crate::services::memory::later;
use crate::services::sqlite::{Shared, Step, Writing, int};
use crate::services::{Error, Result};

/// Provisional versions begin here: beyond all that a store will ever give, below 2^53.
const PROVISIONAL: u64 = 1 << 52;

#[async_trait]
impl Backend for Pending {
    fn changes(&self, bucket: &str) -> Result<broadcast::Receiver<Change>> {
        self.shared.catalog.bucket(bucket)?;
        Ok(self.shared.catalog.changes.subscribe())
    }

    async fn bucket_exists(&self, bucket: &str) -> Result<bool> {
        Ok(self.shared.catalog.bucket(bucket).is_ok())
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>> {
        self.bucket(bucket, |bucket| bucket.get(key))
    }

    async fn get_many(&self, bucket: &str, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        self.bucket(bucket, |bucket| bucket.get_many(keys))
    }

    async fn set(&self, bucket: &str, write: Write) -> Result<u64> {
        self.bucket(bucket, |bucket| {
            bucket.check(&write.key, write.when)?;
            bucket.set(write)
        })
    }

    async fn delete(&self, bucket: &str, key: &str, when: Condition) -> Result<bool> {
        self.bucket(bucket, |bucket| {
            let entry = bucket.get(key)?;
            when.check(entry.as_ref().map(|entry| entry.version))?;
            if entry.is_some() {
                bucket.stage(vec![(key.into(), Staged::Removed)])?;
            }
            Ok(entry.is_some())
        })
    }

    async fn increment(&self, bucket: &str, key: &str, delta: i64, ttl: Option<Duration>) -> Result<i64> {
        self.bucket(bucket, |bucket| bucket.increment(key, delta, ttl))
    }

    async fn list_keys(&self, bucket: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page> {
        self.bucket(bucket, |bucket| bucket.list_keys(prefix, after, limit))
    }

    async fn transact(&self, bucket: &str, operations: Vec<Operation>) -> Result<Vec<u64>> {
        self.bucket(bucket, |bucket| bucket.transact(operations))
    }
}

impl Pending {
    fn bucket<T>(&self, name: &str, work: impl FnOnce(&mut Bucket<'_>) -> Result<T>) -> Result<T> {
        let (shared, now_ms) = (&*self.shared, self.shared.clock.now_ms());
        let id = shared.catalog.bucket(name)?.id;
        self.with(|state| work(&mut Bucket { shared, state, name, id, now_ms }))
    }
}

/// A bucket as the transaction sees it.
struct Bucket<'a> {
    shared: &'a Shared,
    state: &'a mut State,
    name: &'a str,
    id: i64,
    now_ms: u64,
}

impl Bucket<'_> {
    fn get(&mut self, key: &str) -> Result<Option<Entry>> {
        if let Some(staged) = self.state.kv.staged(self.name, key) {
            return Ok(staged.live(self.now_ms).cloned());
        }
        let found = self.shared.readers.read(|db| Ok(find(db, self.id, key, int(self.now_ms))?))?;
        self.saw(key, found.as_ref())?;
        Ok(found)
    }

    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let is_unwritten = |key: &&String| self.state.kv.staged(self.name, key).is_none();
        let unwritten: Vec<String> = keys.iter().filter(is_unwritten).cloned().collect();
        let found = self.shared.readers.read(|db| find_many(db, self.id, &unwritten, int(self.now_ms)))?;
        for (key, entry) in unwritten.iter().zip(&found) {
            self.saw(key, entry.as_ref())?;
        }
        let mut found = found.into_iter();
        let entry = |key: &String| match self.state.kv.staged(self.name, key) {
            Some(staged) => staged.live(self.now_ms).cloned(),
            None => found.next().flatten(),
        };
        let entries: Vec<Option<Entry>> = keys.iter().map(entry).collect();
        if entries.iter().flatten().map(|entry| entry.value.len()).sum::<usize>() > MANY_BYTES {
            return Err(Error::TooLarge(MANY_BYTES as u64));
        }
        Ok(entries)
    }

    fn saw(&mut self, key: &str, found: Option<&Entry>) -> Result<()> {
        self.state.kv.saw(self.name, key, found.map(|entry| entry.version))
    }

    /// Looks at the key only where the condition does.
    fn check(&mut self, key: &str, when: Condition) -> Result<()> {
        if when == Condition::Always {
            return Ok(());
        }
        when.check(self.get(key)?.map(|entry| entry.version))
    }

    fn set(&mut self, write: Write) -> Result<u64> {
        let expires_at_ms = write.ttl.map(|ttl| later(self.now_ms, ttl));
        self.put(write.key, write.value, expires_at_ms)
    }

    fn put(&mut self, key: String, value: Vec<u8>, expires_at_ms: Option<u64>) -> Result<u64> {
        let version = self.state.provisional_version();
        self.stage(vec![(key, Staged::Put(Entry { value, version, expires_at_ms }))])?;
        Ok(version)
    }

    fn increment(&mut self, key: &str, delta: i64, ttl: Option<Duration>) -> Result<i64> {
        let entry = self.get(key)?;
        let sum = parse_counter(entry.as_ref().map(|entry| entry.value.as_slice()))?
            .checked_add(delta)
            .ok_or_else(|| Error::Conflict(entry.as_ref().map(|entry| entry.version)))?;
        let kept = entry.and_then(|entry| entry.expires_at_ms);
        let expires_at_ms = ttl.map_or(kept, |ttl| Some(later(self.now_ms, ttl)));
        self.put(key.into(), sum.to_string().into_bytes(), expires_at_ms)?;
        Ok(sum)
    }

    fn transact(&mut self, operations: Vec<Operation>) -> Result<Vec<u64>> {
        for operation in &operations {
            self.check(operation.key(), operation.when())?;
        }
        let (mut numbers, mut writes) = (Vec::with_capacity(operations.len()), Vec::new());
        for operation in operations {
            let version = match operation {
                Operation::Check { .. } => 0,
                Operation::Delete { key, .. } => {
                    writes.push((key, Staged::Removed));
                    0
                }
                Operation::Set(Write { key, value, ttl, .. }) => {
                    let (version, expires_at_ms) =
                        (self.state.provisional_version(), ttl.map(|ttl| later(self.now_ms, ttl)));
                    writes.push((key, Staged::Put(Entry { value, version, expires_at_ms })));
                    version
                }
            };
            numbers.push(version);
        }
        self.stage(writes)?;
        Ok(numbers)
    }

    /// All of them or none; the keys are distinct.
    fn stage(&mut self, writes: Vec<(String, Staged<Entry>)>) -> Result<()> {
        let State { kv, held, .. } = &mut *self.state;
        let mut after = *held;
        for (key, staged) in &writes {
            let old = kv.staged(self.name, key).map(|old| size(key, old));
            after.replace(old, size(key, staged))?;
        }
        *held = after;
        for (key, staged) in writes {
            kv.stage(self.name, &key, staged);
        }
        Ok(())
    }

    /// Of the store's keys so many more are read as the transaction hides at most; its own come in between, up to where the
    /// store was read.
    fn list_keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page> {
        let written = self.state.kv.staged_in(self.name);
        let (shown, hidden): (Vec<_>, Vec<_>) = written.partition(|(_, staged)| staged.live(self.now_ms).is_some());
        let hidden: BTreeSet<&str> = hidden.into_iter().map(|(key, _)| key).collect();
        let wanted = limit.saturating_add(u32::try_from(hidden.len()).unwrap_or(u32::MAX));
        let read = |db: &_| list_keys(db, self.id, prefix, after, wanted, int(self.now_ms));
        let Page { keys, cursor: end } = self.shared.readers.read(read)?;
        let mut keys: BTreeSet<String> = keys.into_iter().filter(|key| !hidden.contains(key.as_str())).collect();
        let is_on_page = |key: &str| {
            let (is_behind, is_read) =
                (after.is_none_or(|after| key > after), end.as_deref().is_none_or(|end| key <= end));
            key.starts_with(prefix) && is_behind && is_read
        };
        keys.extend(shown.into_iter().map(|(key, _)| key).filter(|key| is_on_page(key)).map(str::to_owned));
        let more = end.is_some() || keys.len() > limit as usize;
        let keys: Vec<String> = keys.into_iter().take(limit as usize).collect();
        let cursor = keys.last().filter(|_| more).cloned();
        Ok(Page { keys, cursor })
    }
}

impl Staged<Entry> {
    fn live(&self, now_ms: u64) -> Option<&Entry> {
        match self {
            Self::Put(entry) => Some(entry).filter(|entry| entry.expires_at_ms.is_none_or(|at| at > now_ms)),
            Self::Removed => None,
        }
    }
}

fn size(key: &str, staged: &Staged<Entry>) -> usize {
    match staged {
        Staged::Put(entry) => key.len() + entry.value.len(),
        Staged::Removed => key.len(),
    }
}

impl State {
    /// Grows with each write. Random besides, so that one kept beyond its transaction matches nothing in another.
    fn provisional_version(&mut self) -> u64 {
        if self.versions == 0 {
            self.versions = PROVISIONAL + fastrand::u64(..PROVISIONAL / 2);
        }
        self.versions += 1;
        self.versions
    }

    /// The first key that is no longer as it was seen.
    pub(super) fn changed_key(&self, writing: &Writing<'_>) -> Step<Option<String>> {
        for (bucket, key, known) in self.kv.iter() {
            let Some(seen) = &known.seen else { continue };
            if version(writing, &*writing.catalog.bucket(bucket)?, key)? != seen.version {
                return Ok(Some(format!("key `{key}` of bucket `{bucket}` was changed")));
            }
        }
        Ok(None)
    }

    pub(super) fn apply_kv(&self, writing: &mut Writing<'_>) -> Step<()> {
        for (bucket, key, known) in self.kv.iter() {
            let bucket = writing.catalog.bucket(bucket)?;
            match &known.staged {
                Some(Staged::Put(entry)) => {
                    store(writing, &bucket, key, &entry.value, entry.expires_at_ms.map(int))?;
                }
                Some(Staged::Removed) => {
                    remove(writing, &bucket, key)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}
