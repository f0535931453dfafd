//! Removes what has expired. It is out of sight already; this gives its space back.

use rusqlite::params;
use rusqlite::types::Value;

use super::{Writing, settle};

/// Milliseconds between two looks.
pub(super) const INTERVAL: i64 = 1_000;
/// Rows removed from a table at a time, so that a sweep delays nobody for long.
const ROWS: u32 = 256;

/// One bounded round; true when there is more to do.
pub(super) fn sweep(writing: &mut Writing<'_>) -> rusqlite::Result<bool> {
    let messages = settle(writing, ROWS)?;
    let entries = remove(
        writing,
        "SELECT bucket, key FROM entry WHERE expires_at <= ?1 LIMIT ?2",
        "DELETE FROM entry WHERE bucket = ?1 AND key = ?2",
    )?;
    let duplicates = remove(
        writing,
        "SELECT resource, deduplication_id FROM duplicate WHERE until <= ?1 LIMIT ?2",
        "DELETE FROM duplicate WHERE resource = ?1 AND deduplication_id = ?2",
    )?;
    Ok(messages || entries.max(duplicates) >= ROWS as usize)
}

/// Removes the rows whose keys `select` gives, and returns how many. One by one: of a list of pairs SQLite looks only
/// the first half up and walks over all rows that have it.
fn remove(writing: &Writing<'_>, select: &str, delete: &str) -> rusqlite::Result<usize> {
    let keys: Vec<(i64, Value)> = writing
        .db
        .prepare_cached(select)?
        .query_map(params![writing.now, ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut delete = writing.db.prepare_cached(delete)?;
    for key in &keys {
        delete.execute(params![key.0, key.1])?;
    }
    Ok(keys.len())
}
