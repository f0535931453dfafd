//! What travels along the path of an invocation; depends on nothing.
//!
//! The shapes are those of `wit/types.wit`, which says what each field means.

/// Name and value pairs in order; a name may come more than once.
pub type Pairs = Vec<(String, String)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub source: String,
    pub kind: String,
    pub subject: Option<String>,
    pub time_ms: u64,
    pub content_type: Option<String>,
    pub attributes: Pairs,
    pub trigger: Trigger,
    pub data: Vec<u8>,
}

/// What is particular to the event's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    Invoke,
    Http(HttpRequest),
    Queue(Delivery),
    Topic(Delivery),
    Schedule { schedule: String, planned_ms: u64 },
    Blob { container: String, key: String, removed: bool, etag: Option<String>, size: Option<u64> },
    Kv { bucket: String, key: String, change: KvChange, version: Option<u64> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    pub path: String,
    pub route: Option<String>,
    pub parameters: Pairs,
    pub query: Pairs,
    pub headers: Pairs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's or topic's name.
    pub source: String,
    pub message_id: String,
    pub receive_count: u32,
    pub sent_at_ms: u64,
    pub first_received_at_ms: u64,
    pub group: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvChange {
    Set,
    Removed,
    Expired,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    pub status: Option<u16>,
    pub content_type: Option<String>,
    pub attributes: Pairs,
    pub data: Vec<u8>,
}

/// What a handler says of an event that it did not handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Never again.
    Rejected(String),
    /// Later; the delay is the earliest.
    Retry { reason: String, after: Option<std::time::Duration> },
}

impl Failure {
    pub fn reason(&self) -> &str {
        match self {
            Self::Rejected(reason) | Self::Retry { reason, .. } => reason,
        }
    }
}
