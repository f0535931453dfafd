//! Looking at what a queue holds and mending it without receiving: for operators, not for guests.

use async_trait::async_trait;

use super::Message;
use crate::services::message::{self, Attribute, RESERVED_PREFIX};
use crate::services::{Error, Result};

/// Messages of one page at most.
pub const PAGE_MESSAGES: u32 = 1_000;

/// Names one message of one queue. An id alone may not: a message that was fanned out keeps it, and two of them may die
/// into the same queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub id: String,
    pub row: i64,
}

/// A message as it lies in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub place: Place,
    pub state: State,
    /// Perhaps only its beginning.
    pub body: Vec<u8>,
    /// Of the whole body, in bytes.
    pub size: u64,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub group: Option<String>,
    pub receives: u32,
    pub sent_at_ms: u64,
    /// When the delay or the lease ends; of a ready message, when it became ready. `None` behind the head of its group.
    pub visible_at_ms: Option<u64>,
    pub expires_at_ms: u64,
}

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ready,
    Delayed,
    Leased,
    /// Behind the oldest message of its group.
    Waiting,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub messages: Vec<Stored>,
    /// For the next page; `None` at the end.
    pub cursor: Option<String>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
}

/// What a queue backend does for operators. A queue that was not provisioned answers [`Error::NotFound`].
///
/// What changes a message answers [`Error::NotFound`] when it is gone, and [`Error::Conflict`] while it is leased.
#[async_trait]
pub trait Browse: Send + Sync {
    /// At most `limit` messages, those that are ready in the order of delivery, their bodies cut after `body` bytes; `after`
    /// is the cursor of the page before. One that changes its state in between may be missed or come twice.
    async fn browse(&self, queue: &str, after: Option<&str>, limit: u32, body: usize) -> Result<Page>;
    /// The whole message.
    async fn read(&self, queue: &str, place: &Place) -> Result<Option<Stored>>;
    /// Takes the message out; the next one of its group moves up.
    async fn remove(&self, queue: &str, place: &Place) -> Result<()>;
    /// Changes what the message says; nothing else about it.
    async fn replace(&self, queue: &str, place: &Place, content: Content) -> Result<()>;
    /// Moves a dead message back to the queue it died in, as [`Backend::redrive`](super::Backend::redrive) does.
    /// [`Error::Invalid`] when it did not die in any, or that queue is gone.
    async fn redrive_one(&self, dead_letter: &str, place: &Place) -> Result<()>;
}

/// The places of the messages with this id. Reads through the whole queue, in steps.
pub async fn find(backend: &(impl Browse + ?Sized), queue: &str, id: &str) -> Result<Vec<Place>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = backend.browse(queue, after.as_deref(), PAGE_MESSAGES, 0).await?;
        let places = page.messages.into_iter().map(|message| message.place);
        found.extend(places.filter(|place| place.id == id));
        after = page.cursor;
        if after.is_none() {
            return Ok(found);
        }
        tokio::task::yield_now().await;
    }
}

impl Content {
    /// Whether a queue whose messages have at most `message_size` bytes takes it. The host's own attributes do not count.
    pub fn check(&self, message_size: usize) -> Result<()> {
        let own = |attribute: &&Attribute| !attribute.name.starts_with(RESERVED_PREFIX);
        let attributes: Vec<Attribute> = self.attributes.iter().filter(own).cloned().collect();
        message::check_attributes(&attributes)?;
        let (body, content_type) = (self.body.clone(), self.content_type.clone());
        match (Message { body, content_type, attributes, ..Message::default() }).size() {
            size if size > message_size => Err(Error::TooLarge(message_size as u64)),
            _ => Ok(()),
        }
    }
}

/// Refuses attributes that are not for people to set: the host's own say where a dead message goes back to.
pub fn check_set(attributes: &[Attribute]) -> Result<()> {
    message::check_attributes(attributes)
}

/// Why a message cannot go back, which died in `source` or in no queue.
pub(super) fn no_home(source: Option<&str>) -> Error {
    Error::Invalid(match source {
        Some(source) => format!("queue `{source}`, in which the message died, is not there any more"),
        None => "the message did not die in any queue, it was sent here".into(),
    })
}

pub(super) fn bad_cursor() -> Error {
    Error::Invalid("the cursor is not one of a page before".into())
}
