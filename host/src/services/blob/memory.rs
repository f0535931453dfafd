//! Containers in this process.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use bytes::Bytes;
use ulid::Ulid;

use super::{
    Backend, CHUNK_BYTES, Change, ChangeKind, Condition, Listing, OBJECT_BYTES, ObjectInfo, PutOptions, Range, Reader,
    Writer,
};
use crate::config::{BlobWatch, Resources};
use crate::services::{Clock, Error, Result, queue};

pub struct Memory {
    /// Shared with the writers on them.
    containers: HashMap<String, Arc<Container>>,
    clock: Clock,
}

struct Container {
    name: String,
    objects: RwLock<Objects>,
    watches: Vec<BlobWatch>,
    /// Of the watches. Their lock is taken while that of the objects is held, never the other way round.
    queues: Arc<queue::memory::Memory>,
}

type Objects = BTreeMap<String, Stored>;

/// Cheap to clone: a reader keeps the object it opened.
#[derive(Clone)]
struct Stored {
    info: Arc<ObjectInfo>,
    data: Bytes,
}

impl Memory {
    pub(in crate::services) fn open(resources: &Resources, clock: Clock, queues: &Arc<queue::memory::Memory>) -> Self {
        let container = |name: &String| {
            let container = Container {
                name: name.clone(),
                objects: RwLock::default(),
                watches: resources.blob_watches.get(name).cloned().unwrap_or_default(),
                queues: Arc::clone(queues),
            };
            (name.clone(), Arc::new(container))
        };
        Self { containers: resources.containers.iter().map(container).collect(), clock }
    }

    fn container(&self, name: &str) -> Result<&Arc<Container>> {
        self.containers.get(name).ok_or(Error::NotFound)
    }

    fn find(&self, container: &str, key: &str) -> Result<Option<Stored>> {
        Ok(self.container(container)?.read().get(key).cloned())
    }
}

impl Container {
    fn read(&self) -> RwLockReadGuard<'_, Objects> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Objects> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores an object when its condition holds.
    fn store(
        &self,
        objects: &mut Objects,
        key: &str,
        data: Bytes,
        options: PutOptions,
        now_ms: u64,
    ) -> Result<ObjectInfo> {
        options.when.check(objects.get(key).map(|old| old.info.etag.as_str()))?;
        let info = ObjectInfo {
            key: key.into(),
            size: data.len() as u64,
            etag: Ulid::generate().to_string(),
            content_type: options.content_type,
            modified_ms: now_ms,
            metadata: options.metadata,
        };
        self.tell(|| Change::created(&self.name, &info));
        objects.insert(key.into(), Stored { info: Arc::new(info.clone()), data });
        Ok(info)
    }

    /// Tells those who watch; to be called while the objects are locked, so that the messages come in order.
    fn tell(&self, change: impl FnOnce() -> Change) {
        if self.watches.is_empty() {
            return;
        }
        let change = change();
        self.queues.announce(change.takers(&self.watches), &change.key, &change);
    }
}

#[async_trait]
impl Backend for Memory {
    async fn container_exists(&self, container: &str) -> Result<bool> {
        Ok(self.containers.contains_key(container))
    }

    async fn head(&self, container: &str, key: &str) -> Result<Option<ObjectInfo>> {
        Ok(self.find(container, key)?.map(|stored| ObjectInfo::clone(&stored.info)))
    }

    async fn put(&self, container: &str, key: &str, data: Vec<u8>, options: PutOptions) -> Result<ObjectInfo> {
        let container = self.container(container)?;
        container.store(&mut container.write(), key, data.into(), options, self.clock.now_ms())
    }

    async fn reader(&self, container: &str, key: &str, range: Option<Range>) -> Result<Option<Box<dyn Reader>>> {
        let Some(stored) = self.find(container, key)? else { return Ok(None) };
        let range = Range::resolve(range, stored.info.size)?;
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(stored.data.len());
        let left = stored.data.slice(at(range.start)..at(range.end));
        Ok(Some(Box::new(MemoryReader { info: stored.info, left })))
    }

    async fn writer(&self, container: &str, key: &str, options: PutOptions) -> Result<Box<dyn Writer>> {
        let container = Arc::clone(self.container(container)?);
        Ok(Box::new(MemoryWriter { container, key: key.into(), options, data: Vec::new(), clock: self.clock.clone() }))
    }

