//! Topics in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::filter::Filter;
use super::{Backend, DEDUPLICATION_WINDOW, Message};
use crate::config::{Resources, TopicSettings};
use crate::services::memory::{Deduplication, OpenError, lock};
use crate::services::message::Accepted;
use crate::services::queue::{self, memory::message_id};
use crate::services::{Clock, Error, Result};

/// A published message is stored in queues only.
pub struct Memory {
    topics: BTreeMap<String, Topic>,
    queues: Arc<queue::memory::Memory>,
    clock: Clock,
}

struct Topic {
    subscriptions: Vec<Subscription>,
    accepted: Mutex<Deduplication>,
}

struct Subscription {
    queue: String,
    filter: Option<Filter>,
}

impl Memory {
    pub(in crate::services) fn open(
        resources: &Resources,
        clock: Clock,
        queues: Arc<queue::memory::Memory>,
    ) -> Result<Self, OpenError> {
        let topic = |(name, settings): (&String, &TopicSettings)| {
            let subscriptions = subscriptions(resources, name, settings)?;
            let accepted = Mutex::new(Deduplication::new(DEDUPLICATION_WINDOW));
            Ok((name.clone(), Topic { subscriptions, accepted }))
        };
        Ok(Self { topics: resources.topics.iter().map(topic).collect::<Result<_, _>>()?, queues, clock })
    }

    fn publish_one(&self, topic: &Topic, mut message: Message) -> Result<Accepted> {
        let now_ms = self.clock.now_ms();
        let deduplication_id = message.deduplication_id.take();
        let queues = topic.takers(&message);
        let Some(deduplication_id) = deduplication_id else {
            let id = message_id(now_ms);
            self.queues.deliver(&id, &queued(message), &queues)?;
            return Ok(Accepted { id, duplicate: false });
        };
        // Held until the message is in its queues, so that no other with the same id comes between.
        let mut accepted = lock(&topic.accepted);
        if let Some(first) = accepted.first(&deduplication_id, now_ms) {
            return Ok(Accepted { id: first.into(), duplicate: true });
        }
        let id = message_id(now_ms);
        self.queues.deliver(&id, &queued(message), &queues)?;
        accepted.remember(deduplication_id, id.clone(), now_ms);
        Ok(Accepted { id, duplicate: false })
    }
}

fn subscriptions(resources: &Resources, topic: &str, settings: &TopicSettings) -> Result<Vec<Subscription>, OpenError> {
    let open = |subscription: &crate::config::Subscription| {
        let (topic, queue) = (topic.to_owned(), subscription.queue.clone());
        if !resources.queues.contains_key(&queue) {
            return Err(OpenError::SubscribedQueue { topic, queue });
        }
        match subscription.filter.as_deref().map(Filter::parse).transpose() {
            Ok(filter) => Ok(Subscription { queue, filter }),
            Err(source) => Err(OpenError::Filter { topic, queue, source }),
        }
    };
    settings.subscriptions.iter().map(open).collect()
}

fn queued(message: Message) -> queue::Message {
    let Message { body, content_type, attributes, group, deduplication_id: _ } = message;
    queue::Message { body, content_type, attributes, group, ..queue::Message::default() }
}

#[async_trait]
impl Backend for Memory {
    async fn topic_exists(&self, topic: &str) -> Result<bool> {
        Ok(self.topics.contains_key(topic))
    }

    async fn publish(&self, topic: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        let topic = self.topics.get(topic).ok_or(Error::NotFound)?;
        Ok(messages.into_iter().map(|message| self.publish_one(topic, message)).collect())
    }
}

impl Topic {
    /// The queues of the subscriptions that take the message.
    fn takers(&self, message: &Message) -> Vec<&str> {
        let takes =
            |filter: &Filter| filter.matches(&message.attributes, message.content_type.as_deref(), &message.body);
        let subscriptions = self.subscriptions.iter();
        let taking = subscriptions.filter(|subscription| subscription.filter.as_ref().is_none_or(takes));
        taking.map(|subscription| subscription.queue.as_str()).collect()
    }
}
