//! The way of dead messages back to the queues they died in.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::params;

use super::SETTLE;
use crate::services::message::Attribute;
use crate::services::sqlite::{Mortal, Queue, Writing, insert, int, promote, settle, write_attributes};

/// One step: how many messages it moved, at most `limit`, and `homeless` with those added whose queue is gone.
pub(super) fn redrive(
    writing: &mut Writing<'_>,
    dead_letter: &Arc<Queue>,
    limit: u32,
    mut homeless: HashSet<i64>,
) -> rusqlite::Result<(u32, HashSet<i64>)> {
    settle(writing, SETTLE)?;
    let mut moved = 0;
    while moved < limit {
        let candidates = redrivable(writing, dead_letter.id, limit - moved, &homeless)?;
        if candidates.is_empty() {
            break;
        }
        for id in candidates {
            if send_home(writing, dead_letter, id)? {
                moved += 1;
            } else {
                homeless.insert(id);
            }
        }
    }
    Ok((moved, homeless))
}

/// Up to `limit` ready messages that are not known to be homeless.
fn redrivable(writing: &Writing<'_>, queue: i64, limit: u32, homeless: &HashSet<i64>) -> rusqlite::Result<Vec<i64>> {
    let rows = i64::from(limit).saturating_add(int(homeless.len() as u64));
    let ids: Vec<i64> = writing
        .db
        .prepare_cached(
            "SELECT id FROM message INDEXED BY message_ready
             WHERE queue = ?1 AND visible_at <= ?2 AND expires_at > ?2 AND last = 0
             ORDER BY visible_at, sent_at LIMIT ?3",
        )?
        .query_map(params![queue, writing.now, rows], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids.into_iter().filter(|id| !homeless.contains(id)).take(limit as usize).collect())
}

/// Moves a dead message to the queue it died in; false, and nothing done, when there is none.
pub(super) fn send_home(writing: &mut Writing<'_>, dead_letter: &Arc<Queue>, id: i64) -> rusqlite::Result<bool> {
    let message = Mortal::find(writing.db, id)?;
    let home = message.source().and_then(|name| writing.catalog.queue(name).ok());
    let Some(home) = home else { return Ok(false) };
    writing.db.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([id])?;
    let attributes: Vec<Attribute> = message.living_attributes().collect();
    let attributes = write_attributes(&attributes);
    insert(writing, &home, &message.renewed(attributes.as_deref(), home.retention))?;
    promote(writing, dead_letter, message.group.as_deref())?;
    Ok(true)
}
