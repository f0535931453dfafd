//! Events and answers, to and from the types of the contract.

use std::time::Duration;

use crate::event::{Delivery, Event, Failure, HttpRequest, KvChange, Pairs, Response, Trigger};
use crate::services::bindings::types;

impl From<Event> for types::Event {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            source: event.source,
            type_: event.kind,
            subject: event.subject,
            time_ms: event.time_ms,
            content_type: event.content_type,
            attributes: to_guest(event.attributes),
            trigger: event.trigger.into(),
            data: event.data,
        }
    }
}

impl From<Trigger> for types::Trigger {
    fn from(trigger: Trigger) -> Self {
        match trigger {
            Trigger::Invoke => Self::Invoke,
            Trigger::Http(request) => Self::Http(request.into()),
            Trigger::Queue(delivery) => Self::Queue(delivery.into()),
            Trigger::Topic(delivery) => Self::Topic(delivery.into()),
            Trigger::Schedule { schedule, planned_ms } => Self::Schedule(types::Tick { schedule, planned_ms }),
            Trigger::Blob { container, key, removed, etag, size } => {
                let kind = if removed { types::BlobChangeKind::Removed } else { types::BlobChangeKind::Created };
                Self::Blob(types::BlobChange { container, key, kind, etag, size })
            }
            Trigger::Kv { bucket, key, change, version } => {
                let kind = match change {
                    KvChange::Set => types::KvChangeKind::Set,
                    KvChange::Removed => types::KvChangeKind::Removed,
                    KvChange::Expired => types::KvChangeKind::Expired,
                };
                Self::Kv(types::KvChange { bucket, key, kind, version })
            }
        }
    }
}

impl From<HttpRequest> for types::HttpRequest {
    fn from(request: HttpRequest) -> Self {
        Self {
            method: request.method,
            path: request.path,
            route: request.route,
            parameters: to_guest(request.parameters),
            query: to_guest(request.query),
            headers: to_guest(request.headers),
        }
    }
}

impl From<Delivery> for types::Delivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            source: delivery.source,
            message_id: delivery.message_id,
            receive_count: delivery.receive_count,
            sent_at_ms: delivery.sent_at_ms,
            first_received_at_ms: delivery.first_received_at_ms,
            group: delivery.group,
        }
    }
}

impl From<types::Response> for Response {
    fn from(response: types::Response) -> Self {
        let attributes = response.attributes.into_iter().map(|types::Attribute { name, value }| (name, value));
        Self {
            status: response.status,
            content_type: response.content_type,
            attributes: attributes.collect(),
            data: response.data,
        }
    }
}

impl From<types::Failure> for Failure {
    fn from(failure: types::Failure) -> Self {
        match failure {
            types::Failure::Rejected(reason) => Self::Rejected(reason),
            types::Failure::Retry(types::Retry { reason, after_ms }) => {
                Self::Retry { reason, after: after_ms.map(Duration::from_millis) }
            }
        }
    }
}

fn to_guest(pairs: Pairs) -> Vec<types::Attribute> {
    pairs.into_iter().map(|(name, value)| types::Attribute { name, value }).collect()
}
