//! Blobs in the embedded store: a row each, with the body in it when it is small and in a file of its own when not. The
//! file is on the disk before the row names it, and goes after the last row that did.

mod page;
mod transfer;

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Backend, Change, ChangeKind, Condition, Listing, ObjectInfo, PutOptions, Range, Reader, Writer};
use crate::services::sqlite::{
    Container, Durability, NewFile, Shared, Step, Writing, announce, int, nat, read_attributes, write_attributes,
};
use crate::services::{Error, Result};
pub(in crate::services) use page::{Page, Staged};
pub(in crate::services) use transfer::{Body, Download, Upload};
use transfer::{blocking, failed};

pub(crate) struct Blobs(pub(crate) Arc<Shared>);

#[async_trait]
impl Backend for Blobs {
    async fn container_exists(&self, container: &str) -> Result<bool> {
        Ok(self.0.catalog.container(container).is_ok())
    }

    async fn head(&self, container: &str, key: &str) -> Result<Option<ObjectInfo>> {
        let container = self.0.catalog.container(container)?.id;
        self.0.readers.read(|db| Ok(head(db, container, key)?))
    }

    async fn put(&self, container: &str, key: &str, data: Vec<u8>, options: PutOptions) -> Result<ObjectInfo> {
        let mut upload = Upload::new(&self.0, container, key, options)?;
        upload.append(data).await?;
        upload.store().await
    }

    async fn reader(&self, container: &str, key: &str, range: Option<Range>) -> Result<Option<Box<dyn Reader>>> {
        let container = self.0.catalog.container(container)?.id;
        let Some((info, body)) = open(&self.0, container, key).await? else { return Ok(None) };
        Ok(Some(Box::new(Download::new(info, body, range)?)))
    }

