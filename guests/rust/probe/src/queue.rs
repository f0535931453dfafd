use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use wasm_faas::Queue;
use wasm_faas::queue::{Delivered, Message, Stats};

use crate::values::{Bytes, Failure, Names, accepted, each, epoch_ms, milliseconds, names};

#[derive(Deserialize)]
struct Step {
    queue: String,
    #[serde(flatten)]
    op: Op,
}

#[derive(Deserialize)]
#[serde(tag = "op")]
enum Op {
    #[serde(rename = "queue.send")]
    Send { message: Outgoing },
    #[serde(rename = "queue.send_batch")]
    SendBatch { messages: Vec<Outgoing> },
    #[serde(rename = "queue.receive")]
    Receive { max: u32, wait_ms: u64, lease_ms: Option<u64> },
    #[serde(rename = "queue.acknowledge")]
    Acknowledge { receipts: Vec<String> },
    #[serde(rename = "queue.release")]
    Release { receipt: String, delay_ms: u64 },
    #[serde(rename = "queue.extend")]
    Extend { receipt: String, lease_ms: u64 },
    #[serde(rename = "queue.stats")]
    Stats {},
}

#[derive(Deserialize)]
struct Outgoing {
    body: Bytes,
    content_type: Option<String>,
    attributes: Option<Names>,
    delay_ms: Option<u64>,
    group: Option<String>,
    deduplication_id: Option<String>,
    ttl_ms: Option<u64>,
}

impl From<Outgoing> for Message {
    fn from(outgoing: Outgoing) -> Self {
        let mut message = Self::new(outgoing.body.0);
        for (name, value) in outgoing.attributes.unwrap_or_default() {
            message = message.attribute(name, value);
        }
        message = set(message, outgoing.content_type, Self::content_type);
        message = set(message, outgoing.delay_ms.map(Duration::from_millis), Self::delay);
        message = set(message, outgoing.group, Self::group);
        message = set(message, outgoing.deduplication_id, Self::deduplication_id);
        set(message, outgoing.ttl_ms.map(Duration::from_millis), Self::ttl)
    }
}

/// What is absent stays unset.
fn set<T>(message: Message, value: Option<T>, setter: impl FnOnce(Message, T) -> Message) -> Message {
    match value {
        Some(value) => setter(message, value),
        None => message,
    }
}

pub(crate) fn run(step: Value) -> Result<Value, Failure> {
    let Step { queue, op } = serde_json::from_value(step)?;
    let queue = Queue::open(&queue)?;
    Ok(match op {
        Op::Send { message } => accepted(&queue.send(message)?),
        Op::SendBatch { messages } => {
            queue.send_batch(messages)?.into_iter().map(|answer| each(answer, |stored| accepted(&stored))).collect()
        }
        Op::Receive { max, wait_ms, lease_ms } => {
            let wait = Duration::from_millis(wait_ms);
            queue.receive(max, wait, lease_ms.map(Duration::from_millis))?.into_iter().map(delivered).collect()
        }
        Op::Acknowledge { receipts } => {
            queue.acknowledge(receipts)?.into_iter().map(|answer| each(answer, |()| Value::Null)).collect()
        }
        Op::Release { receipt, delay_ms } => {
            queue.release(&receipt, Duration::from_millis(delay_ms))?;
            Value::Null
        }
        Op::Extend { receipt, lease_ms } => {
            queue.extend(&receipt, Duration::from_millis(lease_ms))?;
            Value::Null
        }
        Op::Stats {} => stats(&queue.stats()?),
    })
}

fn delivered(message: Delivered) -> Value {
    json!({
        "id": message.id,
        "receipt": message.receipt,
        "body": Bytes(message.body),
        "content_type": message.content_type,
        "attributes": names(&message.attributes),
        "group": message.group,
        "receive_count": message.receive_count,
        "sent_at_ms": epoch_ms(message.sent_at),
        "first_received_at_ms": epoch_ms(message.first_received_at),
    })
}

fn stats(stats: &Stats) -> Value {
    json!({
        "ready": stats.ready,
        "delayed": stats.delayed,
        "leased": stats.leased,
        "oldest_age_ms": milliseconds(stats.oldest_age),
        "exact": stats.exact,
    })
}
