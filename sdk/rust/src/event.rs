use std::str::Utf8Error;
use std::time::SystemTime;

use crate::Attributes;
use crate::bindings::function::wasm_faas::function::types as raw;
use crate::time::instant;

/// Something that happened, CloudEvents 1.0 in shape: `source` and `id` together identify it.
#[derive(Clone, Debug)]
pub struct Event {
    /// At most 256 bytes. The same on every retry of this event.
    pub id: String,
    /// Where it comes from: `/queues/orders`, `/http/checkout`, `/schedules/nightly`, `/run`.
    pub source: String,
    /// What kind it is: `faas.invoke`, `faas.http.request`, `faas.queue.message`, or the author's own.
    pub r#type: String,
    /// What it is about inside its source, for example an object's key.
    pub subject: Option<String>,
    /// When it happened, to the millisecond.
    pub time: SystemTime,
    /// Media type of `data`.
    pub content_type: Option<String>,
    /// At most 32, together at most 16 KiB.
    pub attributes: Attributes,
    /// What is particular to the kind of source.
    pub trigger: Trigger,
    pub data: Vec<u8>,
}

impl Event {
    /// The data as text. Errors: not UTF-8.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.data)
    }

    /// The data as a value, read from JSON. Errors: not JSON, or not of that shape.
    #[cfg(feature = "json")]
    pub fn json<'a, T: serde_core::Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.data)
    }
}

/// What caused the event.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Invoked by name, from the command line or by another function.
    Invoke,
    Http(HttpRequest),
    Queue(Delivery),
    Topic(Delivery),
    Schedule(Tick),
    Blob(BlobChange),
    Kv(KvChange),
}

#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// Upper case as sent: `GET`.
    pub method: String,
    /// The path without the query, percent-encoded as sent; starts with `/`.
    pub path: String,
    /// The route that matched: `/users/{id}`.
    pub route: Option<String>,
    /// The route's parameters, decoded.
    pub parameters: Attributes,
    /// The query's pairs in order, decoded. A name may come more than once.
    pub query: Attributes,
    /// In order, names in lower case. A name may come more than once.
    pub headers: Attributes,
}

#[derive(Clone, Debug)]
pub struct Delivery {
    /// The queue's or topic's name.
    pub source: String,
    pub message_id: String,
    /// 1 at the first delivery.
    pub receive_count: u32,
    pub sent_at: SystemTime,
    pub first_received_at: SystemTime,
    pub group: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Tick {
    pub schedule: String,
    /// The instant the schedule names, which may lie before now.
    pub planned: SystemTime,
}

#[derive(Clone, Debug)]
pub struct BlobChange {
    pub container: String,
    pub key: String,
    pub kind: BlobChangeKind,
    pub etag: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobChangeKind {
    Created,
    Removed,
}

#[derive(Clone, Debug)]
pub struct KvChange {
    pub bucket: String,
    pub key: String,
    pub kind: KvChangeKind,
    pub version: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvChangeKind {
    Set,
    Removed,
    Expired,
}

impl From<raw::Event> for Event {
    fn from(event: raw::Event) -> Self {
        Self {
            id: event.id,
            source: event.source,
            r#type: event.type_,
            subject: event.subject,
            time: instant(event.time_ms),
            content_type: event.content_type,
            attributes: event.attributes.into(),
            trigger: event.trigger.into(),
            data: event.data,
        }
    }
}

impl From<raw::Trigger> for Trigger {
    fn from(trigger: raw::Trigger) -> Self {
        match trigger {
            raw::Trigger::Invoke => Self::Invoke,
            raw::Trigger::Http(request) => Self::Http(request.into()),
            raw::Trigger::Queue(delivery) => Self::Queue(delivery.into()),
            raw::Trigger::Topic(delivery) => Self::Topic(delivery.into()),
            raw::Trigger::Schedule(tick) => {
                Self::Schedule(Tick { schedule: tick.schedule, planned: instant(tick.planned_ms) })
            }
            raw::Trigger::Blob(change) => Self::Blob(change.into()),
            raw::Trigger::Kv(change) => Self::Kv(change.into()),
        }
    }
}

impl From<raw::HttpRequest> for HttpRequest {
    fn from(request: raw::HttpRequest) -> Self {
        Self {
            method: request.method,
            path: request.path,
            route: request.route,
            parameters: request.parameters.into(),
            query: request.query.into(),
            headers: request.headers.into(),
        }
    }
}

impl From<raw::Delivery> for Delivery {
    fn from(delivery: raw::Delivery) -> Self {
        Self {
            source: delivery.source,
            message_id: delivery.message_id,
            receive_count: delivery.receive_count,
            sent_at: instant(delivery.sent_at_ms),
            first_received_at: instant(delivery.first_received_at_ms),
            group: delivery.group,
        }
    }
}

impl From<raw::BlobChange> for BlobChange {
    fn from(change: raw::BlobChange) -> Self {
        let kind = match change.kind {
            raw::BlobChangeKind::Created => BlobChangeKind::Created,
            raw::BlobChangeKind::Removed => BlobChangeKind::Removed,
        };
        Self { container: change.container, key: change.key, kind, etag: change.etag, size: change.size }
    }
}

impl From<raw::KvChange> for KvChange {
    fn from(change: raw::KvChange) -> Self {
        let kind = match change.kind {
            raw::KvChangeKind::Set => KvChangeKind::Set,
            raw::KvChangeKind::Removed => KvChangeKind::Removed,
            raw::KvChangeKind::Expired => KvChangeKind::Expired,
        };
        Self { bucket: change.bucket, key: change.key, kind, version: change.version }
    }
}