    async fn copy(&self, container: &str, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo> {
        let container = self.container(container)?;
        let mut objects = container.write();
        let Stored { info, data } = objects.get(source).cloned().ok_or(Error::NotFound)?;
        let ObjectInfo { content_type, metadata, .. } = ObjectInfo::clone(&info);
        let options = PutOptions { content_type, metadata, when };
        container.store(&mut objects, destination, data, options, self.clock.now_ms())
    }

    async fn delete(&self, container: &str, key: &str, when: Condition) -> Result<bool> {
        let container = self.container(container)?;
        let mut objects = container.write();
        when.check(objects.get(key).map(|stored| stored.info.etag.as_str()))?;
        let Some(Stored { info, .. }) = objects.remove(key) else { return Ok(false) };
        container.tell(|| Change {
            container: container.name.clone(),
            key: key.into(),
            kind: ChangeKind::Removed,
            etag: info.etag.clone(),
            size: info.size,
        });
        Ok(true)
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        delimiter: Option<char>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listing> {
        let objects = self.container(container)?.read();
        let mut walk = Walk { objects: &objects, prefix, delimiter, from: start(prefix, delimiter, after) };
        let (mut listing, mut last) = (Listing::default(), None);
        for _ in 0..limit {
            match walk.next() {
                None => return Ok(listing),
                Some(Item::Object(info)) => {
                    last = Some(info.key.clone());
                    listing.objects.push(ObjectInfo::clone(info));
                }
                Some(Item::Prefix(prefix)) => {
                    last = Some(prefix.to_owned());
                    listing.prefixes.push(prefix.to_owned());
                }
            }
        }
        listing.cursor = last.filter(|_| walk.next().is_some());
        Ok(listing)
    }
}

/// The keys of a container in byte order, those with a common prefix taken as one.
struct Walk<'a> {
    objects: &'a Objects,
    prefix: &'a str,
    delimiter: Option<char>,
    /// None when there can be no more.
    from: Option<Bound<String>>,
}

enum Item<'a> {
    Object(&'a ObjectInfo),
    Prefix(&'a str),
}

impl<'a> Iterator for Walk<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let from = self.from.as_ref()?.as_ref().map(String::as_str);
        let (key, stored) = self.objects.range::<str, _>((from, Bound::Unbounded)).next()?;
        if !key.starts_with(self.prefix) {
            return None;
        }
        match common_prefix(self.prefix, self.delimiter, key) {
            Some(common) => {
                self.from = past(common);
                Some(Item::Prefix(common))
            }
            None => {
                self.from = Some(Bound::Excluded(key.clone()));
                Some(Item::Object(&stored.info))
            }
        }
    }
}

/// Where a page begins that comes after the key or common prefix `after`.
fn start(prefix: &str, delimiter: Option<char>, after: Option<&str>) -> Option<Bound<String>> {
    match after {
        Some(after) if after >= prefix => match common_prefix(prefix, delimiter, after) {
            Some(common) => past(common),
            None => Some(Bound::Excluded(after.into())),
        },
        _ => Some(Bound::Included(prefix.into())),
    }
}

/// The beginning of `key` up to and with the first delimiter after `prefix`.
fn common_prefix<'k>(prefix: &str, delimiter: Option<char>, key: &'k str) -> Option<&'k str> {
    let delimiter = delimiter?;
    let at = key.strip_prefix(prefix)?.find(delimiter)?;
    key.get(..prefix.len() + at + delimiter.len_utf8())
}

/// Where the texts begin that are greater than all those starting with `common`: at the same text with the next
/// character for its last, as the order of bytes is that of characters.
fn past(common: &str) -> Option<Bound<String>> {
    let mut text = common.to_owned();
    loop {
        if let Some(next) = (text.pop()?..=char::MAX).nth(1) {
            text.push(next);
            return Some(Bound::Included(text));
        }
    }
}

struct MemoryReader {
    info: Arc<ObjectInfo>,
    left: Bytes,
}

#[async_trait]
impl Reader for MemoryReader {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&mut self, max: usize) -> Result<Vec<u8>> {
        let length = max.min(CHUNK_BYTES).min(self.left.len());
        Ok(self.left.split_to(length).into())
    }
}

struct MemoryWriter {
    container: Arc<Container>,
    key: String,
    options: PutOptions,
    data: Vec<u8>,
    clock: Clock,
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn write(&mut self, chunk: Vec<u8>) -> Result<()> {
        if self.data.len() as u64 + chunk.len() as u64 > OBJECT_BYTES {
            return Err(Error::TooLarge(OBJECT_BYTES));
        }
        self.data.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<ObjectInfo> {
        let Self { container, key, options, data, clock } = *self;
        container.store(&mut container.write(), &key, data.into(), options, clock.now_ms())
    }
}
