//! Key-value buckets in the embedded store. Each write takes the next version of its bucket, in the same transaction.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::broadcast;

use super::{Backend, Change, ChangeKind, Condition, Entry, MANY_BYTES, Operation, Page, Write, parse_counter};
use crate::services::sqlite::{Bucket, Durability, Shared, Step, Writing, announce, int, millis, nat};
use crate::services::{Error, Result};

pub(crate) struct Kv(pub(crate) Arc<Shared>);

#[async_trait]
impl Backend for Kv {
    fn changes(&self, bucket: &str) -> Result<broadcast::Receiver<Change>> {
        self.0.catalog.bucket(bucket)?;
        Ok(self.0.catalog.changes.subscribe())
    }

    async fn bucket_exists(&self, bucket: &str) -> Result<bool> {
        Ok(self.0.catalog.bucket(bucket).is_ok())
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>> {
        let bucket = self.0.catalog.bucket(bucket)?.id;
        self.0.readers.read(|db| Ok(find(db, bucket, key, self.0.now())?))
    }

    async fn get_many(&self, bucket: &str, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let bucket = self.0.catalog.bucket(bucket)?.id;
        self.0.readers.read(|db| find_many(db, bucket, keys, self.0.now()))
    }

    async fn set(&self, bucket: &str, write: Write) -> Result<u64> {
        let bucket = self.0.catalog.bucket(bucket)?;
        let bytes = write.key.len() + write.value.len();
        self.0.writer.write(Durability::Power, bytes, move |writing| set(writing, &bucket, &write)).await
    }

    async fn delete(&self, bucket: &str, key: &str, when: Condition) -> Result<bool> {
        let bucket = self.0.catalog.bucket(bucket)?;
        let key = key.to_owned();
        self.0.writer.write(Durability::Power, key.len(), move |writing| delete(writing, &bucket, &key, when)).await
    }

    async fn increment(&self, bucket: &str, key: &str, delta: i64, ttl: Option<Duration>) -> Result<i64> {
        let bucket = self.0.catalog.bucket(bucket)?;
        let key = key.to_owned();
        let operation = move |writing: &mut Writing<'_>| increment(writing, &bucket, &key, delta, ttl);
        self.0.writer.write(Durability::Power, 0, operation).await
    }

    async fn list_keys(&self, bucket: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page> {
        let bucket = self.0.catalog.bucket(bucket)?.id;
        self.0.readers.read(|db| list_keys(db, bucket, prefix, after, limit, self.0.now()))
    }

    async fn transact(&self, bucket: &str, operations: Vec<Operation>) -> Result<Vec<u64>> {
        let bucket = self.0.catalog.bucket(bucket)?;
        let bytes = operations.iter().map(bytes).sum();
        let transaction = move |writing: &mut Writing<'_>| transact(writing, &bucket, &operations);
        self.0.writer.write(Durability::Power, bytes, transaction).await
    }
}

fn bytes(operation: &Operation) -> usize {
    match operation {
        Operation::Set(write) => write.key.len() + write.value.len(),
        Operation::Check { key, .. } | Operation::Delete { key, .. } => key.len(),
    }
}

pub(in crate::services) fn find(db: &Connection, bucket: i64, key: &str, now: i64) -> rusqlite::Result<Option<Entry>> {
    db.prepare_cached(
        "SELECT value, version, expires_at FROM entry
         WHERE bucket = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
    )?
    .query_row(params![bucket, key.as_bytes(), now], read_entry)
    .optional()
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let expires_at: Option<i64> = row.get(2)?;
    Ok(Entry { value: row.get(0)?, version: nat(row.get(1)?), expires_at_ms: expires_at.map(nat) })
}

pub(in crate::services) fn find_many(
    db: &Connection,
    bucket: i64,
    keys: &[String],
    now: i64,
) -> Step<Vec<Option<Entry>>> {
    let moment = db.unchecked_transaction()?;
    let (mut entries, mut bytes) = (Vec::with_capacity(keys.len()), 0);
    for key in keys {
        let entry = find(&moment, bucket, key, now)?;
        bytes += entry.as_ref().map_or(0, |entry| entry.value.len());
        if bytes > MANY_BYTES {
            return Err(Error::TooLarge(MANY_BYTES as u64).into());
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The version of a key that is there.
pub(in crate::services) fn version(writing: &Writing<'_>, bucket: &Bucket, key: &str) -> rusqlite::Result<Option<u64>> {
    let version: Option<i64> = writing
        .db
        .prepare_cached(
            "SELECT version FROM entry
             WHERE bucket = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
        )?
        .query_row(params![bucket.id, key.as_bytes(), writing.now], |row| row.get(0))
        .optional()?;
    Ok(version.map(nat))
}

fn check(writing: &Writing<'_>, bucket: &Bucket, key: &str, when: Condition) -> Step<()> {
    if when == Condition::Always {
        return Ok(());
    }
    Ok(when.check(version(writing, bucket, key)?)?)
}

fn set(writing: &mut Writing<'_>, bucket: &Bucket, write: &Write) -> Step<u64> {
    check(writing, bucket, &write.key, write.when)?;
    put(writing, bucket, write)
}

fn put(writing: &mut Writing<'_>, bucket: &Bucket, write: &Write) -> Step<u64> {
    let expires_at = write.ttl.map(|ttl| writing.now.saturating_add(millis(ttl)));
    store(writing, bucket, &write.key, &write.value, expires_at)
}

/// Writes under the bucket's next version, which it returns.
pub(in crate::services) fn store(
    writing: &mut Writing<'_>,
    bucket: &Bucket,
    key: &str,
    value: &[u8],
    expires_at: Option<i64>,
) -> Step<u64> {
    let version: i64 = writing
        .db
        .prepare_cached("UPDATE resource SET version = version + 1 WHERE id = ?1 RETURNING version")?
        .query_row([bucket.id], |row| row.get(0))?;
    writing
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO entry(bucket, key, version, expires_at, value) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![bucket.id, key.as_bytes(), version, expires_at, value])?;
    tell(writing, bucket, key, ChangeKind::Set, version)?;
    Ok(nat(version))
}

fn delete(writing: &mut Writing<'_>, bucket: &Bucket, key: &str, when: Condition) -> Step<bool> {
    check(writing, bucket, key, when)?;
    remove(writing, bucket, key)
}

/// Whether a key was there.
pub(in crate::services) fn remove(writing: &mut Writing<'_>, bucket: &Bucket, key: &str) -> Step<bool> {
    let version: Option<i64> = writing
        .db
        .prepare_cached(
            "DELETE FROM entry WHERE bucket = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)
             RETURNING version",
        )?
        .query_row(params![bucket.id, key.as_bytes(), writing.now], |row| row.get(0))
        .optional()?;
    if let Some(version) = version {
        tell(writing, bucket, key, ChangeKind::Removed, version)?;
    }
    Ok(version.is_some())
}

fn increment(writing: &mut Writing<'_>, bucket: &Bucket, key: &str, delta: i64, ttl: Option<Duration>) -> Step<i64> {
    let entry = find(writing.db, bucket.id, key, writing.now)?;
    let before = parse_counter(entry.as_ref().map(|entry| entry.value.as_slice()))?;
    let overflow = || Error::Conflict(entry.as_ref().map(|entry| entry.version));
    let sum = before.checked_add(delta).ok_or_else(overflow)?;
    let kept = entry.and_then(|entry| entry.expires_at_ms).map(int);
    let expires_at = ttl.map_or(kept, |ttl| Some(writing.now.saturating_add(millis(ttl))));
    store(writing, bucket, key, sum.to_string().as_bytes(), expires_at)?;
    Ok(sum)
}

/// All conditions are checked before anything is written; as the keys are distinct, the order makes no difference.
fn transact(writing: &mut Writing<'_>, bucket: &Bucket, operations: &[Operation]) -> Step<Vec<u64>> {
    for operation in operations {
        let when = match operation {
            Operation::Check { when, .. } | Operation::Delete { when, .. } => *when,
            Operation::Set(write) => write.when,
        };
        check(writing, bucket, operation.key(), when)?;
    }
    let apply = |operation: &Operation| match operation {
        Operation::Check { .. } => Ok(0),
        Operation::Set(write) => put(writing, bucket, write),
        Operation::Delete { key, .. } => remove(writing, bucket, key).map(|_| 0),
    };
    operations.iter().map(apply).collect()
}

/// Removes up to `limit` entries whose time is over; how many that were.
pub(in crate::services) fn expire(writing: &mut Writing<'_>, limit: u32) -> Step<usize> {
    let entries: Vec<(i64, String, i64)> = writing
        .db
        .prepare_cached("SELECT bucket, CAST(key AS TEXT), version FROM entry WHERE expires_at <= ?1 LIMIT ?2")?
        .query_map(params![writing.now, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (bucket, key, version) in &entries {
        writing
            .db
            .prepare_cached("DELETE FROM entry WHERE bucket = ?1 AND key = ?2")?
            .execute(params![bucket, key.as_bytes()])?;
        if let Some(bucket) = writing.catalog.bucket_by_id(*bucket) {
            tell(writing, &bucket, key, ChangeKind::Expired, *version)?;
        }
    }
    Ok(entries.len())
}

/// Puts the message about a change into the queues of those who watch, and tells those who look on.
fn tell(writing: &mut Writing<'_>, bucket: &Bucket, key: &str, kind: ChangeKind, version: i64) -> Step<()> {
    if bucket.watches.is_empty() && writing.catalog.changes.receiver_count() == 0 {
        return Ok(());
    }
    let change = Change { bucket: bucket.name.clone(), key: key.into(), kind, version: nat(version) };
    announce(writing, change.takers(&bucket.watches), key, &change)?;
    writing.effects.changed(change);
    Ok(())
}

/// One key more than asked for is read, to know whether there is another page. The key that comes right behind another
/// is that one and a zero byte; behind all that start with a prefix comes the prefix and 0xFF, a byte that UTF-8 never
/// holds. One bound on either side, because SQLite seeks by one and would walk over what the other leaves out.
pub(in crate::services) fn list_keys(
    db: &Connection,
    bucket: i64,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
    now: i64,
) -> Step<Page> {
    let start = after.map_or_else(Vec::new, |after| [after.as_bytes(), &[0]].concat()).max(prefix.into());
    let end = [prefix.as_bytes(), &[0xFF]].concat();
    let mut keys: Vec<String> = db
        .prepare_cached(
            "SELECT CAST(key AS TEXT) FROM entry
             WHERE bucket = ?1 AND key >= ?2 AND key < ?3 AND (expires_at IS NULL OR expires_at > ?4)
             ORDER BY key LIMIT ?5",
        )?
        .query_map(params![bucket, start, end, now, i64::from(limit) + 1], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let more = keys.len() > limit as usize;
    keys.truncate(limit as usize);
    let cursor = keys.last().filter(|_| more).cloned();
    Ok(Page { keys, cursor })
}
