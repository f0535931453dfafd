//! Rows of messages: how they come in, become visible, and end other than by an acknowledgement. Queues and topics
//! share it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use ulid::Ulid;

use super::{Queue, Step, Writing, nat};
use crate::services::message::{Accepted, Attribute};
use crate::services::queue::dead::{self, Death};
use crate::services::queue::{self, Message};
use crate::services::{Error, Result};

/// A message for the end of a queue; durations in milliseconds.
pub(crate) struct NewMessage<'a> {
    pub(crate) id: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) content_type: Option<&'a str>,
    pub(crate) attributes: Option<&'a str>,
    pub(crate) group: Option<&'a str>,
    pub(crate) delay: i64,
    pub(crate) lifetime: i64,
}

/// Takes a message in: with a new id, or as the duplicate of the one that `resource` accepted with the same
/// deduplication id less than `window` milliseconds ago.
pub(crate) fn accept(
    writing: &Writing<'_>,
    resource: i64,
    window: i64,
    deduplication_id: Option<&str>,
) -> Step<Accepted> {
    let Some(deduplication_id) = deduplication_id else {
        return Ok(Accepted { id: new_id(writing.now)?, duplicate: false });
    };
    if let Some(id) = first_accepted(writing.db, resource, deduplication_id, writing.now)? {
        return Ok(Accepted { id, duplicate: true });
    }
    let id = new_id(writing.now)?;
    remember(writing, resource, window, deduplication_id, &id)?;
    Ok(Accepted { id, duplicate: false })
}

/// The id of the message that `resource` accepted with the deduplication id, while that is remembered.
pub(crate) fn first_accepted(
    db: &Connection,
    resource: i64,
    deduplication_id: &str,
    now: i64,
) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT ulid FROM duplicate WHERE resource = ?1 AND deduplication_id = ?2 AND until > ?3")?
        .query_row(params![resource, deduplication_id, now], |row| row.get(0))
        .optional()
}

/// Remembers a message's deduplication id for `window` milliseconds.
pub(crate) fn remember(
    writing: &Writing<'_>,
    resource: i64,
    window: i64,
    deduplication_id: &str,
    id: &str,
) -> rusqlite::Result<()> {
    writing
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO duplicate(resource, deduplication_id, ulid, until) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![resource, deduplication_id, id, writing.now.saturating_add(window)])
        .map(drop)
}

/// A new message's id.
pub(crate) fn new_id(now: i64) -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| Error::Unavailable(format!("no random numbers: {error}")))?;
    Ok(Ulid::from_parts(nat(now), u128::from_ne_bytes(random)).to_string())
}

/// Puts a message at the end of `queue`; in a group of a fifo queue behind the others.
pub(crate) fn insert(writing: &mut Writing<'_>, queue: &Arc<Queue>, message: &NewMessage<'_>) -> rusqlite::Result<()> {
    let due = writing.now.saturating_add(message.delay);
    let waits = match message.group {
        Some(group) if queue.fifo => has_head(writing.db, queue.id, group)?,
        _ => false,
    };
    writing
        .db
        .prepare_cached(
            "INSERT INTO message(queue, ulid, visible_at, due_at, grp, sent_at, expires_at, content_type,
                                 attributes, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            queue.id,
            message.id,
            (!waits).then_some(due),
            due,
            message.group,
            writing.now,
            writing.now.saturating_add(message.lifetime),
            message.content_type,
            message.attributes,
            message.body,
        ])?;
    if !waits {
        writing.effects.visible(queue, due);
    }
    Ok(())
}

/// Puts the message about a change of `key` into `queues`.
pub(crate) fn announce<'a>(
    writing: &mut Writing<'_>,
    queues: impl Iterator<Item = &'a str>,
    key: &str,
    change: &impl Serialize,
) -> Step<()> {
    let message = Message::about(key, change);
    for queue in queues {
        let queue = writing.catalog.queue(queue)?;
        queue::sqlite::send(writing, &queue, &message)?;
    }
    Ok(())
}

/// Whether a message of the group is visible, or will be without anything else happening to the group.
fn has_head(db: &Connection, queue: i64, group: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM message WHERE queue = ?1 AND grp = ?2 AND visible_at IS NOT NULL")?
        .exists(params![queue, group])
}

/// Makes the oldest message the head of its group; to be called when the head is gone.
pub(crate) fn promote(writing: &mut Writing<'_>, queue: &Arc<Queue>, group: Option<&str>) -> rusqlite::Result<()> {
    let Some(group) = group.filter(|_| queue.fifo) else { return Ok(()) };
    let due = writing
        .db
        .prepare_cached(
            "UPDATE message SET visible_at = due_at WHERE visible_at IS NULL AND id =
               (SELECT id FROM message WHERE queue = ?1 AND grp = ?2 AND expires_at > ?3 ORDER BY id LIMIT 1)
             RETURNING due_at",
        )?
        .query_row(params![queue.id, group, writing.now], |row| row.get(0))
        .optional()?;
    if let Some(due) = due {
        writing.effects.visible(queue, due);
    }
    Ok(())
}

