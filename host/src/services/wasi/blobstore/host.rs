//! `wasi:blobstore` for guests.

use std::future::poll_fn;

use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

use super::incoming::Chunks;
use super::outgoing::{Body, Writable};
use super::{Incoming, Names, Outgoing, Place, Told, clear, copy, delete_all, exists, no_object, open, rename};
use crate::services::Error;
use crate::services::blob::{Condition, Container, ObjectInfo};
use crate::services::host::View;
use crate::services::wasi::bindings::BlobError;
use crate::services::wasi::bindings::wasi::blobstore::{blobstore, container, types};

type Result<T, E = BlobError> = std::result::Result<T, E>;

/// What a guest may write before it has to ask again.
const PERMIT: usize = 64 << 10;

impl blobstore::Host for View<'_> {
    /// Makes none: a container that is granted and there is answered, any other is an error.
    async fn create_container(&mut self, name: String) -> Result<Resource<Container>> {
        self.get_container(name).await
    }

    async fn get_container(&mut self, name: String) -> Result<Resource<Container>> {
        let container = open(self.access, &name).await?;
        Ok(self.table.push(container)?)
    }

    async fn delete_container(&mut self, name: String) -> Result<()> {
        Err(Told(format!("unsupported: container `{name}` cannot be deleted here; the operator provides containers")))?
    }

    async fn container_exists(&mut self, name: String) -> Result<bool> {
        Ok(exists(self.access, &name).await?)
    }

    async fn copy_object(&mut self, source: types::ObjectId, destination: types::ObjectId) -> Result<()> {
        let (source, destination) = (self.place(source).await?, self.place(destination).await?);
        Ok(copy(&source, &destination).await?)
    }

    async fn move_object(&mut self, source: types::ObjectId, destination: types::ObjectId) -> Result<()> {
        let (source, destination) = (self.place(source).await?, self.place(destination).await?);
        Ok(rename(&source, &destination).await?)
    }
}

impl View<'_> {
    async fn place(&mut self, id: types::ObjectId) -> Result<Place, Told> {
        let container = open(self.access, &id.container).await?;
        Ok(Place { container: self.joined(container), name: id.object })
    }
}

impl container::Host for View<'_> {}

impl container::HostContainer for View<'_> {
    async fn name(&mut self, container: Resource<Container>) -> Result<String> {
        Ok(self.table.get(&container)?.name().to_owned())
    }

    /// When it was made is not known: 0.
    async fn info(&mut self, container: Resource<Container>) -> Result<container::ContainerMetadata> {
        let name = self.table.get(&container)?.name().to_owned();
        Ok(container::ContainerMetadata { name, created_at: 0 })
    }

    async fn get_data(
        &mut self,
        container: Resource<Container>,
        name: String,
        start: u64,
        end: u64,
    ) -> Result<Resource<Incoming>> {
        let incoming = Incoming::open(&*self.handle(&container)?, &name, start, end).await?;
        Ok(self.table.push(incoming)?)
    }

    async fn write_data(
        &mut self,
        container: Resource<Container>,
        name: String,
        data: Resource<Outgoing>,
    ) -> Result<()> {
        let body = self.table.get(&data)?.body();
        Ok(body.direct(&*self.handle(&container)?, &name, self.context.transaction().is_some()).await?)
    }

    async fn list_objects(&mut self, container: Resource<Container>) -> Result<Resource<Names>> {
        let names = Names::new(self.handle(&container)?.into_owned());
        Ok(self.table.push(names)?)
    }

    async fn delete_object(&mut self, container: Resource<Container>, name: String) -> Result<()> {
        self.handle(&container)?.delete(&name, Condition::Always).await?;
        Ok(())
    }

    async fn delete_objects(&mut self, container: Resource<Container>, names: Vec<String>) -> Result<()> {
        Ok(delete_all(&*self.handle(&container)?, &names).await?)
    }

    async fn has_object(&mut self, container: Resource<Container>, name: String) -> Result<bool> {
        Ok(self.handle(&container)?.head(&name).await?.is_some())
    }

    async fn object_info(&mut self, container: Resource<Container>, name: String) -> Result<container::ObjectMetadata> {
        let container = self.handle(&container)?;
        let found = container.head(&name).await?;
        let ObjectInfo { key, size, modified_ms, .. } =
            found.ok_or(Error::NotFound).map_err(no_object(&container, &name))?;
        let container = container.name().to_owned();
        Ok(container::ObjectMetadata { name: key, container, created_at: modified_ms / 1000, size })
    }

    async fn clear(&mut self, container: Resource<Container>) -> Result<()> {
        Ok(clear(&*self.handle(&container)?).await?)
    }

    async fn drop(&mut self, container: Resource<Container>) -> wasmtime::Result<()> {
        self.table.delete(container)?;
        Ok(())
    }
}

