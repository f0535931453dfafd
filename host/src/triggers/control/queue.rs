use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Control, Data, Operation, Problem, Result};
use crate::config::Service;
use crate::services::message::{Accepted, Attribute};
use crate::services::queue::browse::{self, PAGE_MESSAGES, Place, State};
use crate::services::queue::{self, Backend, Queue};

pub(super) async fn queue(control: &Control, name: &str) -> Result<Queue> {
    let (backends, grant) = control.resource(Service::Queue, name)?;
    Control::opened(Service::Queue, name, Queue::open(backends.queue.clone(), grant).await)
}

pub(super) fn backend<'a>(control: &'a Control, name: &str) -> Result<&'a dyn Backend> {
    Ok(control.resource(Service::Queue, name)?.0.queue.as_ref())
}

pub(super) fn problem(queue: &str, error: &crate::services::Error) -> Problem {
    Problem::of(&format!("queue `{queue}`"), error)
}

/// What is sent or published.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Message {
    #[serde(flatten)]
    pub body: Data,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub group: Option<String>,
    pub deduplication_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Send {
    pub queue: String,
    #[serde(flatten)]
    pub message: Message,
    pub delay: Option<Duration>,
    pub ttl: Option<Duration>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    pub id: String,
    /// Whether one with the same deduplication id was there before; then the id is of that one.
    pub duplicate: bool,
}

impl From<Accepted> for Sent {
    fn from(Accepted { id, duplicate }: Accepted) -> Self {
        Self { id, duplicate }
    }
}

#[async_trait]
impl Operation for Send {
    const NAME: &'static str = "queue.send";
    type Answer = Sent;

    async fn run(self, control: &Control) -> Result<Sent> {
        let Self { queue: name, message, delay, ttl } = self;
        let Message { body, content_type, attributes, group, deduplication_id } = message;
        let message = queue::Message { body: body.0, content_type, attributes, delay, group, deduplication_id, ttl };
        let sent = queue(control, &name).await?.send(message).await;
        sent.map(Sent::from).map_err(|error| Problem::of(&format!("the message for queue `{name}`"), &error))
    }
}

/// Leases messages, to be acknowledged.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receive {
    pub queue: String,
    /// 1 to 100.
    pub max: u32,
    pub wait: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    pub id: String,
    pub receipt: String,
    #[serde(flatten)]
    pub body: Data,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub group: Option<String>,
    pub receives: u32,
    pub sent_at_ms: u64,
}

#[async_trait]
impl Operation for Receive {
    const NAME: &'static str = "queue.receive";
    type Answer = Vec<Received>;

