//! Blob containers: the contract every backend keeps, and the checked handle a guest works through.
//!
//! What the operations promise is written in `wit/blob.wit`.

mod change;
#[cfg(test)]
mod contract;
pub mod host;
pub mod memory;
pub mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;
pub use change::{Change, ChangeKind};

use super::message::Attribute;
use super::transaction::{Handle, Transaction};
use super::{Error, Result, require};
use crate::config::{Grant, Right};

pub const KEY_BYTES: usize = 1024;
/// What `get` and `put` move at once.
pub const WHOLE_BYTES: u64 = 8 << 20;
/// What one `read` or `write` moves.
pub const CHUNK_BYTES: usize = 1 << 20;
pub const OBJECT_BYTES: u64 = 5 << 30;
pub const METADATA_BYTES: usize = 2 << 10;
pub const METADATA_NAME_BYTES: usize = 64;
pub const CONTENT_TYPE_BYTES: usize = 256;
pub const PAGE_OBJECTS: u32 = 1_000;
pub const DELETE_KEYS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    pub key: String,
    pub size: u64,
    /// Changes with the content; opaque.
    pub etag: String,
    pub content_type: Option<String>,
    pub modified_ms: u64,
    pub metadata: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub info: ObjectInfo,
    pub data: Vec<u8>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Always,
    IfAbsent,
    /// The object is there and has this etag.
    IfMatch(String),
}

