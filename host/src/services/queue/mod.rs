//! Queues with leases: the contract every backend keeps, and the checked handle a guest works through.
//!
//! The life of a message and what the operations promise are written in `wit/queue.wit`.

pub mod browse;
#[cfg(test)]
mod contract;
pub mod dead;
pub mod host;
pub mod memory;
pub mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use super::message::{self, Accepted, Attribute};
use super::transaction::{Handle, Transaction};
use super::{Error, Result, require};
use crate::config::{Grant, Right};

pub const DELAY_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
pub const RELEASE_DELAY_MAX: Duration = Duration::from_secs(12 * 3600);
pub const WAIT_MAX: Duration = Duration::from_secs(20);
pub const LEASE_MIN: Duration = Duration::from_secs(1);
pub const LEASE_MAX: Duration = Duration::from_secs(12 * 3600);
pub const LEASE_DEFAULT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub delay: Option<Duration>,
    pub group: Option<String>,
    pub deduplication_id: Option<String>,
    pub ttl: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub id: String,
    pub receipt: Receipt,
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub group: Option<String>,
    /// 1 at the first delivery.
    pub receive_count: u32,
    pub sent_at_ms: u64,
    pub first_received_at_ms: u64,
    /// From then on it is not delivered.
    pub expires_at_ms: u64,
}

/// Names one delivery of one message: the message's place in its queue and the token of the lease. Guests see it as an
/// opaque text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub row: i64,
    /// Random, new at each delivery.
    pub lease: i64,
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}.{:x}", self.row, self.lease)
    }
}

impl std::str::FromStr for Receipt {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let hex = |part: &str| i64::from_str_radix(part, 16).ok();
        text.split_once('.')
            .and_then(|(row, lease)| Some(Self { row: hex(row)?, lease: hex(lease)? }))
            .ok_or_else(|| Error::Invalid("the receipt is not one that `receive` gave".into()))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub ready: u64,
    pub delayed: u64,
    pub leased: u64,
    /// Age of the oldest ready message, 0 when there is none.
    pub oldest_age_ms: u64,
    /// False where the backend can only estimate.
    pub exact: bool,
}

/// What became of a schedule's tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticked {
    Sent,
    /// This tick or a later one was before.
    Past,
    /// A message of an earlier tick is still in the queue, and ticks must not overlap.
    Busy,
}