    async fn writer(&self, container: &str, key: &str, options: PutOptions) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Upload::new(&self.0, container, key, options)?))
    }

    async fn copy(&self, container: &str, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo> {
        let id = self.0.catalog.container(container)?.id;
        let (info, body) = open(&self.0, id, source).await?.ok_or(Error::NotFound)?;
        let options = PutOptions { content_type: info.content_type, metadata: info.metadata, when };
        let mut upload = Upload::new(&self.0, container, destination, options)?;
        upload.append_body(body).await?;
        upload.store().await
    }

    async fn delete(&self, container: &str, key: &str, when: Condition) -> Result<bool> {
        let container = self.0.catalog.container(container)?;
        let key = key.to_owned();
        let delete = move |writing: &mut Writing<'_>| delete(writing, &container, &key, &when);
        self.0.writer.write(Durability::Power, 0, delete).await
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        delimiter: Option<char>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listing> {
        let container = self.0.catalog.container(container)?.id;
        let page = Page { container, prefix, delimiter, limit: limit as usize, staged: &Staged::new() };
        self.0.readers.read(|db| Ok(page.read(db, after)?))
    }
}

/// The columns of [`read_info`].
const INFO: &str = "CAST(key AS TEXT), size, etag, content_type, modified_at, metadata";

fn read_info(row: &Row<'_>) -> rusqlite::Result<ObjectInfo> {
    Ok(ObjectInfo {
        key: row.get(0)?,
        size: nat(row.get(1)?),
        etag: row.get(2)?,
        content_type: row.get(3)?,
        modified_ms: nat(row.get(4)?),
        metadata: read_attributes(row.get_ref(5)?.as_str_or_null()?),
    })
}

pub(in crate::services) fn head(db: &Connection, container: i64, key: &str) -> rusqlite::Result<Option<ObjectInfo>> {
    db.prepare_cached(&format!("SELECT {INFO} FROM object WHERE container = ?1 AND key = ?2"))?
        .query_row(params![container, key.as_bytes()], read_info)
        .optional()
}

/// What a row says about its body.
enum Place {
    Inline(Vec<u8>),
    File(String),
}

fn find(db: &Connection, container: i64, key: &str) -> rusqlite::Result<Option<(ObjectInfo, Place)>> {
    db.prepare_cached(&format!("SELECT {INFO}, file, body FROM object WHERE container = ?1 AND key = ?2"))?
        .query_row(params![container, key.as_bytes()], |row| {
            let file: Option<String> = row.get(6)?;
            let place = file.map_or_else(|| row.get(7).map(Place::Inline), |file| Ok(Place::File(file)))?;
            Ok((read_info(row)?, place))
        })
        .optional()
}

/// The object and its body. A file that went before it could be opened belonged to an object just replaced or deleted:
/// then the row is looked up again.
pub(in crate::services) async fn open(
    shared: &Arc<Shared>,
    container: i64,
    key: &str,
) -> Result<Option<(ObjectInfo, Body)>> {
    let mut gone = None;
    loop {
        let (info, file) = match shared.readers.read(|db| Ok(find(db, container, key)?))? {
            None => return Ok(None),
            Some((info, Place::Inline(body))) => return Ok(Some((info, Body::Inline(body)))),
            Some((info, Place::File(file))) => (info, file),
        };
        if gone.as_ref() == Some(&file) {
            return Err(Error::Unavailable(format!(
                "the file `{file}` of blob `{key}` is missing from the data folder"
            )));
        }
        let (files, name) = (Arc::clone(&shared.files), file.clone());
        match blocking(move || Ok(files.open_file(&name))).await? {
            Ok(opened) => return Ok(Some((info, Body::File(Arc::new(opened))))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => gone = Some(file),
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// An object to be stored under `key`, its body as `body` or as a file.
pub(in crate::services) struct NewObject {
    pub(in crate::services) container: Arc<Container>,
    pub(in crate::services) key: String,
    pub(in crate::services) options: PutOptions,
    pub(in crate::services) size: u64,
    pub(in crate::services) body: Option<Vec<u8>>,
    pub(in crate::services) file: Option<Arc<NewFile>>,
}

impl NewObject {
    /// What is told of it, stored at `now` under a new etag.
    pub(in crate::services) fn info(&self, now: i64) -> Result<ObjectInfo> {
        Ok(ObjectInfo {
            key: self.key.clone(),
            size: self.size,
            etag: new_etag()?,
            content_type: self.options.content_type.clone(),
            modified_ms: nat(now),
            metadata: self.options.metadata.clone(),
        })
    }
}

fn replace(writing: &mut Writing<'_>, object: &NewObject) -> Step<ObjectInfo> {
    let old = Old::find(writing.db, object.container.id, &object.key)?;
    object.options.when.check(old.as_ref().map(|old| old.etag.as_str()))?;
    let info = object.info(writing.now)?;
    store(writing, object, &info, old.and_then(|old| old.file))?;
    Ok(info)
}

/// Writes the object's row in the place of one whose body is in the file `old`.
pub(in crate::services) fn store(
    writing: &mut Writing<'_>,
    object: &NewObject,
    info: &ObjectInfo,
    old: Option<String>,
) -> Step<()> {
    let NewObject { container, body, file, .. } = object;
    insert(writing.db, container.id, info, file.as_ref().map(|file| file.name()), body.as_deref())?;
    if let Some(file) = file {
        writing.effects.adopt(Arc::clone(file));
    }
    if let Some(file) = old {
        writing.effects.discard(file);
    }
    tell(writing, container, || Change::created(&container.name, info))
}

fn insert(
    db: &Connection,
    container: i64,
    info: &ObjectInfo,
    file: Option<&str>,
    body: Option<&[u8]>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO object(container, key, etag, size, modified_at, content_type, metadata, file, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        container,
        info.key.as_bytes(),
        info.etag,
        int(info.size),
        int(info.modified_ms),
        info.content_type,
        write_attributes(&info.metadata),
        file,
        body,
    ])
    .map(drop)
}

pub(in crate::services) fn delete(
    writing: &mut Writing<'_>,
    container: &Container,
    key: &str,
    when: &Condition,
) -> Step<bool> {
    let old = Old::find(writing.db, container.id, key)?;
    when.check(old.as_ref().map(|old| old.etag.as_str()))?;
    let Some(Old { etag, size, file }) = old else { return Ok(false) };
    writing
        .db
        .prepare_cached("DELETE FROM object WHERE container = ?1 AND key = ?2")?
        .execute(params![container.id, key.as_bytes()])?;
    if let Some(file) = file {
        writing.effects.discard(file);
    }
    let change =
        || Change { container: container.name.clone(), key: key.into(), kind: ChangeKind::Removed, etag, size };
    tell(writing, container, change)?;
    Ok(true)
}

/// Puts the message about a change into the queues of those who watch.
fn tell(writing: &mut Writing<'_>, container: &Container, change: impl FnOnce() -> Change) -> Step<()> {
    if container.watches.is_empty() {
        return Ok(());
    }
    let change = change();
    announce(writing, change.takers(&container.watches), &change.key, &change)
}

/// An object that is about to go.
pub(in crate::services) struct Old {
    pub(in crate::services) etag: String,
    size: u64,
    pub(in crate::services) file: Option<String>,
}

impl Old {
    pub(in crate::services) fn find(db: &Connection, container: i64, key: &str) -> rusqlite::Result<Option<Self>> {
        db.prepare_cached("SELECT etag, size, file FROM object WHERE container = ?1 AND key = ?2")?
            .query_row(params![container, key.as_bytes()], |row| {
                Ok(Self { etag: row.get(0)?, size: nat(row.get(1)?), file: row.get(2)? })
            })
            .optional()
    }
}

/// Random: equal etags mean the same write, not merely the same bytes.
fn new_etag() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::Unavailable(format!("no random numbers: {error}")))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(random)))
}
