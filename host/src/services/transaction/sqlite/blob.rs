//! Containers inside a transaction: bodies are where they will stay, rows come with the commit.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::overlay::Staged;
use super::{Pending, State};
use crate::services::blob::sqlite::{self, Body, Download, NewObject, Old, Page, Upload, head, open, store};
use crate::services::blob::{Backend, Condition, Listing, ObjectInfo, PutOptions, Range, Reader, Writer};
use crate::services::sqlite::{Shared, Step, Writing};
use crate::services::{Error, Result};

/// An object that waits for its row.
pub(super) struct Object {
    new: NewObject,
    info: ObjectInfo,
}

#[async_trait]
impl Backend for Pending {
    async fn container_exists(&self, container: &str) -> Result<bool> {
        Ok(self.shared.catalog.container(container).is_ok())
    }

    async fn head(&self, container: &str, key: &str) -> Result<Option<ObjectInfo>> {
        self.with(|state| state.head(&self.shared, container, key))
    }

    async fn put(&self, container: &str, key: &str, data: Vec<u8>, options: PutOptions) -> Result<ObjectInfo> {
        let mut upload = Upload::new(&self.shared, container, key, options)?;
        upload.append(data).await?;
        self.stage_object(container, upload).await
    }

    async fn reader(&self, container: &str, key: &str, range: Option<Range>) -> Result<Option<Box<dyn Reader>>> {
        let Some((info, body)) = self.open_object(container, key).await? else { return Ok(None) };
        Ok(Some(Box::new(Download::new(info, body, range)?)))
    }

    async fn writer(&self, container: &str, key: &str, options: PutOptions) -> Result<Box<dyn Writer>> {
        let upload = Upload::new(&self.shared, container, key, options)?;
        Ok(Box::new(PendingUpload { pending: self.clone(), container: container.into(), upload }))
    }

    async fn copy(&self, container: &str, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo> {
        let (info, body) = self.open_object(container, source).await?.ok_or(Error::NotFound)?;
        let options = PutOptions { content_type: info.content_type, metadata: info.metadata, when };
        let mut upload = Upload::new(&self.shared, container, destination, options)?;
        upload.append_body(body).await?;
        self.stage_object(container, upload).await
    }

    async fn delete(&self, container: &str, key: &str, when: Condition) -> Result<bool> {
        self.with(|state| {
            let found = state.head(&self.shared, container, key)?;
            when.check(found.as_ref().map(|info| info.etag.as_str()))?;
            if found.is_some() {
                state.stage_object(container, key, Staged::Removed)?;
            }
            Ok(found.is_some())
        })
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        delimiter: Option<char>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listing> {
        let id = self.shared.catalog.container(container)?.id;
        let staged = self.with(|state| Ok(state.listed(container)))?;
        let page = Page { container: id, prefix, delimiter, limit: limit as usize, staged: &staged };
        self.shared.readers.read(|db| Ok(page.read(db, after)?))
    }
}

impl Pending {
    async fn open_object(&self, container: &str, key: &str) -> Result<Option<(ObjectInfo, Body)>> {
        let id = self.shared.catalog.container(container)?.id;
        let staged = self.with(|state| Ok(state.blobs.staged(container, key).map(Staged::object)))?;
        match staged {
            Some(None) => Ok(None),
            Some(Some(object)) => Ok(Some((object.info.clone(), object.new.open(&self.shared.files).await?))),
            None => {
                let found = open(&self.shared, id, key).await?;
                let etag = found.as_ref().map(|(info, _)| info.etag.clone());
                self.with(|state| state.blobs.saw(container, key, etag))?;
                Ok(found)
            }
        }
    }

    /// Decides the condition; a file that is refused goes with the upload.
    async fn stage_object(&self, container: &str, upload: Upload) -> Result<ObjectInfo> {
        let new = upload.object().await?;
        // One hold of the state for both: a guest's writers run side by side, and one of them must see the other's object.
        self.with(|state| {
            if new.options.when != Condition::Always {
                let found = state.head(&self.shared, container, &new.key)?;
                new.options.when.check(found.as_ref().map(|info| info.etag.as_str()))?;
            }
            let info = new.info(self.shared.now())?;
            let (key, told) = (new.key.clone(), info.clone());
            state.stage_object(container, &key, Staged::Put(Arc::new(Object { new, info })))?;
            Ok(told)
        })
    }
}

struct PendingUpload {
    pending: Pending,
    container: String,
    upload: Upload,
}

#[async_trait]
impl Writer for PendingUpload {
    async fn write(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.upload.append(chunk).await
    }

    async fn finish(self: Box<Self>) -> Result<ObjectInfo> {
        self.pending.stage_object(&self.container, self.upload).await
    }
}

impl Staged<Arc<Object>> {
    fn object(&self) -> Option<Arc<Object>> {
        match self {
            Self::Put(object) => Some(Arc::clone(object)),
            Self::Removed => None,
        }
    }

    fn info(&self) -> Option<&ObjectInfo> {
        match self {
            Self::Put(object) => Some(&object.info),
            Self::Removed => None,
        }
    }

    fn size(&self, key: &str) -> usize {
        let body = match self {
            Self::Put(object) => object.new.body.as_ref(),
            Self::Removed => None,
        };
        key.len() + body.map_or(0, Vec::len)
    }
}

impl State {
    fn head(&mut self, shared: &Shared, container: &str, key: &str) -> Result<Option<ObjectInfo>> {
        let id = shared.catalog.container(container)?.id;
        if let Some(staged) = self.blobs.staged(container, key) {
            return Ok(staged.info().cloned());
        }
        let found = shared.readers.read(|db| Ok(head(db, id, key)?))?;
        self.blobs.saw(container, key, found.as_ref().map(|info| info.etag.clone()))?;
        Ok(found)
    }

    fn stage_object(&mut self, container: &str, key: &str, staged: Staged<Arc<Object>>) -> Result<()> {
        let old = self.blobs.staged(container, key).map(|old| old.size(key));
        self.held.replace(old, staged.size(key))?;
        self.blobs.stage(container, key, staged);
        Ok(())
    }

    /// What a listing of the container shows in the place of stored objects.
    fn listed(&self, container: &str) -> sqlite::Staged {
        let staged = self.blobs.staged_in(container);
        staged.map(|(key, staged)| (key.as_bytes().to_vec(), staged.info().cloned())).collect()
    }

    /// The first object that is no longer the one that was seen.
    pub(super) fn changed_object(&self, writing: &Writing<'_>) -> Step<Option<String>> {
        for (container, key, known) in self.blobs.iter() {
            let Some(seen) = &known.seen else { continue };
            let now = Old::find(writing.db, writing.catalog.container(container)?.id, key)?;
            if now.map(|old| old.etag) != seen.version {
                return Ok(Some(format!("object `{key}` of container `{container}` was changed")));
            }
        }
        Ok(None)
    }

    pub(super) fn apply_blobs(&self, writing: &mut Writing<'_>) -> Step<()> {
        for (container, key, known) in self.blobs.iter() {
            let container = writing.catalog.container(container)?;
            match &known.staged {
                Some(Staged::Put(object)) => {
                    let old = Old::find(writing.db, container.id, key)?.and_then(|old| old.file);
                    store(writing, &object.new, &object.info, old)?;
                }
                Some(Staged::Removed) => {
                    sqlite::delete(writing, &container, key, &Condition::Always)?;
                }
                None => {}
            }
        }
        Ok(())
    }
}