    async fn run(self, control: &Control) -> Result<Vec<Received>> {
        let Self { queue: name, max, wait } = self;
        let received = queue(control, &name).await?.receive(max, wait, None).await;
        let received = received.map_err(|error| problem(&name, &error))?;
        let shown = received.into_iter().map(|message| Received {
            id: message.id,
            receipt: message.receipt.to_string(),
            body: Data(message.body),
            content_type: message.content_type,
            attributes: message.attributes,
            group: message.group,
            receives: message.receive_count,
            sent_at_ms: message.sent_at_ms,
        });
        Ok(shown.collect())
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Acknowledge {
    pub queue: String,
    pub receipts: Vec<String>,
}

#[async_trait]
impl Operation for Acknowledge {
    const NAME: &'static str = "queue.acknowledge";
    type Answer = ();

    async fn run(self, control: &Control) -> Result<()> {
        let Self { queue: name, receipts } = self;
        let answers = queue(control, &name).await?.acknowledge(&receipts).await;
        let acknowledged = answers.and_then(|answers| answers.into_iter().collect::<Result<(), _>>());
        acknowledged.map_err(|error| Problem::of(&format!("a message of queue `{name}`"), &error))
    }
}

/// A page of what the queue holds, in about the order of delivery.
#[derive(Debug, Serialize, Deserialize)]
pub struct Browse {
    pub queue: String,
    pub cursor: Option<String>,
    pub limit: u32,
    /// Bytes of each body that are wanted.
    pub body: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    pub id: String,
    pub row: i64,
    pub state: State,
    #[serde(flatten)]
    pub body: Data,
    /// Of the whole body, in bytes.
    pub size: u64,
    pub content_type: Option<String>,
    pub attributes: Vec<Attribute>,
    pub group: Option<String>,
    pub receives: u32,
    pub sent_at_ms: u64,
    pub visible_at_ms: Option<u64>,
    pub expires_at_ms: u64,
}

impl From<browse::Stored> for Stored {
    fn from(stored: browse::Stored) -> Self {
        Self {
            id: stored.place.id,
            row: stored.place.row,
            state: stored.state,
            body: Data(stored.body),
            size: stored.size,
            content_type: stored.content_type,
            attributes: stored.attributes,
            group: stored.group,
            receives: stored.receives,
            sent_at_ms: stored.sent_at_ms,
            visible_at_ms: stored.visible_at_ms,
            expires_at_ms: stored.expires_at_ms,
        }
    }
}

#[async_trait]
impl Operation for Browse {
    const NAME: &'static str = "queue.browse";
    /// Messages, and the cursor of the next page.
    type Answer = (Vec<Stored>, Option<String>);

    async fn run(self, control: &Control) -> Result<Self::Answer> {
        let Self { queue: name, cursor, limit, body } = self;
        let limit = limit.clamp(1, PAGE_MESSAGES);
        let page = backend(control, &name)?.browse(&name, cursor.as_deref(), limit, body).await;
        let page = page.map_err(|error| problem(&name, &error))?;
        Ok((page.messages.into_iter().map(Stored::from).collect(), page.cursor))
    }
}

/// One message, whole. Its id may be followed by a dot and its row, when others have the same id.
#[derive(Debug, Serialize, Deserialize)]
pub struct Find {
    pub queue: String,
    pub id: String,
}

#[async_trait]
impl Operation for Find {
    const NAME: &'static str = "queue.find";
    type Answer = Stored;

    async fn run(self, control: &Control) -> Result<Stored> {
        let Self { queue: name, id } = self;
        let place = place(control, &name, &id).await?;
        let stored = backend(control, &name)?.read(&name, &place).await.map_err(|error| problem(&name, &error))?;
        stored.map(Stored::from).ok_or_else(|| no_message(&name, &id))
    }
}

pub(super) fn no_message(queue: &str, id: &str) -> Problem {
    Problem::absent(format!("there is no message `{id}` in queue `{queue}`"))
}

/// The only message that `id` stands for.
pub(super) async fn place(control: &Control, queue: &str, id: &str) -> Result<Place> {
    let backend = backend(control, queue)?;
    if let Some((id, row)) = id.split_once('.').and_then(|(id, row)| Some((id, row.parse().ok()?))) {
        return Ok(Place { id: id.into(), row });
    }
    let found = browse::find(backend, queue, id).await.map_err(|error| problem(queue, &error))?;
    match found.as_slice() {
        [] => Err(no_message(queue, id)),
        [only] => Ok(only.clone()),
        several => {
            let names: Vec<String> = several.iter().map(|place| format!("`{id}.{}`", place.row)).collect();
            let (count, names) = (names.len(), names.join(", "));
            Err(Problem::invalid(format!("`{id}` stands for {count} messages of queue `{queue}`: name one of {names}")))
        }
    }
}

/// Of one queue, or of all.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stats {
    pub queue: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsOf {
    pub queue: String,
    pub ready: u64,
    pub delayed: u64,
    pub leased: u64,
    /// Age of the oldest ready message, 0 when there is none.
    pub oldest_age_ms: u64,
}

impl StatsOf {
    pub(super) async fn read(control: &Control, name: &str) -> Result<Self> {
        let stats = backend(control, name)?.stats(name).await.map_err(|error| problem(name, &error))?;
        let queue::Stats { ready, delayed, leased, oldest_age_ms, .. } = stats;
        Ok(Self { queue: name.into(), ready, delayed, leased, oldest_age_ms })
    }
}

#[async_trait]
impl Operation for Stats {
    const NAME: &'static str = "queue.stats";
    type Answer = Vec<StatsOf>;

    async fn run(self, control: &Control) -> Result<Vec<StatsOf>> {
        let names = match &self.queue {
            Some(name) => vec![name.as_str()],
            None => control.names(Service::Queue),
        };
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            match StatsOf::read(control, name).await {
                Ok(stats) => all.push(stats),
                Err(problem) if self.queue.is_some() => return Err(problem),
                // One that is kept in memory elsewhere is nobody's question.
                Err(_) => {}
            }
        }
        Ok(all)
    }
}

/// Drops what is not leased.
#[derive(Debug, Serialize, Deserialize)]
pub struct Purge {
    pub queue: String,
}

#[async_trait]
impl Operation for Purge {
    const NAME: &'static str = "queue.purge";
    /// How many.
    type Answer = u64;

    async fn run(self, control: &Control) -> Result<u64> {
        backend(control, &self.queue)?.purge(&self.queue).await.map_err(|error| problem(&self.queue, &error))
    }
}
