//! Where records of asynchronous invocations go.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::config::{Destination, Origin, Service};
use crate::event::Response;
use crate::services::functions::queue_name;
use crate::services::queue::{Delivered, dead};
use crate::services::transaction::Transaction;
use crate::services::{Backends, Placement, Result, queue, topic};

/// What gets a record of each success, and of each failure that is final.
#[derive(Default)]
pub(super) struct Outcomes {
    success: Option<Sender>,
    failure: Option<Sender>,
}

struct Sender {
    backends: Backends,
    to: To,
}

enum To {
    Queue(String),
    Topic(String),
}

/// How an event ended for good.
pub(super) enum Ended<'a> {
    Success(Option<&'a Response>),
    /// `reason` is one of those of [`dead`].
    Failure {
        why: &'a str,
        reason: &'static str,
    },
}

impl Outcomes {
    pub(super) fn of(origin: &Origin, placement: &Placement) -> Self {
        let Origin::Invoke(destinations) = origin else { return Self::default() };
        let sender = |destination: &Option<Destination>| destination.as_ref().map(|to| Sender::of(to, placement));
        Self { success: sender(&destinations.on_success), failure: sender(&destinations.on_failure) }
    }

    /// Sends the record, to be durable before the event is settled: it may come twice, and is never missing. Within a
    /// transaction it comes once.
    pub(super) async fn send(
        &self,
        function: &str,
        message: &Delivered,
        ended: &Ended<'_>,
        transaction: Option<&Arc<dyn Transaction>>,
    ) -> Result<()> {
        let (sender, word) = match ended {
            Ended::Success(_) => (&self.success, "success"),
            Ended::Failure { .. } => (&self.failure, "failure"),
        };
        // Most sources have no destination, and their messages should not pay for a record.
        let Some(sender) = sender else { return Ok(()) };
        sender.send(&record(function, message, ended), format!("{}.{word}", message.id), transaction).await
    }
}

impl Sender {
    fn of(destination: &Destination, placement: &Placement) -> Self {
        let to = match destination {
            Destination::Queue(name) => To::Queue(name.clone()),
            Destination::Function(name) => To::Queue(queue_name(name)),
            Destination::Topic(name) => To::Topic(name.clone()),
        };
        let backends = match &to {
            To::Queue(name) => placement.of(Service::Queue, name),
            To::Topic(name) => placement.of(Service::Topic, name),
        };
        Self { backends: backends.clone(), to }
    }

    /// The same record sent again within the window is a duplicate. What is kept where there are no transactions does not
    /// wait for one.
    async fn send(&self, record: &Value, id: String, transaction: Option<&Arc<dyn Transaction>>) -> Result<()> {
        let (body, content_type) = (record.to_string().into_bytes(), Some("application/json".to_owned()));
        let (deduplication_id, Backends { queue, topic, transactions, .. }) = (Some(id), &self.backends);
        let transaction = transaction.filter(|_| transactions.is_some());
        let answers = match &self.to {
            To::Queue(name) => {
                let message = queue::Message { body, content_type, deduplication_id, ..queue::Message::default() };
                match transaction {
                    Some(transaction) => transaction.send(name, vec![message]).await?,
                    None => queue.send(name, vec![message]).await?,
                }
            }
            To::Topic(name) => {
                let message = topic::Message { body, content_type, deduplication_id, ..topic::Message::default() };
                match transaction {
                    Some(transaction) => transaction.publish(name, vec![message]).await?,
                    None => topic.publish(name, vec![message]).await?,
                }
            }
        };
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }
}

/// Data that is UTF-8 stands as a text, JSON as itself, anything else by its length.
fn record(function: &str, message: &Delivered, ended: &Ended<'_>) -> Value {
    let mut record = json!({
        "version": "1.0",
        "function": function,
        "id": message.id,
        "attempts": message.receive_count,
        "event": data(&message.body),
    });
    let (condition, more) = match *ended {
        Ended::Success(response) => ("success", json!({ "response": response.map(|response| data(&response.data)) })),
        Ended::Failure { why, reason: dead::MAX_RECEIVES } => ("retries-exhausted", json!({ "error": why })),
        Ended::Failure { why, reason } => (reason, json!({ "error": why })),
    };
    record["condition"] = condition.into();
    if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
        record.extend(more);
    }
    record
}

fn data(bytes: &[u8]) -> Value {
    match (serde_json::from_slice(bytes), std::str::from_utf8(bytes)) {
        (Ok(json), _) => json,
        (_, Ok(text)) => text.into(),
        _ => json!({ "bytes": bytes.len() }),
    }
}