impl container::HostStreamObjectNames for View<'_> {
    async fn read_stream_object_names(&mut self, names: Resource<Names>, count: u64) -> Result<(Vec<String>, bool)> {
        Ok(self.table.get_mut(&names)?.read(count).await?)
    }

    async fn skip_stream_object_names(&mut self, names: Resource<Names>, count: u64) -> Result<(u64, bool)> {
        Ok(self.table.get_mut(&names)?.skip(count).await?)
    }

    async fn drop(&mut self, names: Resource<Names>) -> wasmtime::Result<()> {
        self.table.delete(names)?;
        Ok(())
    }
}

impl types::Host for View<'_> {
    fn convert_error(&mut self, error: BlobError) -> wasmtime::Result<String> {
        match error {
            BlobError::Answer(text) => Ok(text),
            BlobError::Trap(error) => Err(error),
        }
    }
}

impl types::HostOutgoingValue for View<'_> {
    async fn new_outgoing_value(&mut self) -> wasmtime::Result<Resource<Outgoing>> {
        Ok(self.table.push(Outgoing::new(self.budget))?)
    }

    async fn outgoing_value_write_body(
        &mut self,
        value: Resource<Outgoing>,
    ) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        let Some(body) = self.table.get_mut(&value)?.stream() else { return Ok(Err(())) };
        let stream: DynOutputStream = Box::new(WriteStream(body));
        Ok(Ok(self.table.push_child(stream, &value)?))
    }

    async fn finish(&mut self, value: Resource<Outgoing>) -> Result<()> {
        Ok(self.table.delete(value)?.finish(self.context.transaction()).await?)
    }

    async fn drop(&mut self, value: Resource<Outgoing>) -> wasmtime::Result<()> {
        self.table.delete(value)?;
        Ok(())
    }
}

impl types::HostIncomingValue for View<'_> {
    async fn incoming_value_consume_sync(&mut self, value: Resource<Incoming>) -> Result<Vec<u8>> {
        Ok(self.table.delete(value)?.whole().await?)
    }

    async fn incoming_value_consume_async(&mut self, value: Resource<Incoming>) -> Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(ReadStream(Chunks::new(self.table.delete(value)?)));
        Ok(self.table.push(stream)?)
    }

    async fn size(&mut self, value: Resource<Incoming>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&value)?.size())
    }

    async fn drop(&mut self, value: Resource<Incoming>) -> wasmtime::Result<()> {
        self.table.delete(value)?;
        Ok(())
    }
}

/// The bytes of an outgoing value.
struct WriteStream(Body);

#[async_trait::async_trait]
impl Pollable for WriteStream {
    async fn ready(&mut self) {
        self.0.written().await;
    }
}

impl OutputStream for WriteStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.push(&bytes).map_err(failed)
    }

    /// Nothing is held back: a guest may write again once all is with the backend.
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match self.0.writable() {
            Writable::Now => Ok(PERMIT),
            Writable::Later => Ok(0),
            Writable::Failed(error) => Err(failed(error)),
            Writable::Closed => Err(StreamError::Closed),
        }
    }
}

/// The bytes of an incoming value.
struct ReadStream(Chunks);

#[async_trait::async_trait]
impl Pollable for ReadStream {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_ahead(cx)).await;
    }
}

impl InputStream for ReadStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.take(size).map_err(failed)?.ok_or(StreamError::Closed)
    }
}

fn failed(error: Error) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::new(error))
}
