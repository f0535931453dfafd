//! Queues with leases. Delivery is at least once.
//!
//! A received message is leased to its receiver: [`Queue::acknowledge`] removes it, and a lease that ends makes it ready
//! for another receiver.

use std::time::{Duration, SystemTime};

use crate::bindings::function::wasm_faas::function::{queue as raw, types};
use crate::time::{instant, millis, millis_u32};
use crate::{Accepted, Attributes, Result, ServiceError};

/// A queue that the function may use. Dropping it gives its handle back to the host.
#[derive(Debug)]
pub struct Queue(raw::Queue);

impl Queue {
    /// Errors: `AccessDenied`, `NotFound`, `Unavailable`.
    pub fn open(name: &str) -> Result<Self, ServiceError> {
        Ok(Self(raw::Queue::open(name)?))
    }

    /// Needs the right `send`. `Ok` means stored.
    pub fn send(&self, message: impl Into<Message>) -> Result<Accepted, ServiceError> {
        Ok(self.0.send(&message.into().0)?.into())
    }

    /// 1 to 100 messages, 1 MiB together. Each succeeds or fails for itself; the answers are in the order of the messages.
    pub fn send_batch(
        &self,
        messages: impl IntoIterator<Item = impl Into<Message>>,
    ) -> Result<Vec<Result<Accepted, ServiceError>>, ServiceError> {
        let messages: Vec<_> = messages.into_iter().map(|message| message.into().0).collect();
        Ok(Accepted::from_batch(self.0.send_batch(&messages)?))
    }

    /// Needs the right `receive`, as all below. At most `max` (1 to 100) messages and 1 MiB of them; waits up to `wait` (at
    /// most 20 s) for the first one. The lease is 1 second to 12 hours, 30 seconds when none is given.
    pub fn receive(&self, max: u32, wait: Duration, lease: Option<Duration>) -> Result<Vec<Delivered>, ServiceError> {
        let delivered = self.0.receive(max, millis_u32(wait), lease.map(millis_u32))?;
        Ok(delivered.into_iter().map(Into::into).collect())
    }

    /// Removes messages for good; 1 to 100 receipts, an answer for each. `LeaseLost` when the lease has ended.
    pub fn acknowledge(
        &self,
        receipts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Result<(), ServiceError>>, ServiceError> {
        let receipts: Vec<String> = receipts.into_iter().map(Into::into).collect();
        Ok(self.0.acknowledge(&receipts)?.into_iter().map(|answer| answer.map_err(Into::into)).collect())
    }

    /// Gives the message back: ready again after `delay` (at most 12 hours), its receive count kept. In a `fifo` queue the
    /// delay holds the message's whole group.
    pub fn release(&self, receipt: &str, delay: Duration) -> Result<(), ServiceError> {
        Ok(self.0.release(receipt, millis(delay))?)
    }

    /// The lease ends `lease` (1 second to 12 hours) from now.
    pub fn extend(&self, receipt: &str, lease: Duration) -> Result<(), ServiceError> {
        Ok(self.0.extend(receipt, millis_u32(lease))?)
    }

    /// Needs either right.
    pub fn stats(&self) -> Result<Stats, ServiceError> {
        let stats = self.0.stats()?;
        Ok(Stats {
            ready: stats.ready,
            delayed: stats.delayed,
            leased: stats.leased,
            oldest_age: Duration::from_millis(stats.oldest_age_ms),
            exact: stats.exact,
        })
    }
}

/// A message to send: a body, and what else was set. Body, content type and attributes are at most 256 KiB together
/// unless the queue says otherwise.
#[derive(Clone, Debug)]
pub struct Message(raw::Message);

impl Message {
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self(raw::Message {
            body: body.into(),
            content_type: None,
            attributes: Vec::new(),
            delay_ms: None,
            group: None,
            deduplication_id: None,
            ttl_ms: None,
        })
    }

    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.0.content_type = Some(content_type.into());
        self
    }

    /// Adds an attribute. At most 32, names `[A-Za-z0-9_.-]{1,64}`, together at most 16 KiB; names starting with `faas-`
    /// are the host's.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.attributes.push(types::Attribute { name: name.into(), value: value.into() });
        self
    }

    /// Not delivered before this time has passed; at most 7 days.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.0.delay_ms = Some(millis(delay));
        self
    }

    /// For a `fifo` queue: messages of one group are delivered in order. At most 128 bytes.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.0.group = Some(group.into());
        self
    }

    /// Within the queue's window, a second message with the same id is not stored. At most 128 bytes.
    #[must_use]
    pub fn deduplication_id(mut self, id: impl Into<String>) -> Self {
        self.0.deduplication_id = Some(id.into());
        self
    }

    /// Never delivered after this time.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.0.ttl_ms = Some(millis(ttl));
        self
    }
}

impl From<Vec<u8>> for Message {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

/// Text, and says so in its content type.
impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new(text).content_type("text/plain; charset=utf-8")
    }
}

/// Text, and says so in its content type.
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A message as received.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub id: String,
    /// Names this delivery; new at each.
    pub receipt: String,
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub attributes: Attributes,
    pub group: Option<String>,
    /// 1 at the first delivery. Counted when the lease begins, so a receiver that dies has used one up.
    pub receive_count: u32,
    pub sent_at: SystemTime,
    pub first_received_at: SystemTime,
}

impl From<raw::Delivered> for Delivered {
    fn from(message: raw::Delivered) -> Self {
        Self {
            id: message.id,
            receipt: message.receipt,
            body: message.body,
            content_type: message.content_type,
            attributes: message.attributes.into(),
            group: message.group,
            receive_count: message.receive_count,
            sent_at: instant(message.sent_at_ms),
            first_received_at: instant(message.first_received_at_ms),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Stats {
    pub ready: u64,
    pub delayed: u64,
    pub leased: u64,
    /// Age of the oldest message that is ready; zero when there is none.
    pub oldest_age: Duration,
    /// False where the backend can only estimate.
    pub exact: bool,
}
