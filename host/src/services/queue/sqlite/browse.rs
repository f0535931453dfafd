use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Queues;
use super::redrive::send_home;
use crate::services::queue::browse::{Browse, Content, Page, Place, State, Stored, bad_cursor, no_home};
use crate::services::sqlite::{
    Durability, Mortal, Queue, Step, Writing, int, nat, promote, read_attributes, write_attributes,
};
use crate::services::{Error, Result};

/// The columns of [`read_stored`]; the body is cut after the bytes of `?8`.
const COLUMNS: &str = "id, ulid, visible_at, lease, substr(body, 1, ?8), length(body), content_type, attributes, grp, \
                       receives, sent_at, expires_at";

#[async_trait]
impl Browse for Queues {
    async fn browse(&self, queue: &str, after: Option<&str>, limit: u32, body: usize) -> Result<Page> {
        let queue = self.0.catalog.queue(queue)?.id;
        self.settle_dead().await?;
        let after = after.map_or(Ok(Cursor::START), str::parse)?;
        self.0.readers.read(|db| Ok(page(db, queue, &after, self.0.now(), limit, int(body as u64))?))
    }

    async fn read(&self, queue: &str, place: &Place) -> Result<Option<Stored>> {
        let queue = self.0.catalog.queue(queue)?.id;
        self.0.readers.read(|db| Ok(read(db, queue, place, self.0.now())?))
    }

    async fn remove(&self, queue: &str, place: &Place) -> Result<()> {
        let (queue, place) = (self.0.catalog.queue(queue)?, place.clone());
        let remove = move |writing: &mut Writing<'_>| remove(writing, &queue, &place);
        self.0.writer.write(Durability::Power, 0, remove).await
    }

    async fn replace(&self, queue: &str, place: &Place, content: Content) -> Result<()> {
        let (queue, place, bytes) = (self.0.catalog.queue(queue)?, place.clone(), content.body.len());
        let replace = move |writing: &mut Writing<'_>| replace(writing, &queue, &place, &content);
        self.0.writer.write(Durability::Power, bytes, replace).await
    }

    async fn redrive_one(&self, dead_letter: &str, place: &Place) -> Result<()> {
        let (dead_letter, place) = (self.0.catalog.queue(dead_letter)?, place.clone());
        let redrive = move |writing: &mut Writing<'_>| redrive_one(writing, &dead_letter, &place);
        self.0.writer.write(Durability::Power, 0, redrive).await
    }
}

/// The last message of a page, as the index orders them; those behind the heads of their groups come after all others.
struct Cursor {
    visible_at: Option<i64>,
    sent_at: i64,
    expires_at: i64,
    row: i64,
}

impl Cursor {
    const START: Self = Self { visible_at: Some(i64::MIN), sent_at: i64::MIN, expires_at: i64::MIN, row: i64::MIN };
    const WAITING: Self = Self { visible_at: None, ..Self::START };

    fn of(message: &Stored) -> Self {
        Self {
            visible_at: message.visible_at_ms.map(int),
            sent_at: int(message.sent_at_ms),
            expires_at: int(message.expires_at_ms),
            row: message.place.row,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { visible_at, sent_at, expires_at, row } = self;
        let visible_at = visible_at.map_or_else(|| "waiting".into(), |at| at.to_string());
        write!(f, "{visible_at}.{sent_at}.{expires_at}.{row}")
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse().map_err(|_| bad_cursor());
        let parts: Vec<&str> = text.split('.').collect();
        let [visible_at, sent_at, expires_at, row] = parts[..] else { return Err(bad_cursor()) };
        Ok(Self {
            visible_at: if visible_at == "waiting" { None } else { Some(number(visible_at)?) },
            sent_at: number(sent_at)?,
            expires_at: number(expires_at)?,
            row: number(row)?,
        })
    }
}

fn page(db: &Connection, queue: i64, after: &Cursor, now: i64, limit: u32, body: i64) -> rusqlite::Result<Page> {
    let mut messages = Vec::new();
    if after.visible_at.is_some() {
        messages = rows(db, VISIBLE, queue, after, now, limit, body)?;
    }
    let left = limit.saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX));
    if left > 0 {
        let after = if after.visible_at.is_some() { &Cursor::WAITING } else { after };
        messages.extend(rows(db, WAITING, queue, after, now, left, body)?);
    }
    let is_full = messages.len() >= limit as usize;
    let cursor = messages.last().filter(|_| is_full).map(|last| Cursor::of(last).to_string());
    Ok(Page { messages, cursor })
}

