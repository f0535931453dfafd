//! From a message of a source's queue to the event that its function gets.

use serde::de::DeserializeOwned;

use crate::config::Origin;
use crate::event::{Delivery, Event, KvChange, Trigger};
use crate::services::functions::{Queued, from_message};
use crate::services::queue::Delivered;
use crate::services::{blob, kv};

/// The host's attribute that tells a tick's planned time, in milliseconds since the Unix epoch.
pub(super) const PLANNED: &str = "faas-planned";
/// The attribute that carries W3C trace context on, as the CloudEvents extension has it.
const TRACEPARENT: &str = "traceparent";

/// What an event is besides the message's data.
struct Kind {
    source: String,
    kind: String,
    subject: Option<String>,
    trigger: Trigger,
}

/// The event of a message, with what its invocation carries on. The id is the message's, the same at each attempt.
pub(super) fn queued(origin: &Origin, queue: &str, message: &Delivered) -> Queued {
    if matches!(origin, Origin::Invoke(_)) {
        return from_message(message);
    }
    Queued {
        event: event(origin, queue, message),
        traceparent: attribute(message, TRACEPARENT).map(String::from),
        depth: 0,
    }
}

fn event(origin: &Origin, queue: &str, message: &Delivered) -> Event {
    let Kind { source, kind, subject, trigger } = kind(origin, queue, message);
    let time_ms = match &trigger {
        Trigger::Schedule { planned_ms, .. } => *planned_ms,
        _ => message.sent_at_ms,
    };
    let attributes = message.attributes.iter().filter(|attribute| attribute.name != PLANNED);
    Event {
        id: message.id.clone(),
        source,
        kind,
        subject,
        time_ms,
        content_type: message.content_type.clone(),
        attributes: attributes.map(|attribute| (attribute.name.clone(), attribute.value.clone())).collect(),
        trigger,
        data: message.body.clone(),
    }
}

fn kind(origin: &Origin, queue: &str, message: &Delivered) -> Kind {
    match origin {
        // What was not sent to be an asynchronous invocation is what it is: a message.
        Origin::Queue | Origin::Invoke(_) => Kind {
            source: format!("/queues/{queue}"),
            kind: "faas.queue.message".into(),
            subject: None,
            trigger: Trigger::Queue(delivery(queue, message)),
        },
        Origin::Topic(topic) => Kind {
            source: format!("/topics/{topic}"),
            kind: "faas.topic.message".into(),
            subject: None,
            trigger: Trigger::Topic(delivery(topic, message)),
        },
        Origin::Schedule(ticks) => {
            let planned_ms = attribute(message, PLANNED).and_then(|ms| ms.parse().ok()).unwrap_or(message.sent_at_ms);
            Kind {
                source: format!("/schedules/{}", ticks.name),
                kind: "faas.schedule.tick".into(),
                subject: None,
                trigger: Trigger::Schedule { schedule: ticks.name.clone(), planned_ms },
            }
        }
        Origin::Blob(container) => blob_kind(container, message),
        Origin::Kv(bucket) => kv_kind(bucket, message),
    }
}

fn delivery(source: &str, message: &Delivered) -> Delivery {
    Delivery {
        source: source.into(),
        message_id: message.id.clone(),
        receive_count: message.receive_count,
        sent_at_ms: message.sent_at_ms,
        first_received_at_ms: message.first_received_at_ms,
        group: message.group.clone(),
    }
}

fn blob_kind(container: &str, message: &Delivered) -> Kind {
    let change: Option<blob::Change> = change(message);
    let removed = change.as_ref().is_some_and(|change| change.kind == blob::ChangeKind::Removed);
    let key = change.as_ref().map_or_else(|| key_of(message), |change| change.key.clone());
    Kind {
        source: format!("/containers/{container}"),
        kind: if removed { "faas.blob.removed" } else { "faas.blob.created" }.into(),
        subject: Some(key.clone()),
        trigger: Trigger::Blob {
            container: container.into(),
            key,
            removed,
            size: change.as_ref().map(|change| change.size),
            etag: change.map(|change| change.etag),
        },
    }
}

fn kv_kind(bucket: &str, message: &Delivered) -> Kind {
    let change: Option<kv::Change> = change(message);
    let (kind, word) = match change.as_ref().map(|change| change.kind) {
        Some(kv::ChangeKind::Set) | None => (KvChange::Set, "set"),
        Some(kv::ChangeKind::Removed) => (KvChange::Removed, "removed"),
        Some(kv::ChangeKind::Expired) => (KvChange::Expired, "expired"),
    };
    let (key, version) = change.map_or_else(|| (key_of(message), None), |change| (change.key, Some(change.version)));
    Kind {
        source: format!("/buckets/{bucket}"),
        kind: format!("faas.kv.{word}"),
        subject: Some(key.clone()),
        trigger: Trigger::Kv { bucket: bucket.into(), key, change: kind, version },
    }
}

/// Of a dead letter whose body somebody edited before it was sent back.
fn key_of(message: &Delivered) -> String {
    message.group.clone().unwrap_or_default()
}

/// The store wrote it; a dead letter that somebody edited and sent back may be anything.
fn change<T: DeserializeOwned>(message: &Delivered) -> Option<T> {
    serde_json::from_slice(&message.body).ok()
}

fn attribute<'a>(message: &'a Delivered, name: &str) -> Option<&'a str> {
    message.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.as_str())
}
