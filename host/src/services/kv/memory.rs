//! Buckets in this process.

mod expiry;

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{
    Backend, CHANGES, Change, ChangeKind, Condition, Entry, MANY_BYTES, Operation, Page, Write, parse_counter,
};
use crate::config::{KvWatch, Resources};
use crate::services::memory::{OpenError, later};
use crate::services::{Clock, Error, Result, queue};
use expiry::Sweeper;

/// Expired keys that one write drops at most, so that no write pays for all of them.
const SWEEP_KEYS: usize = 32;

/// Every bucket has a lock of its own; readers share it.
pub struct Memory {
    buckets: Arc<Buckets>,
    clock: Clock,
    changes: broadcast::Sender<Change>,
    /// There when anybody is to be told of keys that expire.
    _sweeper: Option<Sweeper>,
}

type Buckets = HashMap<String, RwLock<Bucket>>;

struct Bucket {
    /// Hashed for `get`: among 10,000 keys that is four times as fast as a search in `order`.
    entries: HashMap<Arc<str>, Entry>,
    /// The keys of `entries`, in byte order.
    order: BTreeSet<Arc<str>>,
    /// Those that expire, the earliest first.
    expiring: BTreeSet<(u64, Arc<str>)>,
    /// The newest version given.
    version: u64,
    audience: Audience,
}

/// Who is told of changes. The lock of the queues is taken while that of the bucket is held, never the other way round.
struct Audience {
    bucket: String,
    watches: Vec<KvWatch>,
    queues: Arc<queue::memory::Memory>,
    changes: broadcast::Sender<Change>,
}

impl Memory {
    pub(in crate::services) fn open(
        resources: &Resources,
        clock: Clock,
        queues: &Arc<queue::memory::Memory>,
    ) -> Result<Self, OpenError> {
        let changes = broadcast::Sender::new(CHANGES);
        let bucket = |name: &String| {
            let audience = Audience {
                bucket: name.clone(),
                watches: resources.kv_watches.get(name).cloned().unwrap_or_default(),
                queues: Arc::clone(queues),
                changes: changes.clone(),
            };
            (name.clone(), RwLock::new(Bucket::new(audience)))
        };
        let buckets = Arc::new(resources.buckets.iter().map(bucket).collect());
        let sweeper = resources.kv_watches.values().flatten().any(|watch| watch.expired);
        let sweeper = sweeper.then(|| Sweeper::start(&buckets, &clock)).transpose();
        let sweeper = sweeper.map_err(|error| OpenError::Thread { why: error.to_string() })?;
        Ok(Self { buckets, clock, changes, _sweeper: sweeper })
    }

    fn bucket(&self, name: &str) -> Result<&RwLock<Bucket>> {
        self.buckets.get(name).ok_or(Error::NotFound)
    }

    fn read(&self, name: &str) -> Result<RwLockReadGuard<'_, Bucket>> {
        Ok(self.bucket(name)?.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The bucket, with some of what has expired dropped.
    fn write(&self, name: &str, now_ms: u64) -> Result<RwLockWriteGuard<'_, Bucket>> {
        let mut bucket = self.bucket(name)?.write().unwrap_or_else(PoisonError::into_inner);
        bucket.sweep(now_ms);
        Ok(bucket)
    }
}

#[async_trait]
impl Backend for Memory {
    fn changes(&self, bucket: &str) -> Result<broadcast::Receiver<Change>> {
        self.bucket(bucket)?;
        Ok(self.changes.subscribe())
    }

    async fn bucket_exists(&self, bucket: &str) -> Result<bool> {
        Ok(self.buckets.contains_key(bucket))
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>> {
        let bucket = self.read(bucket)?;
        Ok(bucket.entries.get(key).filter(|entry| is_live(entry, || self.clock.now_ms())).cloned())
    }

    async fn get_many(&self, bucket: &str, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let now_ms = self.clock.now_ms();
        let bucket = self.read(bucket)?;
        let entries: Vec<Option<&Entry>> = keys.iter().map(|key| bucket.live(key, now_ms)).collect();
        if entries.iter().flatten().map(|entry| entry.value.len()).sum::<usize>() > MANY_BYTES {
            return Err(Error::TooLarge(MANY_BYTES as u64));
        }
        Ok(entries.into_iter().map(Option::<&Entry>::cloned).collect())
    }

    async fn set(&self, bucket: &str, write: Write) -> Result<u64> {
        let now_ms = self.clock.now_ms();
        let mut bucket = self.write(bucket, now_ms)?;
        bucket.check(&write.key, write.when, now_ms)?;
        Ok(bucket.set(write, now_ms))
    }

    async fn delete(&self, bucket: &str, key: &str, when: Condition) -> Result<bool> {
        let now_ms = self.clock.now_ms();
        let mut bucket = self.write(bucket, now_ms)?;
        bucket.check(key, when, now_ms)?;
        Ok(bucket.delete(key, now_ms))
    }

    async fn increment(&self, bucket: &str, key: &str, delta: i64, ttl: Option<Duration>) -> Result<i64> {
        let now_ms = self.clock.now_ms();
        let mut bucket = self.write(bucket, now_ms)?;
        let entry = bucket.live(key, now_ms);
        let sum = parse_counter(entry.map(|entry| entry.value.as_slice()))?
            .checked_add(delta)
            .ok_or_else(|| Error::Conflict(entry.map(|entry| entry.version)))?;
        let expires_at_ms = match ttl {
            Some(ttl) => Some(later(now_ms, ttl)),
            None => entry.and_then(|entry| entry.expires_at_ms),
        };
        bucket.put(key, sum.to_string().into_bytes(), expires_at_ms);
        Ok(sum)
    }

    async fn list_keys(&self, bucket: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page> {
        let now_ms = self.clock.now_ms();
        let bucket = self.read(bucket)?;
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let mut keys = bucket
            .order
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|key| key.starts_with(prefix))
            .filter(|key| bucket.live(key, now_ms).is_some());
        let page: Vec<String> = keys.by_ref().take(limit as usize).map(ToString::to_string).collect();
        let cursor = keys.next().and_then(|_| page.last().cloned());
        Ok(Page { keys: page, cursor })
    }

    async fn transact(&self, bucket: &str, operations: Vec<Operation>) -> Result<Vec<u64>> {
        let now_ms = self.clock.now_ms();
        let mut bucket = self.write(bucket, now_ms)?;
        for operation in &operations {
            bucket.check(operation.key(), operation.when(), now_ms)?;
        }
        Ok(operations.into_iter().map(|operation| bucket.apply(operation, now_ms)).collect())
    }
}

impl Bucket {
    fn new(audience: Audience) -> Self {
        let (entries, order, expiring) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { entries, order, expiring, version: 0, audience }
    }

