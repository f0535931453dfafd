//! `wasi:messaging`: what a guest sends goes to a topic, or to a queue of that name.

mod host;

use std::sync::Arc;

use super::budget::{Budget, Held};
use crate::config::{Right, Service};
use crate::services::message::Attribute;
use crate::services::transaction::Transaction;
use crate::services::{Access, Error, Result, queue, topic};

/// A connection. There is one broker, the host, whatever the guest calls it.
pub struct Client {
    connected: bool,
}

/// Options of a request, of which there are none here.
pub struct RequestOptions;

/// A message that a guest has made and not sent yet.
pub struct Message {
    data: Vec<u8>,
    content_type: Option<String>,
    metadata: Option<Vec<(String, String)>>,
    held: Held,
}

impl Message {
    fn new(data: Vec<u8>, budget: &Budget) -> Result<Self> {
        let mut message = Self { data, content_type: None, metadata: None, held: budget.hold() };
        message.count()?;
        Ok(message)
    }

    /// Changes it; [`Error::TooLarge`] when the instance has more unsent than it may.
    fn change(&mut self, change: impl FnOnce(&mut Self)) -> Result<()> {
        change(self);
        self.count()
    }

    fn count(&mut self) -> Result<()> {
        let content_type = self.content_type.as_ref().map_or(0, String::len);
        let pairs =
            self.metadata.iter().flatten().map(|(key, value)| 2 * size_of::<String>() + key.len() + value.len());
        self.held.resize(self.data.len() + content_type + pairs.sum::<usize>())
    }

    /// In the place of a pair with this key, else at the end.
    fn add_metadata(&mut self, key: String, value: String) {
        let pairs = self.metadata.get_or_insert_default();
        match pairs.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => pairs.push((key, value)),
        }
    }

    fn remove_metadata(&mut self, key: &str) {
        if let Some(pairs) = &mut self.metadata {
            pairs.retain(|(known, _)| known != key);
        }
    }

    fn attributes(metadata: Option<Vec<(String, String)>>) -> Vec<Attribute> {
        metadata.into_iter().flatten().map(|(name, value)| Attribute { name, value }).collect()
    }

    /// To the topic of that name if the function may publish there, else to the queue of that name if it may send there.
    /// [`Error::AccessDenied`] when it may neither.
    async fn send(self, access: &Access, transaction: Option<&Arc<dyn Transaction>>, name: &str) -> Result<()> {
        if access.granted(Service::Topic, name).is_none()
            && let Some(grant) = access.granted(Service::Queue, name).filter(|grant| grant.has(Right::Send))
        {
            let queue = queue::Queue::open(access.backends(grant).queue.clone(), grant.clone()).await?;
            access.joined(queue, transaction).send(self.into()).await?;
        } else {
            let grant = access.grant(Service::Topic, name)?;
            let topic = topic::Topic::open(access.backends(&grant).topic.clone(), grant).await?;
            access.joined(topic, transaction).publish(self.into()).await?;
        }
        Ok(())
    }
}

impl From<Message> for topic::Message {
    fn from(message: Message) -> Self {
        let attributes = Message::attributes(message.metadata);
        Self { body: message.data, content_type: message.content_type, attributes, ..Self::default() }
    }
}

impl From<Message> for queue::Message {
    fn from(message: Message) -> Self {
        let attributes = Message::attributes(message.metadata);
        Self { body: message.data, content_type: message.content_type, attributes, ..Self::default() }
    }
}

fn disconnected() -> Error {
    Error::Unavailable("the client is disconnected".into())
}

fn no_replies() -> Error {
    Error::Unsupported(
        "request-reply: topics and queues answer nobody; give the receiver a queue to send its reply to".into(),
    )
}