/// What a queue backend does. Arguments have passed the checks of [`Queue`]; a queue that was not provisioned answers
/// [`Error::NotFound`].
///
/// A message is *delayed* until it is visible, then *ready*, then *leased*; it ends acknowledged, dead or expired. A
/// leased message that is not acknowledged in time is ready again, or dead once it was received
/// [`QueueSettings::max_receives`](crate::config::QueueSettings) times: then it moves to the dead-letter queue, its
/// attributes of [`dead`] added, its receive count back at 0, in one step that neither loses nor doubles it.
/// In a fifo queue only the oldest live message of a group is ever visible; a delay or a lease of it holds the group.
#[async_trait]
pub trait Backend: browse::Browse {
    /// The largest message the queue takes, in bytes; [`Error::NotFound`] for a queue that was not provisioned.
    async fn message_size(&self, queue: &str) -> Result<usize>;
    /// An answer for each, in order; the outer error when none was tried. Durable when it returns.
    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>>;
    /// Up to `max` messages, at least one unless `wait` passes first; woken by a send at once. The receive count grows with the
    /// lease and survives a killed host. Stops before the bodies pass [`message::BATCH_BYTES`], but gives at least one.
    async fn receive(&self, queue: &str, max: u32, wait: Duration, lease: Duration) -> Result<Vec<Delivered>>;
    /// An answer for each: [`Error::LeaseLost`] when the lease has ended.
    async fn acknowledge(&self, queue: &str, receipts: &[Receipt]) -> Result<Vec<Result<()>>>;
    /// Returns once a message can be received, which somebody else may take in between; costs nothing while there is none.
    /// Call [`Backend::receive`] then: of the waiters for one message only one may have been told.
    async fn ready(&self, queue: &str) -> Result<()>;
    /// Visible again after `delay`; dead at once when this was its last receive. `report` is what the dead message will carry:
    /// attributes of [`dead`]. It replaces that of an earlier release.
    async fn release(&self, queue: &str, receipt: Receipt, delay: Duration, report: Vec<Attribute>) -> Result<()>;
    /// As if it had not been received: visible again after `delay`, the receive not counted. For faults that are not the
    /// message's.
    async fn give_back(&self, queue: &str, receipt: Receipt, delay: Duration) -> Result<()>;
    /// Dead at once, for `reason`, one of those of [`dead`], with the report. Durable when it returns.
    async fn bury(&self, queue: &str, receipt: Receipt, reason: &str, report: Vec<Attribute>) -> Result<()>;
    /// The lease ends `lease` from now.
    async fn extend(&self, queue: &str, receipt: Receipt, lease: Duration) -> Result<()>;
    async fn stats(&self, queue: &str) -> Result<Stats>;
    /// Drops what is ready or delayed and returns how many; a leased message may still be acknowledged.
    async fn purge(&self, queue: &str) -> Result<u64>;
    /// The planned time of the last tick put into the queue, which becomes `now_ms` when there was none yet.
    async fn last_tick(&self, queue: &str, now_ms: u64) -> Result<u64>;
    /// Sends the message of a schedule's tick, unless one with this planned time or a later one was before. With `overlap`
    /// false and a message still in the queue the tick is remembered, but nothing is sent. One step, durable when it returns.
    async fn tick(&self, queue: &str, planned_ms: u64, overlap: bool, message: Message) -> Result<Ticked>;
    /// Moves up to `max` ready messages of a dead-letter queue back to the queues they died in, the attributes of [`dead`]
    /// removed and the receive count at 0. Returns how many; one whose queue is gone stays.
    async fn redrive(&self, dead_letter: &str, max: u32) -> Result<u64>;
}

/// A queue as one function sees it: rights and limits are checked, then the backend is asked.
#[derive(Clone)]
pub struct Queue {
    backend: Arc<dyn Backend>,
    grant: Grant,
    message_size: usize,
    /// Where sends wait; there is no receiving in it.
    transaction: Option<Arc<dyn Transaction>>,
}

impl Queue {
    pub async fn open(backend: Arc<dyn Backend>, grant: Grant) -> Result<Self> {
        let message_size = backend.message_size(&grant.name).await?;
        Ok(Self { backend, grant, message_size, transaction: None })
    }

    pub async fn send(&self, message: Message) -> Result<Accepted> {
        require(&self.grant, Right::Send)?;
        self.check_message(&message)?;
        message::only(self.put(vec![message]).await?)
    }

    pub async fn send_batch(&self, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        require(&self.grant, Right::Send)?;
        message::check_batch(messages.len(), messages.iter().map(Message::size).sum())?;
        let checks: Vec<Result<()>> = messages.iter().map(|message| self.check_message(message)).collect();
        let fine = messages.into_iter().zip(&checks).filter(|(_, check)| check.is_ok()).map(|(message, _)| message);
        let answers = self.put(fine.collect()).await?;
        Ok(message::each(checks, answers))
    }

    pub async fn receive(&self, max: u32, wait: Duration, lease: Option<Duration>) -> Result<Vec<Delivered>> {
        self.check_receiver()?;
        if max == 0 || max as usize > message::BATCH_MESSAGES {
            return Err(Error::Invalid(format!("`max` is {max}, it goes from 1 to {}", message::BATCH_MESSAGES)));
        }
        check_duration("wait-ms", wait, Duration::ZERO, WAIT_MAX)?;
        let lease = lease.unwrap_or(LEASE_DEFAULT);
        check_duration("lease-ms", lease, LEASE_MIN, LEASE_MAX)?;
        self.backend.receive(&self.grant.name, max, wait, lease).await
    }