impl Condition {
    /// Whether it holds for an object with `etag`, `None` when there is none.
    pub fn check(&self, etag: Option<&str>) -> Result<()> {
        match self {
            Self::Always => Ok(()),
            Self::IfAbsent if etag.is_none() => Ok(()),
            Self::IfMatch(wanted) if etag == Some(wanted) => Ok(()),
            Self::IfAbsent | Self::IfMatch(_) => Err(Error::Conflict(None)),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutOptions {
    pub content_type: Option<String>,
    pub metadata: Vec<Attribute>,
    pub when: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: u64,
    pub length: Option<u64>,
}

impl Range {
    /// The bytes of an object of `size` that `range` names: cut at the end, `invalid` when it starts there or beyond.
    pub fn resolve(range: Option<Self>, size: u64) -> Result<std::ops::Range<u64>> {
        let Some(Self { start, length }) = range else { return Ok(0..size) };
        if start >= size {
            return Err(Error::Invalid(format!("the range starts at {start}, the object has {size} bytes")));
        }
        Ok(start..length.map_or(size, |length| start.saturating_add(length).min(size)))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    pub objects: Vec<ObjectInfo>,
    pub prefixes: Vec<String>,
    pub cursor: Option<String>,
}

/// Reads on in the object as it was when opened.
#[async_trait]
pub trait Reader: Send + Sync {
    fn info(&self) -> &ObjectInfo;
    /// At most `max` bytes, which is at most [`CHUNK_BYTES`]; empty at the end of the range.
    async fn read(&mut self, max: usize) -> Result<Vec<u8>>;
}

/// Takes a new object in pieces. Dropped without `finish` it leaves nothing behind.
#[async_trait]
pub trait Writer: Send + Sync {
    /// [`Error::TooLarge`] past [`OBJECT_BYTES`].
    async fn write(&mut self, chunk: Vec<u8>) -> Result<()>;
    /// Decides the condition and stores the object, durably and as a whole.
    async fn finish(self: Box<Self>) -> Result<ObjectInfo>;
}

/// What a blob backend does. Arguments have passed the checks of [`Container`]; a container that was not provisioned
/// answers [`Error::NotFound`]. An object is replaced as a whole: a reader sees the old one or the new one to its end.
///
/// The watches of a container ([`BlobWatch`](crate::config::BlobWatch)) get the message about a [`Change`] in one step
/// with it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Whether the container was provisioned.
    async fn container_exists(&self, container: &str) -> Result<bool>;
    async fn head(&self, container: &str, key: &str) -> Result<Option<ObjectInfo>>;
    async fn put(&self, container: &str, key: &str, data: Vec<u8>, options: PutOptions) -> Result<ObjectInfo>;
    /// `None` when there is no such object; [`Range::resolve`] says what the range means.
    async fn reader(&self, container: &str, key: &str, range: Option<Range>) -> Result<Option<Box<dyn Reader>>>;
    async fn writer(&self, container: &str, key: &str, options: PutOptions) -> Result<Box<dyn Writer>>;
    /// Content type and metadata go along. [`Error::NotFound`] without the source.
    async fn copy(&self, container: &str, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo>;
    /// Whether there was one.
    async fn delete(&self, container: &str, key: &str, when: Condition) -> Result<bool>;
    /// Objects and common prefixes, merged in byte order, together at most `limit`. `after` is the cursor of the page before:
    /// the last key or common prefix it held.
    async fn list(
        &self,
        container: &str,
        prefix: &str,
        delimiter: Option<char>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listing>;
}

/// A container as one function sees it: rights and limits are checked, then the backend is asked.
#[derive(Clone)]
pub struct Container {
    backend: Arc<dyn Backend>,
    grant: Grant,
}

impl Container {
    pub async fn open(backend: Arc<dyn Backend>, grant: Grant) -> Result<Self> {
        if !backend.container_exists(&grant.name).await? {
            return Err(Error::NotFound);
        }
        Ok(Self { backend, grant })
    }

    pub fn name(&self) -> &str {
        &self.grant.name
    }

    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.check(Right::Read, key)?;
        self.backend.head(&self.grant.name, key).await
    }

    pub async fn get(&self, key: &str, range: Option<Range>) -> Result<Option<Object>> {
        self.check(Right::Read, key)?;
        let Some(mut reader) = self.backend.reader(&self.grant.name, key, range).await? else { return Ok(None) };
        let info = reader.info().clone();
        let wanted = Range::resolve(range, info.size)?;
        let length = wanted.end - wanted.start;
        if length > WHOLE_BYTES {
            return Err(Error::TooLarge(WHOLE_BYTES));
        }
        let mut data = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        loop {
            let chunk = reader.read(CHUNK_BYTES).await?;
            if chunk.is_empty() {
                return Ok(Some(Object { info, data }));
            }
            data.extend_from_slice(&chunk);
        }
    }

    pub async fn put(&self, key: &str, data: Vec<u8>, options: PutOptions) -> Result<ObjectInfo> {
        self.check(Right::Write, key)?;
        check_options(&options)?;
        if data.len() as u64 > WHOLE_BYTES {
            return Err(Error::TooLarge(WHOLE_BYTES));
        }
        self.backend.put(&self.grant.name, key, data, options).await
    }

    pub async fn copy(&self, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo> {
        self.check(Right::Read, source)?;
        self.check(Right::Write, destination)?;
        self.backend.copy(&self.grant.name, source, destination, when).await
    }

    pub async fn delete(&self, key: &str, when: Condition) -> Result<bool> {
        self.check(Right::Write, key)?;
        if when == Condition::IfAbsent {
            return Err(Error::Invalid("`if-absent` makes no sense for a delete".into()));
        }
        self.backend.delete(&self.grant.name, key, when).await
    }

    pub async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<bool>>> {
        require(&self.grant, Right::Write)?;
        if keys.is_empty() {
            return Err(Error::Invalid("the batch is empty".into()));
        }
        if keys.len() > DELETE_KEYS {
            return Err(Error::TooLarge(DELETE_KEYS as u64));
        }
        let mut answers = Vec::with_capacity(keys.len());
        for key in keys {
            answers.push(self.delete(key, Condition::Always).await);
        }
        Ok(answers)
    }

    pub async fn list(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Listing> {
        require(&self.grant, Right::Read)?;
        if !(1..=PAGE_OBJECTS).contains(&limit) {
            return Err(Error::Invalid(format!("`limit` is {limit}, it goes from 1 to {PAGE_OBJECTS}")));
        }
        if prefix.len() > KEY_BYTES {
            return Err(Error::TooLarge(KEY_BYTES as u64));
        }
        let delimiter = delimiter.map(check_delimiter).transpose()?;
        self.backend.list(&self.grant.name, prefix, delimiter, cursor, limit).await
    }

    /// [`Error::NotFound`] when there is no such object.
    pub async fn reader(&self, key: &str, range: Option<Range>) -> Result<Box<dyn Reader>> {
        self.check(Right::Read, key)?;
        self.backend.reader(&self.grant.name, key, range).await?.ok_or(Error::NotFound)
    }

    pub async fn writer(&self, key: &str, options: PutOptions) -> Result<Box<dyn Writer>> {
        self.check(Right::Write, key)?;
        check_options(&options)?;
        self.backend.writer(&self.grant.name, key, options).await
    }

    fn check(&self, right: Right, key: &str) -> Result<()> {
        require(&self.grant, right)?;
        check_key(key)
    }
}

impl Handle for Container {
    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self {
        Self { backend: transaction.blob(), ..self.clone() }
    }
}

/// Refuses a writer that would store its object beside the transaction of the invocation, because it was opened in an
/// earlier one that had none.
pub(super) fn check_writer(transaction: Option<&Arc<dyn Transaction>>, transactional: bool) -> Result<()> {
    if transaction.is_none() || transactional {
        return Ok(());
    }
    Err(Error::Invalid(
        "the writer is of an earlier invocation, outside of this one's transaction: open it anew".into(),
    ))
}

fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::Invalid("the key is empty".into()));
    }
    if key.len() > KEY_BYTES {
        return Err(Error::TooLarge(KEY_BYTES as u64));
    }
    if key.contains('\0') {
        return Err(Error::Invalid(format!("key {key:?} contains NUL")));
    }
    if key.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Error::Invalid(format!("key {key:?} has a segment `.` or `..`")));
    }
    Ok(())
}

fn check_delimiter(delimiter: &str) -> Result<char> {
    let mut chars = delimiter.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Error::Invalid(format!("delimiter {delimiter:?} is not one character"))),
    }
}

fn check_options(options: &PutOptions) -> Result<()> {
    if options.content_type.as_ref().is_some_and(|text| text.len() > CONTENT_TYPE_BYTES) {
        return Err(Error::TooLarge(CONTENT_TYPE_BYTES as u64));
    }
    let bytes: usize = options.metadata.iter().map(|pair| pair.name.len() + pair.value.len()).sum();
    if bytes > METADATA_BYTES {
        return Err(Error::TooLarge(METADATA_BYTES as u64));
    }
    for Attribute { name, .. } in &options.metadata {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || name.len() > METADATA_NAME_BYTES || !name.chars().all(fits) {
            return Err(Error::Invalid(format!("metadata name {name:?} does not match `[a-z0-9_.-]{{1,64}}`")));
        }
    }
    Ok(())
}
