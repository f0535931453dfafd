//! Topics in the embedded store: a message is put into the queues of its subscriptions when it is published.

mod log;

use std::sync::Arc;

use async_trait::async_trait;

use super::{Backend, DEDUPLICATION_WINDOW, Message, keeps_nothing, not_subscribed, takes};
use crate::services::Result;
use crate::services::message::{Accepted, Attribute};
use crate::services::sqlite::{
    Durability, NewMessage, Shared, Step, Subscription, Topic, Writing, accept, insert, int, millis, write_attributes,
};
pub(in crate::services) use log::forget;

pub(crate) struct Topics(pub(crate) Arc<Shared>);

#[async_trait]
impl Backend for Topics {
    async fn topic_exists(&self, topic: &str) -> Result<bool> {
        Ok(self.0.catalog.topic(topic).is_ok())
    }

    async fn publish(&self, topic: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        let topic = self.0.catalog.topic(topic)?;
        let bytes = messages.iter().map(Message::size).sum();
        // Filters read whole bodies: here, not on the thread that everybody's writes go through.
        let messages: Vec<Publication> = messages.into_iter().map(|message| topic.address(message)).collect();
        let publish = move |writing: &mut Writing<'_>| {
            messages.iter().map(|publication| publish(writing, &topic, publication).map(Ok)).collect()
        };
        self.0.writer.write(Durability::Power, bytes, publish).await
    }

    async fn replay(&self, topic: &str, queue: &str, from_ms: u64) -> Result<u64> {
        let (name, topic) = (topic, self.0.catalog.topic(topic)?);
        let queue_id = self.0.catalog.queue(queue)?.id;
        topic.retention.ok_or_else(|| keeps_nothing(name))?;
        let subscription = topic.subscriptions.iter().find(|subscription| subscription.queue == queue_id);
        let subscription = subscription.ok_or_else(|| not_subscribed(name, queue))?;
        let mut replay = self.0.readers.read(|db| Ok(log::Replay::new(db, topic.id, int(from_ms))?))?;
        let mut replayed = 0;
        while let Some(page) = self.0.readers.read(|db| Ok(replay.next(db, subscription, self.0.now())?))? {
            replayed += page.len() as u64;
            let (queue, bytes) = (self.0.catalog.queue(queue)?, log::bytes(&page));
            let put = move |writing: &mut Writing<'_>| Ok(log::put(writing, &queue, &page)?);
            self.0.writer.write(Durability::Power, bytes, put).await?;
        }
        Ok(replayed)
    }
}

pub(in crate::services) struct Publication {
    pub(in crate::services) message: Message,
    /// The ids of the queues it goes to.
    queues: Vec<i64>,
}

impl Topic {
    pub(in crate::services) fn address(&self, message: Message) -> Publication {
        let takes = |subscription: &&Subscription| {
            subscription.takes(&message.attributes, message.content_type.as_deref(), &message.body)
        };
        let queues = self.subscriptions.iter().filter(takes).map(|subscription| subscription.queue).collect();
        Publication { queues, message }
    }
}

impl Subscription {
    fn takes(&self, attributes: &[Attribute], content_type: Option<&str>, body: &[u8]) -> bool {
        takes(self.filter.as_ref(), attributes, content_type, body)
    }
}

fn publish(writing: &mut Writing<'_>, topic: &Topic, publication: &Publication) -> Step<Accepted> {
    let deduplication_id = publication.message.deduplication_id.as_deref();
    let accepted = accept(writing, topic.id, millis(DEDUPLICATION_WINDOW), deduplication_id)?;
    if !accepted.duplicate {
        deliver(writing, topic, &accepted.id, publication)?;
    }
    Ok(accepted)
}

/// Puts a message that was accepted under `id` into the queues it goes to.
pub(in crate::services) fn deliver(
    writing: &mut Writing<'_>,
    topic: &Topic,
    id: &str,
    Publication { message, queues }: &Publication,
) -> rusqlite::Result<()> {
    let attributes = write_attributes(&message.attributes);
    if let Some(retention) = topic.retention {
        log::keep(writing, topic.id, retention, id, message, attributes.as_deref())?;
    }
    for queue in queues.iter().filter_map(|id| writing.catalog.queue_by_id(*id)) {
        let copy = NewMessage {
            id,
            body: &message.body,
            content_type: message.content_type.as_deref(),
            attributes: attributes.as_deref(),
            group: message.group.as_deref(),
            delay: 0,
            lifetime: queue.retention,
        };
        insert(writing, &queue, &copy)?;
    }
    Ok(())
}
