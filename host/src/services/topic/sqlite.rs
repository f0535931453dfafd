//! Topics in the embedded store: a message is put into the queues of its subscriptions when it is published.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Backend, DEDUPLICATION_WINDOW, Message};
use crate::services::Result;
use crate::services::message::Accepted;
use crate::services::sqlite::{
    Durability, NewMessage, Shared, Step, Topic, Writing, accept, insert, millis, write_attributes,
};

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
            messages.iter().map(|publication| publish(writing, topic.id, publication).map(Ok)).collect()
        };
        self.0.writer.write(Durability::Power, bytes, publish).await
    }
}

struct Publication {
    message: Message,
    /// The ids of the queues it goes to.
    queues: Vec<i64>,
}

impl Topic {
    fn address(&self, message: Message) -> Publication {
        let queues = self.subscriptions.iter().filter(|subscription| {
            subscription.filter.as_ref().is_none_or(|filter| {
                filter.matches(&message.attributes, message.content_type.as_deref(), &message.body)
            })
        });
        Publication { queues: queues.map(|subscription| subscription.queue).collect(), message }
    }
}

fn publish(writing: &mut Writing<'_>, topic: i64, publication: &Publication) -> Step<Accepted> {
    let message = &publication.message;
    let accepted = accept(writing, topic, millis(DEDUPLICATION_WINDOW), message.deduplication_id.as_deref())?;
    if accepted.duplicate {
        return Ok(accepted);
    }
    let attributes = write_attributes(&message.attributes);
    for queue in publication.queues.iter().filter_map(|id| writing.catalog.queue_by_id(*id)) {
        let copy = NewMessage {
            id: &accepted.id,
            body: &message.body,
            content_type: message.content_type.as_deref(),
            attributes: attributes.as_deref(),
            group: message.group.as_deref(),
            delay: 0,
            lifetime: queue.retention,
        };
        insert(writing, &queue, &copy)?;
    }
    Ok(accepted)
}
