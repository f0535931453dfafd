use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::schema;
use super::writer::{Failure, Step};
use crate::services::{Error, Result};

const CONNECTIONS: usize = 4;

/// A few connections that read, each by one caller at a time.
pub(crate) struct Readers {
    pool: [Mutex<Connection>; CONNECTIONS],
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn open(folder: &Path) -> rusqlite::Result<Self> {
        let open = || schema::open_reader(folder).map(Mutex::new);
        Ok(Self { pool: [open()?, open()?, open()?, open()?], next: AtomicUsize::new(0) })
    }

    /// Runs `read` here and now. Each statement sees what was committed before it began; a longer read starts a
    /// transaction, and keeps it short, because checkpoints wait for it.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        read(&self.take()).map_err(|failure| match failure {
            Failure::Refused(error) => error,
            Failure::Engine(error) => Error::Unavailable(format!("the store cannot be read: {error}")),
        })
    }

    /// A free connection, or the next one in turn. A caller that panicked has left nothing behind in the connection
    /// but, at worst, a read transaction that ended with it.
    fn take(&self) -> MutexGuard<'_, Connection> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..CONNECTIONS).map(|offset| &self.pool[first.wrapping_add(offset) % CONNECTIONS]);
        in_turn()
            .find_map(|connection| connection.try_lock().ok())
            .unwrap_or_else(|| self.pool[first % CONNECTIONS].lock().unwrap_or_else(PoisonError::into_inner))
    }
}