    /// A receipt that was never given is `invalid` for itself.
    pub async fn acknowledge(&self, receipts: &[String]) -> Result<Vec<Result<()>>> {
        self.check_receiver()?;
        message::check_batch(receipts.len(), 0)?;
        let parsed: Vec<Result<Receipt>> = receipts.iter().map(|receipt| receipt.parse()).collect();
        let fine: Vec<Receipt> = parsed.iter().filter_map(|receipt| receipt.as_ref().ok().copied()).collect();
        let answers = self.backend.acknowledge(&self.grant.name, &fine).await?;
        Ok(message::each(parsed, answers))
    }

    pub async fn release(&self, receipt: &str, delay: Duration) -> Result<()> {
        self.check_receiver()?;
        check_duration("delay-ms", delay, Duration::ZERO, RELEASE_DELAY_MAX)?;
        self.backend.release(&self.grant.name, receipt.parse()?, delay, Vec::new()).await
    }

    pub async fn extend(&self, receipt: &str, lease: Duration) -> Result<()> {
        self.check_receiver()?;
        check_duration("lease-ms", lease, LEASE_MIN, LEASE_MAX)?;
        self.backend.extend(&self.grant.name, receipt.parse()?, lease).await
    }

    /// Any right to the queue will do.
    pub async fn stats(&self) -> Result<Stats> {
        self.backend.stats(&self.grant.name).await
    }

    async fn put(&self, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        match &self.transaction {
            Some(transaction) => transaction.send(&self.grant.name, messages).await,
            None => self.backend.send(&self.grant.name, messages).await,
        }
    }

    /// A lease is taken and given back at once, which a transaction could not undo.
    fn check_receiver(&self) -> Result<()> {
        require(&self.grant, Right::Receive)?;
        if self.transaction.is_none() {
            return Ok(());
        }
        let name = &self.grant.name;
        Err(Error::Unsupported(format!(
            "queue `{name}` has no receiving inside a transactional delivery: give its messages a trigger of their own"
        )))
    }

    fn check_message(&self, message: &Message) -> Result<()> {
        message::check_attributes(&message.attributes)?;
        message::check_id("group", message.group.as_deref())?;
        message::check_id("deduplication id", message.deduplication_id.as_deref())?;
        if message.size() > self.message_size {
            return Err(Error::TooLarge(self.message_size as u64));
        }
        check_delay(message.delay)?;
        match message.ttl {
            Some(ttl) if ttl.is_zero() => Err(Error::Invalid("`ttl-ms` is 0".into())),
            _ => Ok(()),
        }
    }
}

impl Message {
    /// The message about a change of `key`; it is of the key's group.
    pub(in crate::services) fn about(key: &str, change: &impl Serialize) -> Self {
        Self {
            // Names and numbers can always be written.
            body: serde_json::to_vec(change).unwrap_or_default(),
            content_type: Some("application/json".into()),
            group: Some(key.into()),
            ..Self::default()
        }
    }

    /// Bytes that count against the limit.
    pub fn size(&self) -> usize {
        message::size(&self.body, self.content_type.as_deref(), &self.attributes)
    }
}

pub(super) fn check_delay(delay: Option<Duration>) -> Result<()> {
    check_duration("delay-ms", delay.unwrap_or_default(), Duration::ZERO, DELAY_MAX)
}

impl Handle for Queue {
    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self {
        Self { transaction: Some(Arc::clone(transaction)), ..self.clone() }
    }
}

fn check_duration(name: &str, value: Duration, min: Duration, max: Duration) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let (value, min, max) = (value.as_millis(), min.as_millis(), max.as_millis());
    Err(Error::Invalid(format!("`{name}` is {value}, it goes from {min} to {max}")))
}
