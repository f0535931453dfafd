//! Dead letters, seen from the queue they came to.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::queue::{Stored, backend, no_message, place, problem};
use super::{Control, Data, Operation, Problem, Result};
use crate::config::Service;
use crate::services::Error;
use crate::services::message::Attribute;
use crate::services::queue::browse::{Content, check_set};

/// Attributes that tell of a death start with this.
const PREFIX: &str = "faas-dead-";

/// What is known of a death, by the names of the attributes after their prefix: `reason`, `source`, `error`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dead(BTreeMap<String, String>);

impl Dead {
    pub fn of(message: &Stored) -> Self {
        let told =
            |attribute: &Attribute| Some((attribute.name.strip_prefix(PREFIX)?.to_owned(), attribute.value.clone()));
        Self(message.attributes.iter().filter_map(told).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether an attribute tells of a death.
    pub fn names(attribute: &Attribute) -> bool {
        attribute.name.starts_with(PREFIX)
    }
}

/// Queues that take dead letters: all, or the one that is named if it can hold any.
#[derive(Debug, Serialize, Deserialize)]
pub struct Queues {
    pub queue: Option<String>,
}

#[async_trait]
impl Operation for Queues {
    const NAME: &'static str = "dead-letters.queues";
    type Answer = Vec<String>;

    async fn run(self, control: &Control) -> Result<Vec<String>> {
        let Some(name) = self.queue else { return Ok(takers(control)) };
        check(control, &name)?;
        Ok(vec![name])
    }
}

fn takers(control: &Control) -> Vec<String> {
    let names = control.names(Service::Queue);
    let is_taker = |name: &str| names.iter().any(|feeder| dead_letter(control, feeder) == Some(name));
    names.iter().filter(|name| is_taker(name)).map(|name| (*name).to_owned()).collect()
}

fn dead_letter<'a>(control: &'a Control, queue: &str) -> Option<&'a str> {
    control.queue_settings(queue)?.dead_letter.as_deref()
}

/// Refuses a queue whose own dead messages go elsewhere: its messages are alive.
fn check(control: &Control, name: &str) -> Result<()> {
    control.resource(Service::Queue, name)?;
    match dead_letter(control, name) {
        Some(elsewhere) if !takers(control).iter().any(|taker| taker == name) => Err(Problem::invalid(format!(
            "queue `{name}` takes no dead letters, its own go to `{elsewhere}`: name that one"
        ))),
        _ => Ok(()),
    }
}

fn changed(queue: &str, id: &str, error: &Error) -> Problem {
    match error {
        Error::NotFound => no_message(queue, id),
        Error::Conflict(_) => Problem::absent(format!(
            "message `{id}` of queue `{queue}` is leased, somebody works on it: try again when that has ended"
        )),
        error => Problem::of(&format!("message `{id}` of queue `{queue}`"), error),
    }
}

/// Sends one back to the queue it died in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Redrive {
    pub queue: String,
    pub id: String,
}

#[async_trait]
impl Operation for Redrive {
    const NAME: &'static str = "dead-letters.redrive";
    type Answer = ();

    async fn run(self, control: &Control) -> Result<()> {
        let Self { queue, id } = self;
        check(control, &queue)?;
        let place = place(control, &queue, &id).await?;
        let moved = backend(control, &queue)?.redrive_one(&queue, &place).await;
        moved.map_err(|error| changed(&queue, &id, &error))
    }
}

/// Sends all that are ready back to the queues they died in.
#[derive(Debug, Serialize, Deserialize)]
pub struct RedriveAll {
    pub queue: String,
}

#[async_trait]
impl Operation for RedriveAll {
    const NAME: &'static str = "dead-letters.redrive-all";
    /// How many.
    type Answer = u64;

    async fn run(self, control: &Control) -> Result<u64> {
        let queue = self.queue;
        check(control, &queue)?;
        backend(control, &queue)?.redrive(&queue, u32::MAX).await.map_err(|error| problem(&queue, &error))
    }
}

/// Takes one out for good.
#[derive(Debug, Serialize, Deserialize)]
pub struct Remove {
    pub queue: String,
    pub id: String,
}

#[async_trait]
impl Operation for Remove {
    const NAME: &'static str = "dead-letters.remove";
    type Answer = ();

    async fn run(self, control: &Control) -> Result<()> {
        let Self { queue, id } = self;
        check(control, &queue)?;
        let place = place(control, &queue, &id).await?;
        let removed = backend(control, &queue)?.remove(&queue, &place).await;
        removed.map_err(|error| changed(&queue, &id, &error))
    }
}

/// Changes what one says; it stays where it is. What is absent stays as it was.
#[derive(Debug, Serialize, Deserialize)]
pub struct Edit {
    pub queue: String,
    pub id: String,
    pub body: Option<Data>,
    pub content_type: Option<String>,
    /// To be set; the others stay.
    pub attributes: Vec<Attribute>,
}

#[async_trait]
impl Operation for Edit {
    const NAME: &'static str = "dead-letters.edit";
    type Answer = ();

    async fn run(self, control: &Control) -> Result<()> {
        let Self { queue, id, body, content_type, attributes } = self;
        check(control, &queue)?;
        check_set(&attributes).map_err(|error| problem(&queue, &error))?;
        let (place, backend) = (place(control, &queue, &id).await?, backend(control, &queue)?);
        let before = backend.read(&queue, &place).await.map_err(|error| problem(&queue, &error))?;
        let before = before.ok_or_else(|| no_message(&queue, &id))?;
        let content = Content {
            body: body.map_or(before.body, |Data(body)| body),
            content_type: content_type.or(before.content_type),
            attributes: with(before.attributes, attributes),
        };
        let edited = async {
            content.check(backend.message_size(&queue).await?)?;
            backend.replace(&queue, &place, content).await
        };
        edited.await.map_err(|error| changed(&queue, &id, &error))
    }
}

/// The attributes with those of `set` in place of their own.
fn with(mut attributes: Vec<Attribute>, set: Vec<Attribute>) -> Vec<Attribute> {
    attributes.retain(|attribute| set.iter().all(|other| other.name != attribute.name));
    attributes.extend(set);
    attributes
}
