use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::queue::{Message, Sent};
use super::{Control, Operation, Problem, Result};
use crate::config::Service;
use crate::services::Error;
use crate::services::topic::{self, Topic};

#[derive(Debug, Serialize, Deserialize)]
pub struct Publish {
    pub topic: String,
    #[serde(flatten)]
    pub message: Message,
}

#[async_trait]
impl Operation for Publish {
    const NAME: &'static str = "topic.publish";
    type Answer = Sent;

    async fn run(self, control: &Control) -> Result<Sent> {
        let Self { topic: name, message } = self;
        let (backends, grant) = control.resource(Service::Topic, &name)?;
        let topic = Control::opened(Service::Topic, &name, Topic::open(backends.topic.clone(), grant).await)?;
        let Message { body, content_type, attributes, group, deduplication_id } = message;
        let message = topic::Message { body: body.0, content_type, attributes, group, deduplication_id };
        let published = topic.publish(message).await;
        published.map(Sent::from).map_err(|error| Problem::of(&format!("the message for topic `{name}`"), &error))
    }
}

/// Puts what a topic keeps into the queue of one of its subscriptions again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replay {
    pub topic: String,
    pub queue: String,
    /// From when on, milliseconds since the Unix epoch.
    pub from_ms: u64,
}

#[async_trait]
impl Operation for Replay {
    const NAME: &'static str = "topic.replay";
    /// How many.
    type Answer = u64;

    async fn run(self, control: &Control) -> Result<u64> {
        let Self { topic, queue, from_ms } = self;
        control.resource(Service::Queue, &queue)?;
        let replayed = control.resource(Service::Topic, &topic)?.0.topic.replay(&topic, &queue, from_ms).await;
        replayed.map_err(|error| match error {
            // It says which is which.
            Error::Invalid(why) => Problem::invalid(why),
            error => Problem::of(&format!("topic `{topic}`"), &error),
        })
    }
}
