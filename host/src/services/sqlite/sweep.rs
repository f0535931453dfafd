//! Removes what has expired. It is out of sight already; this gives its space back.

use rusqlite::params;

use super::{Writing, settle};

/// Milliseconds between two looks.
pub(super) const INTERVAL: i64 = 1_000;
/// Rows removed from a table at a time, so that a sweep delays nobody for long.
const ROWS: u32 = 256;

/// One bounded round; true when there is more to do.
pub(super) fn sweep(writing: &mut Writing<'_>) -> rusqlite::Result<bool> {
    let messages = settle(writing, ROWS)?;
    let entries = writing
        .db
        .prepare_cached(
            "DELETE FROM entry WHERE (bucket, key) IN (SELECT bucket, key FROM entry WHERE expires_at <= ?1 LIMIT ?2)",
        )?
        .execute(params![writing.now, ROWS])?;
    let duplicates = writing
        .db
        .prepare_cached(
            "DELETE FROM duplicate WHERE (resource, deduplication_id) IN
               (SELECT resource, deduplication_id FROM duplicate WHERE until <= ?1 LIMIT ?2)",
        )?
        .execute(params![writing.now, ROWS])?;
    Ok(messages || entries.max(duplicates) >= ROWS as usize)
}
