//! Topics: what is published goes to every subscription whose filter matches, each with a queue of its own.

use crate::bindings::function::wasm_faas::function::{topic as raw, types};
use crate::{Result, ServiceError};

/// A topic that the function may use. Dropping it gives its handle back to the host.
#[derive(Debug)]
pub struct Topic(raw::Topic);

impl Topic {
    /// Errors: `AccessDenied`, `NotFound`, `Unavailable`.
    pub fn open(name: &str) -> Result<Self, ServiceError> {
        Ok(Self(raw::Topic::open(name)?))
    }

    /// Needs the right `publish`. `Ok` means that every subscription that matches now has the message, durably.
    pub fn publish(&self, message: impl Into<Message>) -> Result<Accepted, ServiceError> {
        Ok(self.0.publish(&message.into().0)?.into())
    }

    /// 1 to 100 messages, 1 MiB together; each succeeds or fails for itself.
    pub fn publish_batch(
        &self,
        messages: impl IntoIterator<Item = impl Into<Message>>,
    ) -> Result<Vec<Result<Accepted, ServiceError>>, ServiceError> {
        let messages: Vec<_> = messages.into_iter().map(|message| message.into().0).collect();
        Ok(Accepted::from_batch(self.0.publish_batch(&messages)?))
    }
}

/// A message to publish: a body, and what else was set. Limits as for a queue's message.
#[derive(Clone, Debug)]
pub struct Message(raw::Message);

impl Message {
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self(raw::Message {
            body: body.into(),
            content_type: None,
            attributes: Vec::new(),
            group: None,
            deduplication_id: None,
        })
    }

    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.0.content_type = Some(content_type.into());
        self
    }

    /// Adds an attribute, which a subscription's filter may match. At most 32, names `[A-Za-z0-9_.-]{1,64}`, together at
    /// most 16 KiB; names starting with `faas-` are the host's.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.attributes.push(types::Attribute { name: name.into(), value: value.into() });
        self
    }

    /// Messages of one group keep their order in subscriptions that are `fifo`. At most 128 bytes.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.0.group = Some(group.into());
        self
    }

    /// Within 5 minutes a second message with the same id is not published again. At most 128 bytes.
    #[must_use]
    pub fn deduplication_id(mut self, id: impl Into<String>) -> Self {
        self.0.deduplication_id = Some(id.into());
        self
    }
}

impl From<Vec<u8>> for Message {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

/// Text, and says so in its content type.
impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new(text).content_type("text/plain; charset=utf-8")
    }
}

/// Text, and says so in its content type.
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// What became of a message that was sent or published. It is durable when this is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Of the message stored; for a duplicate, of the first one.
    pub id: String,
    /// True when a message with the same deduplication id was accepted within the window; nothing was stored now.
    pub duplicate: bool,
}

impl Accepted {
    pub(crate) fn from_batch(answers: Vec<Result<types::Accepted, types::Error>>) -> Vec<Result<Self, ServiceError>> {
        answers.into_iter().map(|answer| Ok(answer?.into())).collect()
    }
}

impl From<types::Accepted> for Accepted {
    fn from(types::Accepted { id, duplicate }: types::Accepted) -> Self {
        Self { id, duplicate }
    }
}
