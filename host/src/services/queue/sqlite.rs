//! Queues in the embedded store. A message is a row; its `visible_at` is the end of its delay or lease, and a random
//! token in the row says which lease is the current one.

mod browse;
mod leases;
mod redrive;
mod tick;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use tokio::sync::Notify;

use super::{Backend, Delivered, Message, Receipt, Stats, Ticked};
use crate::services::Result;
use crate::services::message::{Accepted, Attribute, BATCH_BYTES};
use crate::services::sqlite::{
    Durability, NewMessage, Queue, Shared, Step, Writing, accept, insert, int, millis, nat, read_attributes, settle,
    write_attributes,
};
pub(in crate::services) use leases::acknowledge;

/// Overdue messages that an operation looks after before its own work.
const SETTLE: u32 = 64;
/// Messages that one step of a purge or a redrive takes, so that it does not hold up everybody else.
const STEP: u32 = 1_000;

pub(crate) struct Queues(pub(crate) Arc<Shared>);

/// A wake that nobody has looked after yet: goes to the next receiver when this one's caller leaves before it could claim.
struct Turn<'a>(Option<&'a Notify>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(ready) = self.0 {
            ready.notify_one();
        }
    }
}

#[async_trait]
impl Backend for Queues {
    async fn message_size(&self, queue: &str) -> Result<usize> {
        Ok(self.0.catalog.queue(queue)?.message_size)
    }

    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        let queue = self.0.catalog.queue(queue)?;
        let bytes = messages.iter().map(Message::size).sum();
        let send = move |writing: &mut Writing<'_>| {
            messages.iter().map(|message| send(writing, &queue, message).map(Ok)).collect()
        };
        self.0.writer.write(Durability::Power, bytes, send).await
    }

    async fn receive(&self, queue: &str, max: u32, wait: Duration, lease: Duration) -> Result<Vec<Delivered>> {
        let queue = self.0.catalog.queue(queue)?;
        let clock = &self.0.clock;
        let deadline = self.0.now().saturating_add(millis(wait));
        let mut turn = Turn(None);
        loop {
            // Listening begins before looking, so that nothing that comes in between is missed.
            let mut ready = pin!(queue.ready.notified());
            ready.as_mut().enable();
            let claimed = Arc::clone(&queue);
            let claim = move |writing: &mut Writing<'_>| claim(writing, &claimed, max, millis(lease), deadline);
            let (messages, next) = self.0.writer.write(Durability::Process, 0, claim).await?;
            turn.0 = None;
            if !messages.is_empty() || self.0.now() >= deadline {
                return Ok(messages);
            }
            tokio::select! {
                () = ready => turn.0 = Some(&queue.ready),
                () = clock.sleep_until(nat(next)) => {}
            }
        }
    }

    async fn acknowledge(&self, queue: &str, receipts: &[Receipt]) -> Result<Vec<Result<()>>> {
        let queue = self.0.catalog.queue(queue)?;
        let receipts = receipts.to_vec();
        let acknowledge = move |writing: &mut Writing<'_>| {
            receipts.iter().map(|receipt| acknowledge(writing, &queue, *receipt)).collect()
        };
        self.0.writer.write(Durability::Power, 0, acknowledge).await
    }

    async fn ready(&self, queue: &str) -> Result<()> {
        let queue = self.0.catalog.queue(queue)?;
        let mut turn = Turn(None);
        loop {
            // As in `receive`. What is there is seen without the writer; it is asked only before a wait.
            let mut ready = pin!(queue.ready.notified());
            ready.as_mut().enable();
            let seen = self.0.readers.read(|db| Ok(is_ready(db, queue.id, self.0.now())?))?;
            let next = if seen { None } else { self.watch(&queue).await? };
            turn.0 = None;
            let Some(next) = next else { return Ok(()) };
            tokio::select! {
                () = ready => turn.0 = Some(&queue.ready),
                () = self.0.clock.sleep_until(nat(next)) => {}
            }
        }
    }

    async fn release(&self, queue: &str, receipt: Receipt, delay: Duration, report: Vec<Attribute>) -> Result<()> {
        let queue = self.0.catalog.queue(queue)?;
        let report = write_attributes(&report);
        let release = move |writing: &mut Writing<'_>| {
            leases::release(writing, &queue, receipt, millis(delay), report.as_deref())
        };
        self.0.writer.write(Durability::Process, 0, release).await
    }

    async fn give_back(&self, queue: &str, receipt: Receipt, delay: Duration) -> Result<()> {
        let queue = self.0.catalog.queue(queue)?;
        let give_back = move |writing: &mut Writing<'_>| leases::give_back(writing, &queue, receipt, millis(delay));
        self.0.writer.write(Durability::Process, 0, give_back).await
    }

    async fn bury(&self, queue: &str, receipt: Receipt, reason: &str, report: Vec<Attribute>) -> Result<()> {
        let queue = self.0.catalog.queue(queue)?;
        let (reason, report) = (reason.to_owned(), write_attributes(&report));
        let bury = move |writing: &mut Writing<'_>| leases::bury(writing, &queue, receipt, &reason, report.as_deref());
        self.0.writer.write(Durability::Power, 0, bury).await
    }

    async fn extend(&self, queue: &str, receipt: Receipt, lease: Duration) -> Result<()> {
        let queue = self.0.catalog.queue(queue)?;
        let extend = move |writing: &mut Writing<'_>| leases::extend(writing, &queue, receipt, millis(lease));
        self.0.writer.write(Durability::Process, 0, extend).await
    }

    async fn stats(&self, queue: &str) -> Result<Stats> {
        let queue = self.0.catalog.queue(queue)?;
        self.settle_dead().await?;
        self.0.readers.read(|db| Ok(stats(db, queue.id, self.0.now())?))
    }

    async fn purge(&self, queue: &str) -> Result<u64> {
        let queue = self.0.catalog.queue(queue)?.id;
        let newest = self.0.readers.read(|db| Ok(newest(db)?))?;
        let mut purged = 0;
        loop {
            let step = move |writing: &mut Writing<'_>| Ok(purge(writing, queue, newest)?);
            let (removed, alive) = self.0.writer.write(Durability::Power, 0, step).await?;
            purged += alive;
            if removed < STEP as usize {
                return Ok(purged);
            }
        }
    }

    async fn last_tick(&self, queue: &str, now_ms: u64) -> Result<u64> {
        let queue = self.0.catalog.queue(queue)?.id;
        let last = self.0.readers.read(|db| Ok(tick::last(db, queue)?))?;
        if last != 0 {
            return Ok(nat(last));
        }
        let start = move |writing: &mut Writing<'_>| Ok(tick::start(writing, queue, int(now_ms))?);
        self.0.writer.write(Durability::Power, 0, start).await.map(nat)
    }

    async fn tick(&self, queue: &str, planned_ms: u64, overlap: bool, message: Message) -> Result<Ticked> {
        let queue = self.0.catalog.queue(queue)?;
        let bytes = message.size();
        let tick = move |writing: &mut Writing<'_>| tick::tick(writing, &queue, int(planned_ms), overlap, &message);
        self.0.writer.write(Durability::Power, bytes, tick).await
    }

    async fn redrive(&self, dead_letter: &str, max: u32) -> Result<u64> {
        let dead_letter = self.0.catalog.queue(dead_letter)?;
        let (mut moved, mut homeless) = (0, HashSet::new());
        loop {
            let (limit, dead_letter) = (STEP.min(max - moved), Arc::clone(&dead_letter));
            let step =
                move |writing: &mut Writing<'_>| Ok(redrive::redrive(writing, &dead_letter, limit, homeless.clone())?);
            let (count, known) = self.0.writer.write(Durability::Power, 0, step).await?;
            (moved, homeless) = (moved + count, known);
            if count < limit || moved == max {
                return Ok(moved.into());
            }
        }
    }
}

