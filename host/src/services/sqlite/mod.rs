//! The embedded store: one folder with one SQLite database and the files of large blobs.
//!
//! A single thread owns the only connection that writes and commits operations in groups, so that many callers share
//! one sync; an answer leaves after its group is durable. Reads run where they are asked for, on a few connections of
//! their own. One process at a time holds the folder.

mod catalog;
mod effects;
mod error;
mod files;
mod folder;
mod messages;
mod names;
mod readers;
mod schema;
mod sweep;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::OpenError;
pub use names::names;

pub(crate) use catalog::{Bucket, Catalog, Container, Queue, Subscription, Topic};
pub(crate) use files::{Files, NewFile};
pub(crate) use messages::{
    Mortal, NewMessage, accept, announce, bury, first_accepted, insert, new_id, promote, read_attributes, remember,
    settle, write_attributes,
};
pub(crate) use readers::Readers;
pub(crate) use writer::{Durability, Step, Writer, Writing};

use super::{Backends, Clock, Result, blob, kv, queue, topic, transaction};
use crate::config::Resources;
use folder::Lock;

/// An open store. The folder is free again once the store and all [`Backends`] taken from it are dropped.
pub struct Store {
    shared: Arc<Shared>,
}

/// What the four services work on. Dropped in this order: readers, then the writer, which commits what it was given,
/// then the lock on the folder.
pub(crate) struct Shared {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Clock,
    pub(crate) files: Arc<Files>,
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
    _lock: Lock,
}

/// Opens the store in the folder `dir`, which is made when missing, and provisions `resources`; those of earlier
/// openings that are not among them keep their data, out of reach. Leases of the process that had the folder before are
/// over.
pub fn open(dir: &Path, resources: &Resources, clock: Clock) -> Result<Store, OpenError> {
    let folder = folder::open(dir)?;
    let engine = |error| OpenError::engine(&folder.path, error);
    let mut db = schema::open(&folder.path)?;
    let catalog = Arc::new(catalog::provision(&mut db, resources, int(clock.now_ms()), &folder.path)?);
    let files = Files::open(&folder.dir).map_err(|error| OpenError::io(&folder.path, error))?;
    files::remove_orphans(&files, &db).map_err(|error| match error {
        files::OrphanError::Io(error) => OpenError::io(&folder.path, error),
        files::OrphanError::Engine(error) => engine(error),
    })?;
    let readers = Readers::open(&folder.path).map_err(engine)?;
    let writer = Writer::start(db, Arc::clone(&catalog), Arc::clone(&files), clock.clone())
        .map_err(|error| OpenError::io(&folder.path, error))?;
    let shared = Shared { catalog, clock, files, readers, writer, _lock: folder.lock };
    Ok(Store { shared: Arc::new(shared) })
}

impl Store {
    pub fn backends(&self) -> Backends {
        let shared = || Arc::clone(&self.shared);
        Backends {
            kv: Arc::new(kv::sqlite::Kv(shared())),
            queue: Arc::new(queue::sqlite::Queues(shared())),
            topic: Arc::new(topic::sqlite::Topics(shared())),
            blob: Arc::new(blob::sqlite::Blobs(shared())),
            transactions: Some(Arc::new(transaction::sqlite::Transactions(shared()))),
        }
    }
}

impl Store {
    /// Returns once all that was asked of the store before is done, and those who wait for it were woken.
    pub async fn settled(&self) -> Result<()> {
        self.shared.writer.write(Durability::Process, 0, |_| Ok(())).await?;
        // The first may have been of one group with what came before, whose waiters are woken after its answers.
        self.shared.writer.write(Durability::Process, 0, |_| Ok(())).await
    }
}

impl Shared {
    /// Milliseconds since the Unix epoch, as the database keeps them.
    pub(crate) fn now(&self) -> i64 {
        int(self.clock.now_ms())
    }
}

/// A number as SQLite keeps it; beyond its range, the largest.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count or an instant that SQLite kept; it wrote no negative ones.
pub(crate) fn nat(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
