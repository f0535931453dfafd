//! What topics keep of the messages that were published, and how it is put into a queue again.

use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use crate::services::message::{Attribute, BATCH_BYTES};
use crate::services::sqlite::{
    NewMessage, Queue, Subscription, Writing, insert, int, read_attributes, write_attributes,
};
use crate::services::topic::{Message, REPLAY_STEP, replayed};

pub(super) fn keep(
    writing: &Writing<'_>,
    topic: i64,
    retention: i64,
    id: &str,
    message: &Message,
    attributes: Option<&str>,
) -> rusqlite::Result<()> {
    writing
        .db
        .prepare_cached(
            "INSERT INTO publication(topic, ulid, sent_at, expires_at, grp, content_type, attributes, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            topic,
            id,
            writing.now,
            writing.now.saturating_add(retention),
            message.group,
            message.content_type,
            attributes,
            message.body,
        ])
        .map(drop)
}

/// Removes up to `limit` messages whose time is over; how many that were.
pub(in crate::services) fn forget(writing: &Writing<'_>, limit: u32) -> rusqlite::Result<usize> {
    writing
        .db
        .prepare_cached(
            "DELETE FROM publication WHERE id IN
               (SELECT id FROM publication WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )?
        .execute(params![writing.now, limit])
}

/// A message that was published.
pub(super) struct Kept {
    id: String,
    group: Option<String>,
    content_type: Option<String>,
    attributes: Vec<Attribute>,
    body: Vec<u8>,
}

impl Kept {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(2)?,
            group: row.get(3)?,
            content_type: row.get(4)?,
            attributes: read_attributes(row.get_ref(5)?.as_str_or_null()?),
            body: row.get(6)?,
        })
    }
}

/// A walk over what a topic keeps, up to what was the newest message when it began.
pub(super) struct Replay {
    topic: i64,
    /// The time and row of the last message that was looked at.
    at: (i64, i64),
    newest: i64,
}

impl Replay {
    pub(super) fn new(db: &Connection, topic: i64, from: i64) -> rusqlite::Result<Self> {
        let newest =
            db.prepare_cached("SELECT coalesce(max(id), 0) FROM publication")?.query_row([], |row| row.get(0))?;
        Ok(Self { topic, at: (from, 0), newest })
    }

    /// The next messages that the subscription takes, which may be none of those looked at; `None` at the end.
    pub(super) fn next(
        &mut self,
        db: &Connection,
        subscription: &Subscription,
        now: i64,
    ) -> rusqlite::Result<Option<Vec<Kept>>> {
        let mut statement = db.prepare_cached(
            "SELECT sent_at, id, ulid, grp, content_type, attributes, body
             FROM publication INDEXED BY publication_sent
             WHERE topic = ?1 AND (sent_at, id) > (?2, ?3) AND id <= ?4 AND expires_at > ?5
             ORDER BY sent_at, id LIMIT ?6",
        )?;
        let (sent_at, id) = self.at;
        let mut rows = statement.query(params![self.topic, sent_at, id, self.newest, now, int(REPLAY_STEP as u64)])?;
        let (mut page, mut bytes, mut seen) = (Vec::new(), 0, false);
        while bytes < BATCH_BYTES
            && let Some(row) = rows.next()?
        {
            let kept = Kept::read(row)?;
            (seen, self.at) = (true, (row.get(0)?, row.get(1)?));
            bytes += kept.body.len();
            if subscription.takes(&kept.attributes, kept.content_type.as_deref(), &kept.body) {
                page.push(kept);
            }
        }
        Ok(seen.then_some(page))
    }
}

pub(super) fn bytes(page: &[Kept]) -> usize {
    page.iter().map(|kept| kept.body.len()).sum()
}

pub(super) fn put(writing: &mut Writing<'_>, queue: &Arc<Queue>, page: &[Kept]) -> rusqlite::Result<()> {
    for kept in page {
        let attributes = write_attributes(&replayed(kept.attributes.clone()));
        let message = NewMessage {
            id: &kept.id,
            body: &kept.body,
            content_type: kept.content_type.as_deref(),
            attributes: attributes.as_deref(),
            group: kept.group.as_deref(),
            delay: 0,
            lifetime: queue.retention,
        };
        insert(writing, queue, &message)?;
    }
    Ok(())
}
