//! An event that waits in its function's queue: as a message, and back.

use serde::{Deserialize, Serialize};

use super::Later;
use crate::event::{Event, Trigger};
use crate::services::message::{self, Accepted, Attribute};
use crate::services::queue::{self, Delivered, Message};
use crate::services::transaction::Transaction;
use crate::services::{Error, Result};

/// The attribute with what a message does not say of an event.
const EVENT: &str = "faas-event";

/// The queue of a function's asynchronous invocations; `/` keeps it apart from those with names of their own.
pub fn queue_name(function: &str) -> String {
    format!("invoke/{function}")
}

/// An event as its function gets it, with what the invocation carries on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub event: Event,
    pub traceparent: Option<String>,
    /// Functions before this one in its chain.
    pub depth: u8,
}

/// In JSON, the value of [`EVENT`].
#[derive(Serialize, Deserialize)]
struct Envelope {
    /// The message's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default)]
    depth: u8,
}

impl Default for Envelope {
    fn default() -> Self {
        let (source, kind) = ("/functions".into(), super::KIND.into());
        Self { id: None, source, kind, subject: None, traceparent: None, depth: 0 }
    }
}

/// The message of an event. An empty id is given way to the message's.
pub fn to_message(queued: Queued, later: Later) -> Message {
    let Queued { event, traceparent, depth } = queued;
    let id = Some(event.id).filter(|id| !id.is_empty());
    let envelope = Envelope { id, source: event.source, kind: event.kind, subject: event.subject, traceparent, depth };
    // Texts and a number can always be written.
    let value = serde_json::to_string(&envelope).unwrap_or_default();
    let own = event.attributes.into_iter().map(|(name, value)| Attribute { name, value });
    Message {
        body: event.data,
        content_type: event.content_type,
        attributes: own.chain([Attribute { name: EVENT.into(), value }]).collect(),
        delay: later.delay,
        deduplication_id: later.deduplication_id,
        ..Message::default()
    }
}

/// The event of a message; of one that somebody else sent, with what the message itself says.
pub fn from_message(message: &Delivered) -> Queued {
    let (envelope, own): (Vec<_>, Vec<_>) = message.attributes.iter().partition(|attribute| attribute.name == EVENT);
    let envelope = envelope.first().and_then(|attribute| serde_json::from_str(&attribute.value).ok());
    let Envelope { id, source, kind, subject, traceparent, depth } = envelope.unwrap_or_default();
    let event = Event {
        id: id.unwrap_or_else(|| message.id.clone()),
        source,
        kind,
        subject,
        time_ms: message.sent_at_ms,
        content_type: message.content_type.clone(),
        attributes: own.into_iter().map(|attribute| (attribute.name.clone(), attribute.value.clone())).collect(),
        trigger: Trigger::Invoke,
        data: message.body.clone(),
    };
    Queued { event, traceparent, depth }
}

/// Puts a message of [`to_message`] into the queue of a function. [`Error::NotFound`] where it has none; what the host added to the
/// message does not count against the queue's limit. With a transaction it comes with the commit.
pub async fn send(
    backend: &dyn queue::Backend,
    transaction: Option<&dyn Transaction>,
    function: &str,
    message: Message,
) -> Result<Accepted> {
    let queue = queue_name(function);
    let limit = backend.message_size(&queue).await?;
    let added = message.attributes.iter().filter(|attribute| attribute.name == EVENT);
    let added: usize = added.map(|attribute| attribute.name.len() + attribute.value.len()).sum();
    if message.size().saturating_sub(added) > limit {
        return Err(Error::TooLarge(limit as u64));
    }
    message::only(match transaction {
        Some(transaction) => transaction.send(&queue, vec![message]).await?,
        None => backend.send(&queue, vec![message]).await?,
    })
}
