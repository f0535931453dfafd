//! Topics: the contract every backend keeps, and the checked handle a guest works through.

#[cfg(test)]
mod contract;
pub mod host;
pub mod memory;
pub mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::message::{self, Accepted, Attribute};
use super::transaction::{Handle, Transaction};
use super::{Error, Result, require};
use crate::config::{Filter, Grant, Right};

/// Body, content type and attributes.
pub const MESSAGE_BYTES: usize = 256 << 10;
pub const DEDUPLICATION_WINDOW: Duration = Duration::from_secs(5 * 60);
/// The attribute of a message that was published before and is replayed: `true`.
pub const REPLAY: &str = "faas-replay";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub group: Option<String>,
    pub deduplication_id: Option<String>,
}

impl Message {
    /// Bytes that count against the limit.
    pub fn size(&self) -> usize {
        message::size(&self.body, self.content_type.as_deref(), &self.attributes)
    }
}

/// What a topic backend does. Arguments have passed the checks of [`Topic`]; a topic that was not provisioned answers
/// [`Error::NotFound`].
///
/// Publishing puts the message into the queue of every subscription whose filter matches, all of them or none, with the
/// queue's own retention, retries and dead letters. A publish nobody subscribes to is accepted.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Whether the topic was provisioned.
    async fn topic_exists(&self, topic: &str) -> Result<bool>;
    /// An answer for each, in order. Durable in every matching queue when it returns. Deduplicates over
    /// [`DEDUPLICATION_WINDOW`].
    async fn publish(&self, topic: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>>;
    /// Puts the messages that the topic keeps since `from_ms`, milliseconds since the Unix epoch, and that match the
    /// filter of the subscription into its `queue` again, in order, each with the attribute [`REPLAY`]. What is published
    /// meanwhile is not among them. Returns how many. Goes in steps: after an error the first of them may be there. What
    /// cannot be is [`Error::Invalid`]: a topic that keeps nothing, a queue that is none of its subscriptions.
    async fn replay(&self, topic: &str, queue: &str, from_ms: u64) -> Result<u64>;
}

/// Whether a subscription with this filter takes a message.
fn takes(filter: Option<&Filter>, attributes: &[Attribute], content_type: Option<&str>, body: &[u8]) -> bool {
    let attributes = || attributes.iter().map(|attribute| (attribute.name.as_str(), attribute.value.as_str()));
    filter.is_none_or(|filter| filter.matches(attributes(), content_type, body))
}

/// Messages that one step of a replay looks at, so that it does not hold up everybody else.
const REPLAY_STEP: usize = 256;

/// A message as it is put into a queue again.
fn replayed(mut attributes: Vec<Attribute>) -> Vec<Attribute> {
    attributes.push(Attribute { name: REPLAY.into(), value: "true".into() });
    attributes
}

fn keeps_nothing(topic: &str) -> Error {
    Error::Invalid(format!("topic `{topic}` keeps no messages to replay: give it a `retention`"))
}

fn not_subscribed(topic: &str, queue: &str) -> Error {
    Error::Invalid(format!("queue `{queue}` has no subscription to topic `{topic}`: name one that has"))
}

/// A topic as one function sees it: rights and limits are checked, then the backend is asked.
#[derive(Clone)]
pub struct Topic {
    backend: Arc<dyn Backend>,
    grant: Grant,
    /// Where publications wait.
    transaction: Option<Arc<dyn Transaction>>,
}

impl Topic {
    pub async fn open(backend: Arc<dyn Backend>, grant: Grant) -> Result<Self> {
        if !backend.topic_exists(&grant.name).await? {
            return Err(Error::NotFound);
        }
        Ok(Self { backend, grant, transaction: None })
    }

    pub async fn publish(&self, message: Message) -> Result<Accepted> {
        require(&self.grant, Right::Publish)?;
        check_message(&message)?;
        message::only(self.put(vec![message]).await?)
    }

    pub async fn publish_batch(&self, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        require(&self.grant, Right::Publish)?;
        message::check_batch(messages.len(), messages.iter().map(Message::size).sum())?;
        let checks: Vec<Result<()>> = messages.iter().map(check_message).collect();
        let fine = messages.into_iter().zip(&checks).filter(|(_, check)| check.is_ok()).map(|(message, _)| message);
        let answers = self.put(fine.collect()).await?;
        Ok(message::each(checks, answers))
    }

    async fn put(&self, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        match &self.transaction {
            Some(transaction) => transaction.publish(&self.grant.name, messages).await,
            None => self.backend.publish(&self.grant.name, messages).await,
        }
    }
}

impl Handle for Topic {
    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn within(&self, transaction: &Arc<dyn Transaction>) -> Self {
        Self { transaction: Some(Arc::clone(transaction)), ..self.clone() }
    }
}

fn check_message(message: &Message) -> Result<()> {
    message::check_attributes(&message.attributes)?;
    message::check_id("group", message.group.as_deref())?;
    message::check_id("deduplication id", message.deduplication_id.as_deref())?;
    if message.size() > MESSAGE_BYTES {
        return Err(Error::TooLarge(MESSAGE_BYTES as u64));
    }
    Ok(())
}
