//! Topics in this process.

mod log;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{Backend, DEDUPLICATION_WINDOW, Message, keeps_nothing, not_subscribed, replayed, takes};
use crate::config::{Resources, Subscription, TopicSettings};
use crate::services::memory::{Deduplication, OpenError, lock};
use crate::services::message::Accepted;
use crate::services::queue::{self, Backend as _, memory::message_id};
use crate::services::{Clock, Error, Result};
use log::Log;

/// A published message is stored in queues, and in the log of a topic that keeps one.
pub struct Memory {
    topics: BTreeMap<String, Topic>,
    queues: Arc<queue::memory::Memory>,
    clock: Clock,
}

struct Topic {
    subscriptions: Vec<Subscription>,
    accepted: Mutex<Deduplication>,
    log: Option<Mutex<Log>>,
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
            let log = settings.retention.map(|retention| Mutex::new(Log::new(retention)));
            Ok((name.clone(), Topic { subscriptions, accepted, log }))
        };
        Ok(Self { topics: resources.topics.iter().map(topic).collect::<Result<_, _>>()?, queues, clock })
    }

    fn publish_one(&self, topic: &Topic, mut message: Message) -> Result<Accepted> {
        let now_ms = self.clock.now_ms();
        let deduplication_id = message.deduplication_id.take();
        let Some(deduplication_id) = deduplication_id else {
            let id = message_id(now_ms);
            self.deliver(topic, &id, message, now_ms)?;
            return Ok(Accepted { id, duplicate: false });
        };
        // Held until the message is in its queues, so that no other with the same id comes between.
        let mut accepted = lock(&topic.accepted);
        if let Some(first) = accepted.first(&deduplication_id, now_ms) {
            return Ok(Accepted { id: first.into(), duplicate: true });
        }
        let id = message_id(now_ms);
        self.deliver(topic, &id, message, now_ms)?;
        accepted.remember(deduplication_id, id.clone(), now_ms);
        Ok(Accepted { id, duplicate: false })
    }

    fn deliver(&self, topic: &Topic, id: &str, message: Message, now_ms: u64) -> Result<()> {
        let queues = topic.takers(&message);
        let message = queued(message);
        let Some(log) = &topic.log else { return self.queues.deliver(id, &message, &queues) };
        // Held until the message is in its queues, so that it has the same place there.
        let mut log = lock(log);
        self.queues.deliver(id, &message, &queues)?;
        log.keep(id, message, now_ms);
        Ok(())
    }
}

fn subscriptions(resources: &Resources, topic: &str, settings: &TopicSettings) -> Result<Vec<Subscription>, OpenError> {
    let unknown =
        settings.subscriptions.iter().find(|subscription| !resources.queues.contains_key(&subscription.queue));
    match unknown {
        Some(unknown) => Err(OpenError::SubscribedQueue { topic: topic.into(), queue: unknown.queue.clone() }),
        None => Ok(settings.subscriptions.clone()),
    }
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

    async fn replay(&self, topic: &str, queue: &str, from_ms: u64) -> Result<u64> {
        let (name, topic) = (topic, self.topics.get(topic).ok_or(Error::NotFound)?);
        self.queues.message_size(queue).await?;
        let log = topic.log.as_ref().ok_or_else(|| keeps_nothing(name))?;
        let subscription = topic.subscriptions.iter().find(|subscription| subscription.queue == queue);
        let subscription = subscription.ok_or_else(|| not_subscribed(name, queue))?;
        let (mut place, mut replayed) = (lock(log).since(from_ms), 0);
        loop {
            let page = lock(log).page(&mut place, self.clock.now_ms());
            if page.is_empty() {
                return Ok(replayed);
            }
            for (id, message) in page.iter().filter(|(_, message)| takes_again(subscription, message)) {
                self.queues.deliver(id, &again(message), &[queue])?;
                replayed += 1;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn again(message: &queue::Message) -> queue::Message {
    queue::Message { attributes: replayed(message.attributes.clone()), ..message.clone() }
}

impl Topic {
    /// The queues of the subscriptions that take the message.
    fn takers(&self, message: &Message) -> Vec<&str> {
        let takes = |subscription: &&Subscription| {
            takes(subscription.filter.as_ref(), &message.attributes, message.content_type.as_deref(), &message.body)
        };
        self.subscriptions.iter().filter(takes).map(|subscription| subscription.queue.as_str()).collect()
    }
}

fn takes_again(subscription: &Subscription, message: &queue::Message) -> bool {
    takes(subscription.filter.as_ref(), &message.attributes, message.content_type.as_deref(), &message.body)
}
