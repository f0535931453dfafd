//! Containers of blobs.
//!
//! A key is 1 to 1,024 bytes of UTF-8 without NUL, and none of its segments between `/` is `.` or `..`. An object is
//! replaced as a whole: a reader sees the old one or the new one, to its end.

use std::time::{Duration, SystemTime};

use crate::bindings::function::wasm_faas::function::blob as raw;
use crate::time::{instant, millis};
use crate::{Attributes, Result, ServiceError};

/// A container that the function may use. Dropping it gives its handle back to the host.
#[derive(Debug)]
pub struct Container(raw::Container);

impl Container {
    /// Errors: `AccessDenied`, `NotFound`, `Unavailable`.
    pub fn open(name: &str) -> Result<Self, ServiceError> {
        Ok(Self(raw::Container::open(name)?))
    }

    /// None when there is no such object.
    pub fn head(&self, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        Ok(self.0.head(key)?.map(Into::into))
    }

    /// The whole object of at most 8 MiB: `TooLarge` beyond, use [`reader`](Self::reader). None when there is no such
    /// object.
    pub fn get(&self, key: &str) -> Result<Option<Object>, ServiceError> {
        Ok(self.0.get(key, None)?.map(Into::into))
    }

    /// As [`get`](Self::get), for a part of at most 8 MiB. Errors: `Invalid` when it starts at or beyond the end.
    pub fn get_range(&self, key: &str, range: impl Into<Range>) -> Result<Option<Object>, ServiceError> {
        Ok(self.0.get(key, Some(range.into().into()))?.map(Into::into))
    }

    /// Stores a whole object of at most 8 MiB; use [`writer`](Self::writer) beyond.
    pub fn put(&self, key: &str, data: impl AsRef<[u8]>) -> Result<ObjectInfo, ServiceError> {
        self.put_with(key, data, PutOptions::default())
    }

    /// As [`put`](Self::put), with a content type, metadata or a condition. Errors: `Conflict` when it does not hold.
    pub fn put_with(&self, key: &str, data: impl AsRef<[u8]>, options: PutOptions) -> Result<ObjectInfo, ServiceError> {
        Ok(self.0.put(key, data.as_ref(), &options.into())?.into())
    }

