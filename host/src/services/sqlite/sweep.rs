//! Removes what has expired. It is out of sight already; this gives its space back, and tells who watches.

use rusqlite::params;

use super::{Step, Writing, settle};
use crate::services::{kv, topic};

/// Milliseconds between two looks.
pub(super) const INTERVAL: i64 = 1_000;
/// Rows removed from a table at a time, so that a sweep delays nobody for long.
const ROWS: u32 = 256;

/// One bounded round; true when there is more to do.
pub(super) fn sweep(writing: &mut Writing<'_>) -> Step<bool> {
    let messages = settle(writing, ROWS)?;
    let entries = kv::sqlite::expire(writing, ROWS)?;
    let duplicates = forget_duplicates(writing)?;
    let publications = topic::sqlite::forget(writing, ROWS)?;
    Ok(messages || entries.max(duplicates).max(publications) >= ROWS as usize)
}

/// How many there were. Removed one by one: of a list of pairs SQLite looks only the first half up and walks over all
/// rows that have it.
fn forget_duplicates(writing: &Writing<'_>) -> rusqlite::Result<usize> {
    let keys: Vec<(i64, String)> = writing
        .db
        .prepare_cached("SELECT resource, deduplication_id FROM duplicate WHERE until <= ?1 LIMIT ?2")?
        .query_map(params![writing.now, ROWS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut forget =
        writing.db.prepare_cached("DELETE FROM duplicate WHERE resource = ?1 AND deduplication_id = ?2")?;
    for (resource, id) in &keys {
        forget.execute(params![resource, id])?;
    }
    Ok(keys.len())
}