impl Queues {
    /// `None` when a message is ready; else when to look again, nothing having been sent since.
    async fn watch(&self, queue: &Arc<Queue>) -> Result<Option<i64>> {
        let queue = Arc::clone(queue);
        let watch = move |writing: &mut Writing<'_>| {
            if is_ready(writing.db, queue.id, writing.now)? {
                return Ok(None);
            }
            next_look(writing, &queue).map(Some)
        };
        self.0.writer.write(Durability::Process, 0, watch).await
    }

    /// Moves the messages whose last lease is over, when there are any, so that what is counted next is exact. Where
    /// nothing can be written any more, they are counted where they are.
    async fn settle_dead(&self) -> Result<()> {
        let overdue = "SELECT 1 FROM message WHERE last = 1 AND visible_at <= ?1";
        while self.0.readers.read(|db| Ok(db.prepare_cached(overdue)?.exists([self.0.now()])?))? {
            let settled = self.0.writer.write(Durability::Process, 0, |writing| Ok(settle(writing, SETTLE)?)).await;
            if settled.is_err() {
                break;
            }
        }
        Ok(())
    }
}

pub(in crate::services) fn send(writing: &mut Writing<'_>, queue: &Arc<Queue>, message: &Message) -> Step<Accepted> {
    let accepted = accept(writing, queue.id, queue.deduplication_window, message.deduplication_id.as_deref())?;
    if !accepted.duplicate {
        enqueue(writing, queue, &accepted.id, message)?;
    }
    Ok(accepted)
}

