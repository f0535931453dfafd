//! The ticks of a schedule, whose queue remembers the planned time of the last one.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{SETTLE, send};
use crate::services::queue::{Message, Ticked};
use crate::services::sqlite::{Queue, Step, Writing, settle};

/// 0 when there was none yet.
pub(super) fn last(db: &Connection, queue: i64) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT version FROM resource WHERE id = ?1")?.query_row([queue], |row| row.get(0))
}

/// Sets the last tick where there was none, and returns it.
pub(super) fn start(writing: &Writing<'_>, queue: i64, now: i64) -> rusqlite::Result<i64> {
    writing
        .db
        .prepare_cached("UPDATE resource SET version = ?2 WHERE id = ?1 AND version = 0")?
        .execute([queue, now])?;
    last(writing.db, queue)
}

pub(super) fn tick(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    planned: i64,
    overlap: bool,
    message: &Message,
) -> Step<Ticked> {
    let remembered = writing
        .db
        .prepare_cached("UPDATE resource SET version = ?2 WHERE id = ?1 AND version < ?2")?
        .execute([queue.id, planned])?;
    if remembered == 0 {
        return Ok(Ticked::Past);
    }
    if !overlap && is_busy(writing, queue.id)? {
        return Ok(Ticked::Busy);
    }
    send(writing, queue, message)?;
    Ok(Ticked::Sent)
}

/// Whether a message is there that is neither dead nor expired; one in a lease does not expire.
fn is_busy(writing: &mut Writing<'_>, queue: i64) -> rusqlite::Result<bool> {
    settle(writing, SETTLE)?;
    writing
        .db
        .prepare_cached(
            "SELECT 1 FROM message INDEXED BY message_ready WHERE queue = ?1 AND
               (expires_at > ?2 OR (lease <> 0 AND visible_at > ?2)) AND NOT (last = 1 AND visible_at <= ?2)",
        )?
        .exists(params![queue, writing.now])
}
