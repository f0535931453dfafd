use serde::Deserialize;
use serde_json::Value;
use wasm_faas::Topic;
use wasm_faas::topic::Message;

use crate::values::{Bytes, Failure, Names, accepted, each};

#[derive(Deserialize)]
struct Step {
    topic: String,
    #[serde(flatten)]
    op: Op,
}

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "topic.publish")]
    Publish { message: Outgoing },
    #[serde(rename = "topic.publish_batch")]
    PublishBatch { messages: Vec<Outgoing> },
}

#[derive(Deserialize)]
struct Outgoing {
    body: Bytes,
    content_type: Option<String>,
    attributes: Option<Names>,
    group: Option<String>,
    deduplication_id: Option<String>,
}

impl From<Outgoing> for Message {
    fn from(outgoing: Outgoing) -> Self {
        let mut message = Self::new(outgoing.body.0);
        for (name, value) in outgoing.attributes.unwrap_or_default() {
            message = message.attribute(name, value);
        }
        if let Some(content_type) = outgoing.content_type {
            message = message.content_type(content_type);
        }
        if let Some(group) = outgoing.group {
            message = message.group(group);
        }
        if let Some(id) = outgoing.deduplication_id {
            message = message.deduplication_id(id);
        }
        message
    }
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    let Step { topic, op } = serde_json::from_value(step)?;
    let topic = Topic::open(&topic)?;
    Ok(match op {
        Op::Publish { message } => accepted(&topic.publish(message)?),
        Op::PublishBatch { messages } => {
            topic.publish_batch(messages)?.into_iter().map(|answer| each(answer, |sent| accepted(&sent))).collect()
        }
    })
}