/// Puts a message that was accepted under `id` into the queue.
pub(in crate::services) fn enqueue(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    id: &str,
    message: &Message,
) -> rusqlite::Result<()> {
    let attributes = write_attributes(&message.attributes);
    let new = NewMessage {
        id,
        body: &message.body,
        content_type: message.content_type.as_deref(),
        attributes: attributes.as_deref(),
        group: message.group.as_deref(),
        delay: message.delay.map_or(0, millis),
        lifetime: message.ttl.map_or(queue.retention, |ttl| millis(ttl).min(queue.retention)),
    };
    insert(writing, queue, &new)
}

/// Leases what is ready; besides, when to look again if that is nothing, at `deadline` at the latest.
fn claim(
    writing: &mut Writing<'_>,
    queue: &Arc<Queue>,
    max: u32,
    lease: i64,
    deadline: i64,
) -> Step<(Vec<Delivered>, i64)> {
    settle(writing, SETTLE)?;
    let mut messages = ready(writing, queue.id, max)?;
    for message in &mut messages {
        leases::begin_lease(writing, queue, message, lease)?;
    }
    let mut next = deadline;
    if messages.is_empty() {
        next = next_look(writing, queue)?.min(deadline);
    }
    Ok((messages, next))
}

/// The messages to deliver, in order, still without a lease. The index is named because a plan that walks another one
/// would visit every message of the queue.
fn ready(writing: &Writing<'_>, queue: i64, max: u32) -> rusqlite::Result<Vec<Delivered>> {
    let mut statement = writing.db.prepare_cached(
        "SELECT id, ulid, body, content_type, attributes, grp, receives, sent_at, received_at, expires_at
         FROM message INDEXED BY message_ready
         WHERE queue = ?1 AND visible_at <= ?2 AND expires_at > ?2 AND last = 0
         ORDER BY visible_at, sent_at LIMIT ?3",
    )?;
    let mut rows = statement.query(params![queue, writing.now, max])?;
    let (mut messages, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(2)?.as_bytes()?.len();
        if bytes > BATCH_BYTES && !messages.is_empty() {
            break;
        }
        messages.push(read_delivered(row, writing.now)?);
    }
    Ok(messages)
}

