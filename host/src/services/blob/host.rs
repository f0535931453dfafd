//! `wasm-faas:function/blob` for guests.

use wasmtime::component::Resource;

use super::{CHUNK_BYTES, Condition, Container, Listing, ObjectInfo, PutOptions, Range, Reader, Writer, check_writer};
use crate::config::Service;
use crate::services::Error;
use crate::services::bindings::types;
use crate::services::bindings::{GuestError, blob};
use crate::services::host::{View, each, from_guest, to_guest};

type Result<T, E = GuestError> = std::result::Result<T, E>;

/// A guest's open reader.
pub struct GuestReader(Box<dyn Reader>);

/// A guest's open writer.
pub struct GuestWriter {
    /// `None` once finished.
    writer: Option<Box<dyn Writer>>,
    /// Whether it was opened in an invocation with a transaction, and stores nothing beside it.
    transactional: bool,
}

impl blob::Host for View<'_> {}

impl blob::HostContainer for View<'_> {
    async fn open(&mut self, name: String) -> Result<Resource<Container>> {
        let grant = self.access.grant(Service::Blob, &name)?;
        let container = Container::open(self.access.backends(&grant).blob.clone(), grant).await?;
        Ok(self.table.push(container)?)
    }

    async fn head(&mut self, container: Resource<Container>, key: String) -> Result<Option<blob::ObjectInfo>> {
        Ok(self.handle(&container)?.head(&key).await?.map(info))
    }

    async fn get(
        &mut self,
        container: Resource<Container>,
        key: String,
        range: Option<blob::Range>,
    ) -> Result<Option<blob::Object>> {
        let found = self.handle(&container)?.get(&key, range.map(Into::into)).await?;
        Ok(found.map(|object| blob::Object { info: info(object.info), data: object.data }))
    }

    async fn put(
        &mut self,
        container: Resource<Container>,
        key: String,
        data: Vec<u8>,
        options: blob::PutOptions,
    ) -> Result<blob::ObjectInfo> {
        Ok(info(self.handle(&container)?.put(&key, data, options.into()).await?))
    }

    async fn copy(
        &mut self,
        container: Resource<Container>,
        source: String,
        destination: String,
        when: blob::Condition,
    ) -> Result<blob::ObjectInfo> {
        Ok(info(self.handle(&container)?.copy(&source, &destination, when.into()).await?))
    }

    async fn delete(&mut self, container: Resource<Container>, key: String, when: blob::Condition) -> Result<bool> {
        Ok(self.handle(&container)?.delete(&key, when.into()).await?)
    }

    async fn delete_many(
        &mut self,
        container: Resource<Container>,
        keys: Vec<String>,
    ) -> Result<Vec<Result<bool, types::Error>>> {
        Ok(each(self.handle(&container)?.delete_many(&keys).await?, |was_there| was_there))
    }

    async fn list(
        &mut self,
        container: Resource<Container>,
        prefix: String,
        delimiter: Option<String>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<blob::Listing> {
        let container = self.handle(&container)?;
        let Listing { objects, prefixes, cursor } =
            container.list(&prefix, delimiter.as_deref(), cursor.as_deref(), limit).await?;
        Ok(blob::Listing { objects: objects.into_iter().map(info).collect(), prefixes, cursor })
    }

    async fn reader(
        &mut self,
        container: Resource<Container>,
        key: String,
        range: Option<blob::Range>,
    ) -> Result<Resource<GuestReader>> {
        let reader = self.handle(&container)?.reader(&key, range.map(Into::into)).await?;
        Ok(self.table.push(GuestReader(reader))?)
    }

    async fn writer(
        &mut self,
        container: Resource<Container>,
        key: String,
        options: blob::PutOptions,
    ) -> Result<Resource<GuestWriter>> {
        let writer = self.handle(&container)?.writer(&key, options.into()).await?;
        let transactional = self.context.transaction().is_some();
        Ok(self.table.push(GuestWriter { writer: Some(writer), transactional })?)
    }

    async fn presign(
        &mut self,
        container: Resource<Container>,
        _method: blob::Method,
        _key: String,
        _ttl_ms: u64,
    ) -> Result<String> {
        self.handle(&container)?;
        Err(Error::Unsupported("presign: no server answers for this store".into()).into())
    }

    async fn drop(&mut self, container: Resource<Container>) -> wasmtime::Result<()> {
        self.table.delete(container)?;
        Ok(())
    }
}

impl blob::HostReader for View<'_> {
    async fn info(&mut self, reader: Resource<GuestReader>) -> wasmtime::Result<blob::ObjectInfo> {
        Ok(info(self.table.get(&reader)?.0.info().clone()))
    }

    async fn read(&mut self, reader: Resource<GuestReader>, max: u32) -> Result<Vec<u8>> {
        let max = usize::try_from(max).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        if max == 0 {
            return Err(Error::Invalid("`max` is 0".into()).into());
        }
        Ok(self.table.get_mut(&reader)?.0.read(max).await?)
    }

    async fn drop(&mut self, reader: Resource<GuestReader>) -> wasmtime::Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl blob::HostWriter for View<'_> {
    async fn write(&mut self, writer: Resource<GuestWriter>, chunk: Vec<u8>) -> Result<()> {
        if chunk.len() > CHUNK_BYTES {
            return Err(Error::TooLarge(CHUNK_BYTES as u64).into());
        }
        let writer = self.table.get_mut(&writer)?.writer.as_mut().ok_or_else(finished)?;
        Ok(writer.write(chunk).await?)
    }

    async fn finish(&mut self, writer: Resource<GuestWriter>) -> Result<blob::ObjectInfo> {
        let GuestWriter { writer, transactional } = self.table.get_mut(&writer)?;
        check_writer(self.context.transaction(), *transactional)?;
        let writer = writer.take().ok_or_else(finished)?;
        Ok(info(writer.finish().await?))
    }

    async fn drop(&mut self, writer: Resource<GuestWriter>) -> wasmtime::Result<()> {
        self.table.delete(writer)?;
        Ok(())
    }
}

fn finished() -> Error {
    Error::Invalid("the writer is finished".into())
}

fn info(info: ObjectInfo) -> blob::ObjectInfo {
    blob::ObjectInfo {
        key: info.key,
        size: info.size,
        etag: info.etag,
        content_type: info.content_type,
        modified_ms: info.modified_ms,
        metadata: to_guest(info.metadata),
    }
}

impl From<blob::Range> for Range {
    fn from(blob::Range { start, length }: blob::Range) -> Self {
        Self { start, length }
    }
}

impl From<blob::Condition> for Condition {
    fn from(condition: blob::Condition) -> Self {
        match condition {
            blob::Condition::Always => Self::Always,
            blob::Condition::IfAbsent => Self::IfAbsent,
            blob::Condition::IfMatch(etag) => Self::IfMatch(etag),
        }
    }
}

impl From<blob::PutOptions> for PutOptions {
    fn from(blob::PutOptions { content_type, metadata, when }: blob::PutOptions) -> Self {
        Self { content_type, metadata: from_guest(metadata), when: when.into() }
    }
}
