use std::time::{Duration, SystemTime};

use ulid::Ulid;

use crate::config::QueueSettings;
use crate::services::memory::later;
use crate::services::message::Attribute;
use crate::services::queue::dead::{self, Death};
use crate::services::queue::{Delivered, Message, Receipt};

/// A message in a queue.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    pub(super) content_type: Option<String>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) group: Option<String>,
    pub(super) sent_at_ms: u64,
    pub(super) expires_at_ms: u64,
    /// When it becomes ready; the end of the lease while it is leased.
    pub(super) visible_at_ms: u64,
    /// Deliveries in this queue.
    pub(super) receives: u32,
    pub(super) first_received_at_ms: Option<u64>,
    /// What the dead message will tell of the last attempt.
    pub(super) report: Vec<Attribute>,
    pub(super) place: Place,
}

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the oldest message of its group.
    Waiting,
    Delayed,
    Ready,
    /// With the lease's token.
    Leased(i64),
}

impl Stored {
    pub(super) fn new(id: String, message: Message, settings: &QueueSettings, now_ms: u64) -> Self {
        let lifetime = message.ttl.map_or(settings.retention, |ttl| ttl.min(settings.retention));
        Self {
            id,
            body: message.body,
            content_type: message.content_type,
            attributes: message.attributes,
            group: message.group,
            sent_at_ms: now_ms,
            expires_at_ms: later(now_ms, lifetime),
            visible_at_ms: later(now_ms, message.delay.unwrap_or_default()),
            receives: 0,
            first_received_at_ms: None,
            report: Vec::new(),
            place: Place::Waiting,
        }
    }

    /// What the receiver of the lease with this token gets.
    pub(super) fn delivered(&self, row: i64, lease: i64) -> Delivered {
        Delivered {
            id: self.id.clone(),
            receipt: Receipt { row, lease },
            body: self.body.clone(),
            content_type: self.content_type.clone(),
            attributes: self.attributes.clone(),
            group: self.group.clone(),
            receive_count: self.receives,
            sent_at_ms: self.sent_at_ms,
            first_received_at_ms: self.first_received_at_ms.unwrap_or_default(),
            expires_at_ms: self.expires_at_ms,
        }
    }

    /// The message for a dead-letter queue with these settings; `reason` and `source` say why and in which queue it died.
    pub(super) fn died(mut self, reason: &str, source: &str, settings: &QueueSettings, now_ms: u64) -> Self {
        let (receives, sent_at_ms, report) = (self.receives, self.sent_at_ms, &self.report);
        self.attributes = Death { reason, queue: source, receives, sent_at_ms, report }.recorded(&self.attributes);
        self.renewed(settings, now_ms)
    }

    /// The message as a new one of the queue with these settings; nothing tells that it was dead.
    pub(super) fn revived(mut self, settings: &QueueSettings, now_ms: u64) -> Self {
        self.attributes = dead::living(&self.attributes).collect();
        self.renewed(settings, now_ms)
    }

    fn renewed(self, settings: &QueueSettings, now_ms: u64) -> Self {
        Self {
            sent_at_ms: now_ms,
            expires_at_ms: later(now_ms, settings.retention),
            visible_at_ms: now_ms,
            receives: 0,
            first_received_at_ms: None,
            report: Vec::new(),
            place: Place::Waiting,
            ..self
        }
    }

    /// The queue it died in.
    pub(super) fn source(&self) -> Option<&str> {
        dead::source(&self.attributes)
    }
}

/// A new message's id.
pub(in crate::services) fn message_id(now_ms: u64) -> String {
    Ulid::from_datetime(SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms)).to_string()
}

/// A random token. Positive, because a receipt's text has no sign.
pub(super) fn lease_token() -> i64 {
    let [.., a, b, c, d, e, f, g, h] = Ulid::generate().to_bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h]) & i64::MAX
}