fn read_delivered(row: &Row<'_>, now: i64) -> rusqlite::Result<Delivered> {
    let received_at: Option<i64> = row.get(8)?;
    Ok(Delivered {
        receipt: Receipt { row: row.get(0)?, lease: 0 },
        id: row.get(1)?,
        body: row.get(2)?,
        content_type: row.get(3)?,
        attributes: read_attributes(row.get_ref(4)?.as_str_or_null()?),
        group: row.get(5)?,
        receive_count: row.get(6)?,
        sent_at_ms: nat(row.get(7)?),
        first_received_at_ms: nat(received_at.unwrap_or(now)),
        expires_at_ms: nat(row.get(9)?),
    })
}

/// Whether [`ready`] would find something.
fn is_ready(db: &Connection, queue: i64, now: i64) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM message INDEXED BY message_ready
         WHERE queue = ?1 AND visible_at <= ?2 AND expires_at > ?2 AND last = 0",
    )?
    .exists([queue, now])
}

/// When who found nothing has to look again, if no message comes before.
fn next_look(writing: &mut Writing<'_>, queue: &Arc<Queue>) -> Step<i64> {
    let next = next_visible(writing, queue.id)?.unwrap_or(i64::MAX);
    writing.effects.watched(queue, next);
    Ok(next)
}

fn next_visible(writing: &Writing<'_>, queue: i64) -> rusqlite::Result<Option<i64>> {
    writing
        .db
        .prepare_cached("SELECT min(visible_at) FROM message WHERE queue = ?1 AND visible_at > ?2")?
        .query_row(params![queue, writing.now], |row| row.get(0))
}

/// Counts in one moment, over indexes. What has expired and is still there does not count, unless it is leased.
fn stats(db: &Connection, queue: i64, now: i64) -> rusqlite::Result<Stats> {
    let moment = db.unchecked_transaction()?;
    let count = |sql: &str| -> rusqlite::Result<(u64, Option<i64>)> {
        moment.prepare_cached(sql)?.query_row(params![queue, now], |row| Ok((nat(row.get(0)?), row.get(1)?)))
    };
    let (ready, oldest) = count(
        "SELECT count(*), min(sent_at) FROM message INDEXED BY message_ready
         WHERE queue = ?1 AND visible_at <= ?2 AND expires_at > ?2",
    )?;
    let (invisible, _) = count(
        "SELECT count(*), NULL FROM message INDEXED BY message_ready
         WHERE queue = ?1 AND (visible_at IS NULL OR visible_at > ?2) AND expires_at > ?2",
    )?;
    let (leased, alive) = count(
        "SELECT count(*), sum(expires_at > ?2) FROM message INDEXED BY message_leased
         WHERE queue = ?1 AND lease <> 0 AND visible_at > ?2",
    )?;
    Ok(Stats {
        ready,
        delayed: invisible.saturating_sub(alive.map_or(0, nat)),
        leased,
        oldest_age_ms: oldest.map_or(0, |sent_at| nat(now.saturating_sub(sent_at))),
        exact: true,
    })
}

fn newest(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT coalesce(max(id), 0) FROM message", [], |row| row.get(0))
}

/// One step: how many rows it removed, and how many of them had not expired. Those behind a head go first: without it
/// nothing would ever make them visible.
fn purge(writing: &Writing<'_>, queue: i64, newest: i64) -> rusqlite::Result<(usize, u64)> {
    let alive: Vec<bool> = writing
        .db
        .prepare_cached(
            "DELETE FROM message WHERE id IN (SELECT id FROM message INDEXED BY message_ready
               WHERE queue = ?1 AND id <= ?2 AND (lease = 0 OR visible_at <= ?3) ORDER BY visible_at LIMIT ?4)
             RETURNING expires_at > ?3",
        )?
        .query_map(params![queue, newest, writing.now, STEP], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((alive.len(), alive.iter().filter(|alive| **alive).count() as u64))
}
