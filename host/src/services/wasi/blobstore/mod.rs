//! `wasi:blobstore` over our containers. Its errors are texts, so that ours arrive as they are.

mod host;
mod incoming;
mod outgoing;

pub use incoming::Incoming;
pub use outgoing::Outgoing;

use crate::config::Service;
use crate::services::blob::{CHUNK_BYTES, Condition, Container, DELETE_KEYS, PAGE_OBJECTS, PutOptions};
use crate::services::{Access, Error};

/// What a guest is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Told(pub(super) String);

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

type Result<T, E = Told> = std::result::Result<T, E>;

/// Bytes of names that one `read-stream-object-names` answers with.
const NAMES_BYTES: usize = 1 << 20;

async fn open(access: &Access, name: &str) -> Result<Container> {
    let grant = access.grant(Service::Blob, name)?;
    Container::open(access.backends(&grant).blob.clone(), grant).await.map_err(|error| match error {
        Error::NotFound => Told(format!("container `{name}` does not exist; the operator provides containers")),
        error => error.into(),
    })
}

/// Whether there is such a container; [`Error::AccessDenied`] without a grant, whether or not there is.
async fn exists(access: &Access, name: &str) -> Result<bool> {
    let grant = access.grant(Service::Blob, name)?;
    Ok(access.backends(&grant).blob.container_exists(&grant.name).await?)
}

fn no_object(container: &Container, name: &str) -> impl FnOnce(Error) -> Told {
    let text = format!("object `{name}` is not in container `{}`", container.name());
    |error| if error == Error::NotFound { Told(text) } else { error.into() }
}

/// An object's place: its container and its name.
struct Place {
    container: Container,
    name: String,
}

/// Content type and metadata go along. Between containers the bytes pass through the host.
async fn copy(source: &Place, destination: &Place) -> Result<()> {
    let missing = no_object(&source.container, &source.name);
    if source.container.name() == destination.container.name() {
        let copied = source.container.copy(&source.name, &destination.name, Condition::Always).await;
        return copied.map(|_| ()).map_err(missing);
    }
    let mut reader = source.container.reader(&source.name, None).await.map_err(missing)?;
    let info = reader.info();
    let options = PutOptions {
        content_type: info.content_type.clone(),
        metadata: info.metadata.clone(),
        when: Condition::Always,
    };
    let mut writer = destination.container.writer(&destination.name, options).await?;
    loop {
        let chunk = reader.read(CHUNK_BYTES).await?;
        if chunk.is_empty() {
            writer.finish().await?;
            return Ok(());
        }
        writer.write(chunk).await?;
    }
}

/// A copy, then a delete: who looks in between sees both.
async fn rename(source: &Place, destination: &Place) -> Result<()> {
    copy(source, destination).await?;
    let stays = source.container.name() == destination.container.name() && source.name == destination.name;
    if !stays {
        source.container.delete(&source.name, Condition::Always).await?;
    }
    Ok(())
}

/// Objects that are not there are fine; the first error of another kind ends it.
async fn delete_all(container: &Container, names: &[String]) -> Result<()> {
    for part in names.chunks(DELETE_KEYS) {
        for answer in container.delete_many(part).await? {
            answer?;
        }
    }
    Ok(())
}

/// Deletes page after page; objects written meanwhile may stay.
async fn clear(container: &Container) -> Result<()> {
    let mut names = Names::new(container.clone());
    while !names.ended {
        let page = names.page(PAGE_OBJECTS).await?;
        delete_all(container, &page).await?;
    }
    Ok(())
}

/// The names of a container's objects, in byte order, page after page.
pub struct Names {
    container: Container,
    cursor: Option<String>,
    ended: bool,
}

impl Names {
    fn new(container: Container) -> Self {
        Self { container, cursor: None, ended: false }
    }

    /// Up to `count` names and whether these were the last. Fewer than asked where their bytes pass [`NAMES_BYTES`].
    async fn read(&mut self, count: u64) -> Result<(Vec<String>, bool)> {
        let (mut names, mut bytes) = (Vec::new(), 0);
        while !self.ended && (names.len() as u64) < count && bytes < NAMES_BYTES {
            let page = self.page(page_length(count - names.len() as u64)).await?;
            bytes += page.iter().map(String::len).sum::<usize>();
            names.extend(page);
        }
        Ok((names, self.ended))
    }

    /// How many it has passed over, and whether those were the last.
    async fn skip(&mut self, count: u64) -> Result<(u64, bool)> {
        let mut skipped = 0;
        while !self.ended && skipped < count {
            skipped += self.page(page_length(count - skipped)).await?.len() as u64;
        }
        Ok((skipped, self.ended))
    }

    async fn page(&mut self, limit: u32) -> Result<Vec<String>> {
        let listing = self.container.list("", None, self.cursor.as_deref(), limit).await?;
        self.ended = listing.cursor.is_none();
        self.cursor = listing.cursor;
        Ok(listing.objects.into_iter().map(|info| info.key).collect())
    }
}

fn page_length(wanted: u64) -> u32 {
    u32::try_from(wanted).unwrap_or(PAGE_OBJECTS).min(PAGE_OBJECTS)
}
