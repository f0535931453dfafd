//! Bodies on their way in and out. Work on files is done on threads that may block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{NewObject, replace};
use crate::services::blob::{CHUNK_BYTES, OBJECT_BYTES, ObjectInfo, PutOptions, Range, Reader, Writer};
use crate::services::sqlite::{Container, Durability, Files, NewFile, Shared};
use crate::services::{Error, Result};

/// Larger bodies get a file.
const INLINE_BYTES: usize = 32 << 10;

/// The body of an object that is there, independent of what happens to the object from now on.
pub(in crate::services) enum Body {
    Inline(Vec<u8>),
    File(Arc<File>),
}

pub(in crate::services) struct Download {
    info: ObjectInfo,
    body: Body,
    /// What is still to be read.
    rest: std::ops::Range<u64>,
}

impl Download {
    pub(in crate::services) fn new(info: ObjectInfo, body: Body, range: Option<Range>) -> Result<Self> {
        let rest = Range::resolve(range, info.size)?;
        Ok(Self { info, body, rest })
    }
}

#[async_trait]
impl Reader for Download {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&mut self, max: usize) -> Result<Vec<u8>> {
        let start = self.rest.start;
        let length = (max.min(CHUNK_BYTES) as u64).min(self.rest.end.saturating_sub(start));
        let length = usize::try_from(length).unwrap_or(CHUNK_BYTES);
        let chunk = match &self.body {
            _ if length == 0 => Vec::new(),
            Body::Inline(body) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                body.get(start..start.saturating_add(length)).unwrap_or_default().to_vec()
            }
            Body::File(file) => read_file(file, start, length).await?,
        };
        self.rest.start += chunk.len() as u64;
        Ok(chunk)
    }
}

async fn read_file(file: &Arc<File>, start: u64, length: usize) -> Result<Vec<u8>> {
    let file = Arc::clone(file);
    blocking(move || {
        let mut chunk = vec![0; length];
        file.read_exact_at(&mut chunk, start)?;
        Ok(chunk)
    })
    .await
}

pub(in crate::services) struct Upload {
    shared: Arc<Shared>,
    container: Arc<Container>,
    key: String,
    options: PutOptions,
    size: u64,
    draft: Draft,
}

enum Draft {
    Inline(Vec<u8>),
    File(NewFile),
    /// An error, or a caller that went away in the middle, left it incomplete.
    Spoilt,
}

impl Upload {
    pub(in crate::services) fn new(
        shared: &Arc<Shared>,
        container: &str,
        key: &str,
        options: PutOptions,
    ) -> Result<Self> {
        let container = shared.catalog.container(container)?;
        let draft = Draft::Inline(Vec::new());
        Ok(Self { shared: Arc::clone(shared), container, key: key.into(), options, size: 0, draft })
    }

    pub(in crate::services) async fn append(&mut self, chunk: Vec<u8>) -> Result<()> {
        let size = self.size.saturating_add(chunk.len() as u64);
        if size > OBJECT_BYTES {
            return Err(Error::TooLarge(OBJECT_BYTES));
        }
        self.draft = match std::mem::replace(&mut self.draft, Draft::Spoilt) {
            Draft::Inline(mut body) if body.len() + chunk.len() <= INLINE_BYTES => {
                body.extend_from_slice(&chunk);
                Draft::Inline(body)
            }
            draft => {
                let files = Arc::clone(&self.shared.files);
                let append = move || {
                    let mut file = draft.into_file(|| files.create())?;
                    file.write(&chunk)?;
                    Ok(Draft::File(file))
                };
                blocking(append).await?
            }
        };
        self.size = size;
        Ok(())
    }

    async fn append_file(&mut self, source: Arc<File>) -> Result<()> {
        let files = Arc::clone(&self.shared.files);
        let copy = move || {
            let mut file = files.create()?;
            let size = file.copy_from(&mut &*source)?;
            Ok((file, size))
        };
        let (file, size) = blocking(copy).await?;
        (self.draft, self.size) = (Draft::File(file), size);
        Ok(())
    }

    /// Takes what another object has.
    pub(in crate::services) async fn append_body(&mut self, body: Body) -> Result<()> {
        match body {
            Body::Inline(body) => self.append(body).await,
            Body::File(file) => self.append_file(file).await,
        }
    }

    /// The object, its file durable, and still without a row.
    pub(in crate::services) async fn object(self) -> Result<NewObject> {
        let (body, file) = match self.draft {
            Draft::Inline(body) => (Some(body), None),
            Draft::File(mut file) => (None, Some(blocking(move || file.store().map(|()| Arc::new(file))).await?)),
            Draft::Spoilt => return Err(failed(&spoilt())),
        };
        let Self { container, key, options, size, .. } = self;
        Ok(NewObject { container, key, options, size, body, file })
    }

    pub(super) async fn store(self) -> Result<ObjectInfo> {
        let shared = Arc::clone(&self.shared);
        let object = self.object().await?;
        let bytes = object.body.as_ref().map_or(0, Vec::len);
        shared.writer.write(Durability::Power, bytes, move |writing| replace(writing, &object)).await
    }
}

impl Draft {
    fn into_file(self, create: impl FnOnce() -> io::Result<NewFile>) -> io::Result<NewFile> {
        match self {
            Self::Inline(body) => {
                let mut file = create()?;
                file.write(&body)?;
                Ok(file)
            }
            Self::File(file) => Ok(file),
            Self::Spoilt => Err(spoilt()),
        }
    }
}

#[async_trait]
impl Writer for Upload {
    async fn write(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.append(chunk).await
    }

    async fn finish(self: Box<Self>) -> Result<ObjectInfo> {
        self.store().await
    }
}

fn spoilt() -> io::Error {
    io::Error::other("an earlier write of this object failed")
}

impl NewObject {
    /// The body, from where it lies until its row is there.
    pub(in crate::services) async fn open(&self, files: &Arc<Files>) -> Result<Body> {
        let Some(file) = &self.file else { return Ok(Body::Inline(self.body.clone().unwrap_or_default())) };
        let (files, name) = (Arc::clone(files), file.name().to_owned());
        Ok(Body::File(Arc::new(blocking(move || files.open_file(&name)).await?)))
    }
}

/// Runs `work` on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).and_then(|result| result).map_err(|error| failed(&error))
}

pub(super) fn failed(error: &io::Error) -> Error {
    Error::Unavailable(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the store's disk is full".into(),
        _ => format!("the store's blob files: {error}"),
    })
}