    /// Within the container, content type and metadata with it. Errors: `NotFound`, `Conflict`.
    pub fn copy(&self, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo, ServiceError> {
        Ok(self.0.copy(source, destination, &when.into())?.into())
    }

    /// True when there was one.
    pub fn delete(&self, key: &str) -> Result<bool, ServiceError> {
        self.delete_if(key, Condition::Always)
    }

    /// As [`delete`](Self::delete), on a condition. Errors: `Conflict` when it does not hold, `Invalid` for `IfAbsent`.
    pub fn delete_if(&self, key: &str, when: Condition) -> Result<bool, ServiceError> {
        Ok(self.0.delete(key, &when.into())?)
    }

    /// 1 to 1,000 keys, an answer for each.
    pub fn delete_many(
        &self,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Result<bool, ServiceError>>, ServiceError> {
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        Ok(self.0.delete_many(&keys)?.into_iter().map(|answer| answer.map_err(Into::into)).collect())
    }

    /// Objects whose key starts with `prefix`, `limit` from 1 to 1,000, prefixes counted; `cursor` is the one of the
    /// listing before. With a `delimiter` of one character, keys that hold it after the prefix are summed up in
    /// [`Listing::prefixes`].
    pub fn list(
        &self,
        prefix: &str,
        delimiter: Option<char>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Listing, ServiceError> {
        let delimiter = delimiter.map(String::from);
        Ok(self.0.list(prefix, delimiter.as_deref(), cursor, limit)?.into())
    }

    /// Errors: `NotFound`.
    pub fn reader(&self, key: &str) -> Result<Reader, ServiceError> {
        Ok(Reader(self.0.reader(key, None)?))
    }

    /// As [`reader`](Self::reader), for a part. Errors: `Invalid` when it starts at or beyond the end.
    pub fn reader_range(&self, key: &str, range: impl Into<Range>) -> Result<Reader, ServiceError> {
        Ok(Reader(self.0.reader(key, Some(range.into().into()))?))
    }

    /// An object of up to 5 GiB in pieces; it appears at [`Writer::finish`], and its condition is decided then.
    pub fn writer(&self, key: &str, options: PutOptions) -> Result<Writer, ServiceError> {
        Ok(Writer(self.0.writer(key, &options.into())?))
    }

    /// A URL that lets its holder get or put this one object without more rights, for 1 second to 7 days.
    pub fn presign(&self, method: Method, key: &str, ttl: Duration) -> Result<String, ServiceError> {
        let method = match method {
            Method::Get => raw::Method::Get,
            Method::Put => raw::Method::Put,
        };
        Ok(self.0.presign(method, key, millis(ttl))?)
    }
}

/// Keeps seeing the object as it was when opened.
#[derive(Debug)]
pub struct Reader(raw::Reader);

impl Reader {
    pub fn info(&self) -> ObjectInfo {
        self.0.info().into()
    }

    /// The next bytes, at most `max` and at most 1 MiB; empty at the end.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>, ServiceError> {
        Ok(self.0.read(max)?)
    }
}

/// Dropped without [`finish`](Self::finish), it stores nothing.
#[derive(Debug)]
pub struct Writer(raw::Writer);

impl Writer {
    /// At most 1 MiB a call.
    pub fn write(&mut self, chunk: impl AsRef<[u8]>) -> Result<(), ServiceError> {
        Ok(self.0.write(chunk.as_ref())?)
    }

    /// Stores the object, durably.
    pub fn finish(self) -> Result<ObjectInfo, ServiceError> {
        Ok(self.0.finish()?.into())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Changes with the content; opaque.
    pub etag: String,
    pub content_type: Option<String>,
    pub modified: SystemTime,
    pub metadata: Attributes,
}

impl From<raw::ObjectInfo> for ObjectInfo {
    fn from(info: raw::ObjectInfo) -> Self {
        Self {
            key: info.key,
            size: info.size,
            etag: info.etag,
            content_type: info.content_type,
            modified: instant(info.modified_ms),
            metadata: info.metadata.into(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub info: ObjectInfo,
    pub data: Vec<u8>,
}

impl From<raw::Object> for Object {
    fn from(raw::Object { info, data }: raw::Object) -> Self {
        Self { info: info.into(), data }
    }
}

/// When a write applies; otherwise it answers `Conflict` and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    Always,
    IfAbsent,
    /// The object is there and has this etag.
    IfMatch(String),
}

impl From<Condition> for raw::Condition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Always => Self::Always,
            Condition::IfAbsent => Self::IfAbsent,
            Condition::IfMatch(etag) => Self::IfMatch(etag),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    pub content_type: Option<String>,
    /// Names in lower-case ASCII `[a-z0-9_.-]{1,64}`, together at most 2 KiB.
    pub metadata: Attributes,
    pub when: Condition,
}

impl From<PutOptions> for raw::PutOptions {
    fn from(options: PutOptions) -> Self {
        Self { content_type: options.content_type, metadata: options.metadata.into(), when: options.when.into() }
    }
}

/// Part of an object, in bytes; `10..20` and `10..` convert into one. A length beyond the end is cut there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: u64,
    /// To the end when none.
    pub length: Option<u64>,
}

impl From<std::ops::Range<u64>> for Range {
    fn from(range: std::ops::Range<u64>) -> Self {
        Self { start: range.start, length: Some(range.end.saturating_sub(range.start)) }
    }
}

impl From<std::ops::RangeFrom<u64>> for Range {
    fn from(range: std::ops::RangeFrom<u64>) -> Self {
        Self { start: range.start, length: None }
    }
}

impl From<Range> for raw::Range {
    fn from(Range { start, length }: Range) -> Self {
        Self { start, length }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// In byte order of their keys.
    pub objects: Vec<ObjectInfo>,
    /// With a delimiter: the distinct beginnings, up to and with the delimiter, of keys not listed themselves. In byte
    /// order.
    pub prefixes: Vec<String>,
    /// Give it to the next call; none after the last page.
    pub cursor: Option<String>,
}

impl From<raw::Listing> for Listing {
    fn from(listing: raw::Listing) -> Self {
        Self {
            objects: listing.objects.into_iter().map(Into::into).collect(),
            prefixes: listing.prefixes,
            cursor: listing.cursor,
        }
    }
}

/// What the holder of a presigned URL may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Put,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_range_becomes_start_and_length() {
        assert_eq!(Range::from(10..25), Range { start: 10, length: Some(15) });
        assert_eq!(Range::from(10..), Range { start: 10, length: None });
        let backwards = std::ops::Range { start: 10, end: 5 };
        assert_eq!(Range::from(backwards), Range { start: 10, length: Some(0) });
    }
}