    fn live(&self, key: &str, now_ms: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| is_live(entry, || now_ms))
    }

    fn check(&self, key: &str, when: Condition, now_ms: u64) -> Result<()> {
        when.check(self.live(key, now_ms).map(|entry| entry.version))
    }

    /// The operation's number, its condition having been checked.
    fn apply(&mut self, operation: Operation, now_ms: u64) -> u64 {
        match operation {
            Operation::Check { .. } => 0,
            Operation::Set(write) => self.set(write, now_ms),
            Operation::Delete { key, .. } => {
                self.delete(&key, now_ms);
                0
            }
        }
    }

    fn set(&mut self, write: Write, now_ms: u64) -> u64 {
        self.put(&write.key, write.value, write.ttl.map(|ttl| later(now_ms, ttl)))
    }

    fn put(&mut self, key: &str, value: Vec<u8>, expires_at_ms: Option<u64>) -> u64 {
        self.version += 1;
        let known = self.entries.get_key_value(key).map(|(key, old)| (Arc::clone(key), old.expires_at_ms));
        let (key, old_expiry) = known.unwrap_or_else(|| (key.into(), None));
        if let Some(at) = old_expiry {
            self.expiring.remove(&(at, Arc::clone(&key)));
        }
        if let Some(at) = expires_at_ms {
            self.expiring.insert((at, Arc::clone(&key)));
        }
        self.tell(&key, ChangeKind::Set, self.version);
        let entry = Entry { value, version: self.version, expires_at_ms };
        if self.entries.insert(Arc::clone(&key), entry).is_none() {
            self.order.insert(key);
        }
        self.version
    }

    /// Whether the key was there.
    fn delete(&mut self, key: &str, now_ms: u64) -> bool {
        let live = self.live(key, now_ms).is_some();
        self.remove(key, if live { ChangeKind::Removed } else { ChangeKind::Expired });
        live
    }

    fn remove(&mut self, key: &str, kind: ChangeKind) {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return };
        self.tell(&key, kind, entry.version);
        self.order.remove(&key);
        if let Some(at) = entry.expires_at_ms {
            self.expiring.remove(&(at, key));
        }
    }

    /// Drops some of what has expired; true when that was all.
    fn sweep(&mut self, now_ms: u64) -> bool {
        for _ in 0..SWEEP_KEYS {
            match self.expiring.first() {
                Some((at, key)) if *at <= now_ms => {
                    let key = Arc::clone(key);
                    self.remove(&key, ChangeKind::Expired);
                }
                _ => return true,
            }
        }
        false
    }

    fn tell(&self, key: &str, kind: ChangeKind, version: u64) {
        let Audience { bucket, watches, queues, changes } = &self.audience;
        if watches.is_empty() && changes.receiver_count() == 0 {
            return;
        }
        let change = Change { bucket: bucket.clone(), key: key.into(), kind, version };
        queues.announce(change.takers(watches), key, &change);
        // Nobody listens any more if it fails.
        let _ = changes.send(change);
    }
}

/// Asks for the time only when the entry expires, which spares most reads the clock.
fn is_live(entry: &Entry, now_ms: impl FnOnce() -> u64) -> bool {
    entry.expires_at_ms.is_none_or(|at| at > now_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_drop_what_expired_a_few_at_a_time() {
        let resources = Resources { buckets: ["visits".into()].into(), ..Resources::default() };
        let clock = Clock::manual(0);
        let queues = Arc::new(queue::memory::Memory::open(&resources, clock.clone()).unwrap());
        let backend = Memory::open(&resources, clock.clone(), &queues).unwrap();
        let write = |key: String, ttl| Write { key, value: vec![], ttl, when: Condition::Always };
        for index in 0..2 * SWEEP_KEYS {
            let ttl = Some(Duration::from_secs(1));
            backend.set("visits", write(index.to_string(), ttl)).await.unwrap();
        }
        clock.advance(Duration::from_secs(1));
        let kept = || {
            let bucket = backend.read("visits").unwrap();
            (bucket.entries.len(), bucket.order.len(), bucket.expiring.len())
        };
        for left in [SWEEP_KEYS, 0, 0] {
            backend.set("visits", write("lasting".into(), None)).await.unwrap();
            assert_eq!(kept(), (left + 1, left + 1, left));
        }
    }
}