const VISIBLE: &str = "queue = ?1 AND (visible_at, sent_at, expires_at, id) > (?2, ?3, ?4, ?5)
    AND (expires_at > ?6 OR (lease <> 0 AND visible_at > ?6))
    ORDER BY visible_at, sent_at, expires_at, id LIMIT ?7";
const WAITING: &str = "queue = ?1 AND visible_at IS ?2 AND (sent_at, expires_at, id) > (?3, ?4, ?5) AND expires_at > ?6
    ORDER BY sent_at, expires_at, id LIMIT ?7";

fn rows(
    db: &Connection,
    which: &str,
    queue: i64,
    after: &Cursor,
    now: i64,
    limit: u32,
    body: i64,
) -> rusqlite::Result<Vec<Stored>> {
    let Cursor { visible_at, sent_at, expires_at, row } = after;
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM message INDEXED BY message_ready WHERE {which}"))?
        .query_map(params![queue, visible_at, sent_at, expires_at, row, now, limit, body], |row| read_stored(row, now))?
        .collect()
}

fn read_stored(row: &Row<'_>, now: i64) -> rusqlite::Result<Stored> {
    let (visible_at, lease): (Option<i64>, i64) = (row.get(2)?, row.get(3)?);
    Ok(Stored {
        place: Place { row: row.get(0)?, id: row.get(1)? },
        state: match visible_at {
            None => State::Waiting,
            Some(at) if at <= now => State::Ready,
            Some(_) if lease != 0 => State::Leased,
            Some(_) => State::Delayed,
        },
        body: row.get(4)?,
        size: nat(row.get(5)?),
        content_type: row.get(6)?,
        attributes: read_attributes(row.get_ref(7)?.as_str_or_null()?),
        group: row.get(8)?,
        receives: row.get(9)?,
        sent_at_ms: nat(row.get(10)?),
        visible_at_ms: visible_at.map(nat),
        expires_at_ms: nat(row.get(11)?),
    })
}

fn read(db: &Connection, queue: i64, place: &Place, now: i64) -> rusqlite::Result<Option<Stored>> {
    let whole = COLUMNS.replace("substr(body, 1, ?8)", "body");
    db.prepare_cached(&format!("SELECT {whole} FROM message WHERE id = ?1 AND queue = ?2 AND ulid = ?3"))?
        .query_row(params![place.row, queue, place.id], |row| read_stored(row, now))
        .optional()
}

/// The group of a message that is there and that nobody has leased.
fn unleased(writing: &Writing<'_>, queue: i64, place: &Place) -> Step<Option<String>> {
    let found: Option<(Option<String>, bool)> = writing
        .db
        .prepare_cached(
            "SELECT grp, lease <> 0 AND visible_at > ?4 FROM message WHERE id = ?1 AND queue = ?2 AND ulid = ?3",
        )?
        .query_row(params![place.row, queue, place.id, writing.now], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        None => Err(Error::NotFound.into()),
        Some((_, true)) => Err(Error::Conflict(None).into()),
        Some((group, false)) => Ok(group),
    }
}

fn remove(writing: &mut Writing<'_>, queue: &Arc<Queue>, place: &Place) -> Step<()> {
    let group = unleased(writing, queue.id, place)?;
    writing.db.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([place.row])?;
    Ok(promote(writing, queue, group.as_deref())?)
}

fn replace(writing: &mut Writing<'_>, queue: &Arc<Queue>, place: &Place, content: &Content) -> Step<()> {
    unleased(writing, queue.id, place)?;
    writing
        .db
        .prepare_cached("UPDATE message SET body = ?2, content_type = ?3, attributes = ?4 WHERE id = ?1")?
        .execute(params![place.row, content.body, content.content_type, write_attributes(&content.attributes)])?;
    Ok(())
}

fn redrive_one(writing: &mut Writing<'_>, dead_letter: &Arc<Queue>, place: &Place) -> Step<()> {
    unleased(writing, dead_letter.id, place)?;
    if send_home(writing, dead_letter, place.row)? {
        return Ok(());
    }
    let message = Mortal::find(writing.db, place.row)?;
    Err(no_home(message.source()).into())
}
