//! Messages sent and published inside a transaction.

use std::collections::HashMap;
use std::sync::Arc;

use super::State;
use crate::services::Result;
use crate::services::message::Accepted;
use crate::services::queue;
use crate::services::queue::sqlite::enqueue;
use crate::services::sqlite::{Queue, Shared, Step, Topic, Writing, first_accepted, millis, new_id, remember};
use crate::services::topic::sqlite::{Publication, deliver};
use crate::services::topic::{DEDUPLICATION_WINDOW, Message};

/// What waits to be sent, in order.
#[derive(Default)]
pub(super) struct Outbox {
    messages: Vec<Outgoing>,
    /// Ids of messages that wait here, by resource and deduplication id.
    accepted: HashMap<(i64, String), String>,
}

struct Outgoing {
    id: String,
    content: Content,
}

enum Content {
    Sent(Arc<Queue>, queue::Message),
    Published(Arc<Topic>, Publication),
}

impl State {
    pub(super) fn send(&mut self, shared: &Shared, queue: &Arc<Queue>, message: queue::Message) -> Result<Accepted> {
        let bytes = message.size();
        self.post(shared, Content::Sent(Arc::clone(queue), message), bytes)
    }

    pub(super) fn publish(&mut self, shared: &Shared, topic: &Arc<Topic>, message: Message) -> Result<Accepted> {
        let bytes = message.size();
        self.post(shared, Content::Published(Arc::clone(topic), topic.address(message)), bytes)
    }

    fn post(&mut self, shared: &Shared, content: Content, bytes: usize) -> Result<Accepted> {
        let duplicate = content.key();
        if let Some((resource, deduplication_id)) = &duplicate {
            let first = match self.outbox.accepted.get(&(*resource, deduplication_id.to_string())) {
                Some(id) => Some(id.clone()),
                None => shared.readers.read(|db| Ok(first_accepted(db, *resource, deduplication_id, shared.now())?))?,
            };
            if let Some(id) = first {
                return Ok(Accepted { id, duplicate: true });
            }
        }
        self.held.replace(None, bytes)?;
        let id = new_id(shared.now())?;
        if let Some((resource, deduplication_id)) = duplicate {
            self.outbox.accepted.insert((resource, deduplication_id.to_owned()), id.clone());
        }
        self.outbox.messages.push(Outgoing { id: id.clone(), content });
        Ok(Accepted { id, duplicate: false })
    }
}

impl Content {
    /// What another message must not have in common with it: the resource's id and the deduplication id.
    fn key(&self) -> Option<(i64, &str)> {
        match self {
            Self::Sent(queue, message) => Some((queue.id, message.deduplication_id.as_deref()?)),
            Self::Published(topic, publication) => Some((topic.id, publication.message.deduplication_id.as_deref()?)),
        }
    }

    /// How long its deduplication id is remembered, in milliseconds.
    fn window(&self) -> i64 {
        match self {
            Self::Sent(queue, _) => queue.deduplication_window,
            Self::Published(..) => millis(DEDUPLICATION_WINDOW),
        }
    }
}

impl Outbox {
    /// The first message that somebody else has sent in the meantime.
    pub(super) fn overtaken(&self, writing: &Writing<'_>) -> Step<Option<String>> {
        for (resource, deduplication_id) in self.messages.iter().filter_map(|message| message.content.key()) {
            if first_accepted(writing.db, resource, deduplication_id, writing.now)?.is_some() {
                return Ok(Some(format!("a message with deduplication id `{deduplication_id}` was sent")));
            }
        }
        Ok(None)
    }

    pub(super) fn apply(&self, writing: &mut Writing<'_>) -> Step<()> {
        for Outgoing { id, content } in &self.messages {
            if let Some((resource, deduplication_id)) = content.key() {
                remember(writing, resource, content.window(), deduplication_id, id)?;
            }
            match content {
                Content::Sent(queue, message) => enqueue(writing, queue, id, message)?,
                Content::Published(topic, publication) => deliver(writing, topic, id, publication)?,
            }
        }
        Ok(())
    }
}
