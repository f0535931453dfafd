use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::queue::Sent;
use super::resources::unknown;
use super::{Control, Data, Operation, Problem, Result};
use crate::engine::Request;
use crate::event::{self, Pairs, Trigger};
use crate::invoke::{self, Caller, Ending};
use crate::services::Error;
use crate::services::functions::{Later, Queued};
use crate::triggers::functions::Functions;

/// Calls a function with an event.
#[derive(Debug, Serialize, Deserialize)]
pub struct Invoke {
    pub function: String,
    pub event: Event,
}

/// An event as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub struct Event {
    id: String,
    source: String,
    kind: String,
    subject: Option<String>,
    time_ms: u64,
    content_type: Option<String>,
    attributes: Pairs,
    #[serde(flatten)]
    data: Data,
}

impl From<event::Event> for Event {
    /// As it is invoked: what was particular about another trigger is lost.
    fn from(event: event::Event) -> Self {
        let event::Event { id, source, kind, subject, time_ms, content_type, attributes, data, .. } = event;
        Self { id, source, kind, subject, time_ms, content_type, attributes, data: Data(data) }
    }
}

impl From<Event> for event::Event {
    fn from(event: Event) -> Self {
        let Event { id, source, kind, subject, time_ms, content_type, attributes, data: Data(data) } = event;
        Self { id, source, kind, subject, time_ms, content_type, attributes, trigger: Trigger::Invoke, data }
    }
}

/// How an invocation went.
#[derive(Debug, Serialize, Deserialize)]
pub struct Invoked {
    /// The outcome's word.
    pub word: String,
    /// The outcome for machines.
    pub json: Value,
    /// What the function answered.
    pub data: Option<Data>,
    /// What went wrong, in one line.
    pub complaint: Option<String>,
    pub backtrace: Vec<String>,
    /// The end of the function's log.
    pub log: String,
    /// The line that says what it used.
    pub report: String,
}

#[async_trait]
impl Operation for Invoke {
    const NAME: &'static str = "functions.invoke";
    type Answer = Invoked;

    async fn run(self, control: &Control) -> Result<Invoked> {
        let functions = control.functions()?;
        let function =
            functions.of_events(&self.function).map_err(|error| refused(functions, &self.function, error))?;
        // One event, one invocation: one id for both.
        let caller = Caller { id: Some(self.event.id.clone()), ..Caller::default() };
        let invoked = Box::pin(invoke::invoke(&function, Request::Event(Box::new(self.event.into())), caller)).await;
        Ok(told(&invoked.map_err(|rejected| Problem::unavailable(rejected.to_string()))?))
    }
}

/// Leaves an event for a function, which handles it when it can.
#[derive(Debug, Serialize, Deserialize)]
pub struct InvokeLater {
    pub function: String,
    pub event: Event,
    pub delay: Option<Duration>,
    pub deduplication_id: Option<String>,
}

#[async_trait]
impl Operation for InvokeLater {
    const NAME: &'static str = "functions.invoke-later";
    type Answer = Sent;

    async fn run(self, control: &Control) -> Result<Sent> {
        let Self { function, event, delay, deduplication_id } = self;
        let functions = control.functions()?;
        let queued = Queued { event: event.into(), traceparent: None, depth: 0 };
        let left = functions.leave(&function, queued, Later { delay, deduplication_id }, None).await;
        left.map(Sent::from).map_err(|error| refused(functions, &function, error))
    }
}

fn refused(functions: &Functions, name: &str, error: Error) -> Problem {
    match error {
        Error::NotFound => {
            let known = functions.all();
            if known.is_empty() {
                return Problem::unavailable("the host serves no function yet; try again when it has started");
            }
            unknown("function", name, &known.iter().map(|function| function.name()).collect::<Vec<_>>())
        }
        Error::Unsupported(why) => Problem::invalid(why),
        error => Problem::of(&format!("function `{name}`"), &error),
    }
}

fn told(outcome: &invoke::Outcome) -> Invoked {
    let data = match &outcome.ending {
        Ending::Ok(response) => Some(Data(response.data.clone())),
        _ => None,
    };
    Invoked {
        word: outcome.ending.word().into(),
        json: outcome.to_json(),
        data,
        complaint: outcome.ending.complaint(),
        backtrace: outcome.ending.backtrace().to_vec(),
        log: outcome.log_tail.clone(),
        report: outcome.to_string(),
    }
}