/// Moves a message that is dead for `reason` to the dead-letter queue, or drops it where there is none.
pub(crate) fn bury(writing: &mut Writing<'_>, queue: &Arc<Queue>, id: i64, reason: &str) -> rusqlite::Result<()> {
    let mortal = writing
        .db
        .prepare_cached(
            "DELETE FROM message WHERE id = ?1
             RETURNING ulid, body, content_type, attributes, grp, receives, sent_at, report",
        )?
        .query_row([id], Mortal::read)?;
    if let Some(dead_letter) = queue.dead_letter.and_then(|id| writing.catalog.queue_by_id(id)) {
        let attributes = write_attributes(&mortal.dead_attributes(&queue.name, reason));
        insert(writing, &dead_letter, &mortal.renewed(attributes.as_deref(), dead_letter.retention))?;
    }
    promote(writing, queue, mortal.group.as_deref())
}

/// A message that leaves its queue, whole.
pub(crate) struct Mortal {
    id: String,
    body: Vec<u8>,
    content_type: Option<String>,
    attributes: Vec<Attribute>,
    pub(crate) group: Option<String>,
    receives: u32,
    sent_at: i64,
    report: Vec<Attribute>,
}

impl Mortal {
    pub(crate) fn find(db: &Connection, id: i64) -> rusqlite::Result<Self> {
        db.prepare_cached(
            "SELECT ulid, body, content_type, attributes, grp, receives, sent_at, report FROM message WHERE id = ?1",
        )?
        .query_row([id], Self::read)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            body: row.get(1)?,
            content_type: row.get(2)?,
            attributes: read_attributes(row.get_ref(3)?.as_str_or_null()?),
            group: row.get(4)?,
            receives: row.get(5)?,
            sent_at: row.get(6)?,
            report: read_attributes(row.get_ref(7)?.as_str_or_null()?),
        })
    }

    /// For another queue, which it enters as if it had just been sent.
    pub(crate) fn renewed<'a>(&'a self, attributes: Option<&'a str>, lifetime: i64) -> NewMessage<'a> {
        NewMessage {
            id: &self.id,
            body: &self.body,
            content_type: self.content_type.as_deref(),
            attributes,
            group: self.group.as_deref(),
            delay: 0,
            lifetime,
        }
    }

    fn dead_attributes(&self, queue: &str, reason: &str) -> Vec<Attribute> {
        let (receives, sent_at_ms, report) = (self.receives, nat(self.sent_at), &self.report);
        Death { reason, queue, receives, sent_at_ms, report }.recorded(&self.attributes)
    }

    /// The queue it died in.
    pub(crate) fn source(&self) -> Option<&str> {
        dead::source(&self.attributes)
    }

    /// Its own attributes.
    pub(crate) fn living_attributes(&self) -> impl Iterator<Item = Attribute> {
        dead::living(&self.attributes)
    }
}

/// Does what time has brought about: messages whose last lease is over are dead, others have expired. At most `limit`
/// of each; true when there may be more.
pub(crate) fn settle(writing: &mut Writing<'_>, limit: u32) -> rusqlite::Result<bool> {
    let dead = settle_dead(writing, limit)?;
    let expired = settle_expired(writing, limit)?;
    Ok(dead.max(expired) >= limit as usize)
}

fn settle_dead(writing: &mut Writing<'_>, limit: u32) -> rusqlite::Result<usize> {
    let rows: Vec<(i64, i64)> = writing
        .db
        .prepare_cached("SELECT id, queue FROM message WHERE last = 1 AND visible_at <= ?1 LIMIT ?2")?
        .query_map(params![writing.now, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for &(id, queue) in &rows {
        match writing.catalog.queue_by_id(queue) {
            Some(queue) => bury(writing, &queue, id, dead::MAX_RECEIVES)?,
            // Of an earlier opening, out of reach: it may live on in a later one.
            None => writing.db.prepare_cached("UPDATE message SET last = 0 WHERE id = ?1")?.execute([id]).map(drop)?,
        }
    }
    Ok(rows.len())
}

/// A lease outlives the message's time: what was delivered before may still be acknowledged.
fn settle_expired(writing: &mut Writing<'_>, limit: u32) -> rusqlite::Result<usize> {
    let rows: Vec<(i64, i64, Option<String>)> = writing
        .db
        .prepare_cached(
            "DELETE FROM message WHERE id IN (SELECT id FROM message
               WHERE expires_at <= ?1 AND (lease = 0 OR visible_at <= ?1) ORDER BY expires_at LIMIT ?2)
             RETURNING queue, visible_at IS NOT NULL, grp",
        )?
        .query_map(params![writing.now, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (queue, was_head, group) in &rows {
        if let Some(queue) = writing.catalog.queue_by_id(*queue).filter(|_| *was_head == 1) {
            promote(writing, &queue, group.as_deref())?;
        }
    }
    Ok(rows.len())
}

/// As the database keeps them; `None` for none.
pub(crate) fn write_attributes(attributes: &[Attribute]) -> Option<String> {
    // A list of pairs of texts can always be written.
    (!attributes.is_empty()).then(|| serde_json::to_string(attributes).unwrap_or_default())
}

/// Text that is not what [`write_attributes`] wrote counts as none.
pub(crate) fn read_attributes(text: Option<&str>) -> Vec<Attribute> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
