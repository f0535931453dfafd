//! The database file: its connections, its identity and its tables.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;

pub(super) const FILE: &str = "store.db";
/// `WaFs`, in the header of every database of ours.
const APPLICATION_ID: i64 = 0x5761_4673;
/// Before it, a checkpoint could lose commits when several connections were open (WAL-reset bug).
const ENGINE_MIN: (i32, &str) = (3_051_003, "3.51.3");
/// Another process may hold the file for a moment: a backup, a person with the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

/// One script for each version, run in order. A script that was released is never changed.
pub(super) const VERSIONS: [&str; 3] = [
    "
CREATE TABLE resource(
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0, -- of a bucket: the last one given to a write
  fifo INTEGER NOT NULL DEFAULT 0,    -- of a queue
  UNIQUE(kind, name)
);
CREATE TABLE entry(
  bucket INTEGER NOT NULL,
  key BLOB NOT NULL,                  -- compared by bytes, as the contract orders them
  version INTEGER NOT NULL,
  expires_at INTEGER,
  value BLOB NOT NULL,
  PRIMARY KEY(bucket, key)
) WITHOUT ROWID;
CREATE INDEX entry_expiry ON entry(expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE message(
  id INTEGER PRIMARY KEY,             -- grows: the order within a group
  queue INTEGER NOT NULL,
  ulid TEXT NOT NULL,
  visible_at INTEGER,                 -- end of the delay or the lease; NULL behind the head of its group
  due_at INTEGER NOT NULL,            -- end of the delay it was sent with
  grp TEXT,
  receives INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,   -- random token, 0 without a lease
  last INTEGER NOT NULL DEFAULT 0,    -- 1 when the message is dead once this lease ends
  sent_at INTEGER NOT NULL,
  received_at INTEGER,                -- the first time
  expires_at INTEGER NOT NULL,
  content_type TEXT,
  attributes TEXT,                    -- JSON; NULL for none
  body BLOB NOT NULL
);
CREATE INDEX message_ready ON message(queue, visible_at, sent_at, expires_at);
CREATE INDEX message_group ON message(queue, grp) WHERE grp IS NOT NULL;
CREATE INDEX message_expiry ON message(expires_at);
CREATE INDEX message_leased ON message(queue, visible_at) WHERE lease <> 0;
CREATE INDEX message_last ON message(visible_at) WHERE last = 1;
CREATE TABLE duplicate(
  resource INTEGER NOT NULL,          -- a queue or a topic
  deduplication_id TEXT NOT NULL,
  ulid TEXT NOT NULL,                 -- of the message that was accepted
  until INTEGER NOT NULL,
  PRIMARY KEY(resource, deduplication_id)
) WITHOUT ROWID;
CREATE INDEX duplicate_until ON duplicate(until);
CREATE TABLE object(
  id INTEGER PRIMARY KEY,
  container INTEGER NOT NULL,
  key BLOB NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  content_type TEXT,
  metadata TEXT,                      -- JSON; NULL for none
  file TEXT,                          -- name under `blobs`; NULL when the body is here
  body BLOB
);
CREATE UNIQUE INDEX object_key ON object(container, key);
CREATE INDEX object_file ON object(file) WHERE file IS NOT NULL;
",
    // The `version` of a queue's resource is the planned time of its last tick.
    "
ALTER TABLE message ADD COLUMN report TEXT; -- JSON: what the dead message will tell of its last attempt; NULL for nothing
",
    "
CREATE TABLE publication(
  id INTEGER PRIMARY KEY,             -- grows: the order within a millisecond
  topic INTEGER NOT NULL,
  ulid TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  grp TEXT,
  content_type TEXT,
  attributes TEXT,                    -- JSON; NULL for none
  body BLOB NOT NULL
);
CREATE INDEX publication_sent ON publication(topic, sent_at);
CREATE INDEX publication_expiry ON publication(expires_at);
",
];

/// The connection that writes: the database is ours, of this version, and in the mode the store counts on.
pub(super) fn open(folder: &Path) -> Result<Connection, OpenError> {
    check_engine()?;
    let failed = |error| OpenError::engine(folder, error);
    let mut db = connect(folder, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).map_err(failed)?;
    let found = identify(&db, folder)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -16384; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;",
    )
    .map_err(failed)?;
    migrate(&mut db, found).map_err(failed)?;
    Ok(db)
}

/// A connection that only reads.
pub(super) fn open_reader(folder: &Path) -> rusqlite::Result<Connection> {
    let db = connect(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")?;
    Ok(db)
}

fn connect(folder: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(folder.join(FILE), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(128);
    // Statements are planned once. Without this, each new value compared with the column of a partial index has the
    // statement parsed and planned again, which took nearly half of the processor's time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A mapped file turns an I/O error into a signal that kills the process.
    db.execute_batch("PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")?;
    Ok(db)
}

fn check_engine() -> Result<(), OpenError> {
    let (number, needed) = ENGINE_MIN;
    if rusqlite::version_number() < number {
        return Err(OpenError::OldEngine { found: rusqlite::version(), needed });
    }
    Ok(())
}

/// The version of the database, 0 for a new one. Nothing is changed before this says that it is ours.
pub(super) fn identify(db: &Connection, folder: &Path) -> Result<usize, OpenError> {
    let failed = |error| OpenError::engine(folder, error);
    let application: i64 = db.pragma_query_one(None, "application_id").map_err(failed)?;
    let found: i64 = db.pragma_query_one(None, "user_version").map_err(failed)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let file = || folder.join(FILE);
    match usize::try_from(found) {
        Ok(0) if application == 0 && tables == 0 => Ok(0),
        Ok(version) if application == APPLICATION_ID && version <= VERSIONS.len() => Ok(version),
        Ok(_) if application == APPLICATION_ID => {
            Err(OpenError::Newer { file: file(), found, known: super::int(VERSIONS.len() as u64) })
        }
        _ => Err(OpenError::Foreign { file: file() }),
    }
}

fn migrate(db: &mut Connection, found: usize) -> rusqlite::Result<()> {
    for (version, script) in VERSIONS.iter().enumerate().skip(found) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", super::int(version as u64 + 1))?;
        transaction.commit()?;
    }
    Ok(())
}
