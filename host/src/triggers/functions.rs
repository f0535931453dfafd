//! The functions of one host by name: who runs them besides the outside world, and functions each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Service;
use crate::engine::shape::Handler;
use crate::engine::{CallError, Request};
use crate::event::Response;
use crate::invoke::{self, Caller, Ending, Function, Outcome, Rejected};
use crate::services::functions::{self, Call, Calling, InvokeError, Invoker, Later, Queued, queue_name, to_message};
use crate::services::message::Accepted;
use crate::services::transaction::Transaction;
use crate::services::{Error, Placement, Result};

/// What is served now. It is empty until the first deployment is complete, and replaced as a whole.
pub struct Functions {
    by_name: ArcSwap<ByName>,
    placement: Placement,
}

type ByName = BTreeMap<String, Arc<Function>>;

impl Functions {
    /// `placement` has the queues of asynchronous invocations.
    pub fn new(placement: impl Into<Placement>) -> Self {
        Self { by_name: ArcSwap::default(), placement: placement.into() }
    }

    /// Later invocations meet these; those that are running end as they began.
    pub fn replace(&self, functions: impl IntoIterator<Item = Arc<Function>>) {
        let by_name: ByName = functions.into_iter().map(|function| (function.name().to_owned(), function)).collect();
        self.by_name.store(Arc::new(by_name));
    }

    pub fn get(&self, name: &str) -> Option<Arc<Function>> {
        self.by_name.load().get(name).cloned()
    }

    /// In the order of their names.
    pub fn all(&self) -> Vec<Arc<Function>> {
        self.by_name.load().values().cloned().collect()
    }

    /// Takes down instances that have waited or lived too long, and makes those that are to be there.
    pub fn sweep(&self) {
        let now = Instant::now();
        for function in self.all() {
            function.pool().sweep(now);
            if function.pool().lacks_some() {
                // What keeps it from being made is reported by the invocation that needs it.
                tokio::spawn(async move { function.pool().warm().await });
            }
        }
    }

    /// Leaves an event for a function; durable when it returns. Where the event has no id, the message's becomes it.
    /// With a transaction it comes with the commit, if the queue takes part in any.
    pub async fn leave(
        &self,
        name: &str,
        queued: Queued,
        later: Later,
        transaction: Option<&Arc<dyn Transaction>>,
    ) -> Result<Accepted> {
        let function = self.of_events(name)?;
        let backends = self.placement.of(Service::Queue, &queue_name(name));
        let transaction = transaction.filter(|_| backends.transactions.is_some()).map(Arc::as_ref);
        let sent = functions::send(backends.queue.as_ref(), transaction, name, to_message(queued, later)).await;
        sent.map_err(|error| match error {
            Error::NotFound => {
                let advice = function.pool().spec().access.advice().asynchronous();
                Error::Unsupported(format!("function `{name}` takes no asynchronous invocations, {advice}"))
            }
            other => other,
        })
    }

    /// A function that an event can be given to.
    pub(super) fn of_events(&self, name: &str) -> Result<Arc<Function>> {
        let function = self.get(name).ok_or(Error::NotFound)?;
        match function.handler() {
            Some(Handler::Event | Handler::AsyncEvent | Handler::Batch) => Ok(function),
            Some(Handler::Http | Handler::Http3) => {
                Err(Error::Unsupported(format!("function `{name}` takes HTTP requests and no events")))
            }
            Some(Handler::Command) | None => Err(Error::Unsupported(format!("function `{name}` takes no events"))),
        }
    }
}

#[async_trait]
impl Invoker for Functions {
    async fn invoke(&self, name: &str, call: Call, from: Calling<'_>) -> Result<Response, InvokeError> {
        let function = self.of_events(name)?;
        let event = call.into_event(from.function, function.pool().spec().identity.clock.now_ms());
        let caller = Caller {
            // One event, one invocation: one id for both.
            id: Some(event.id.clone()),
            attempt: 1,
            traceparent: from.onward_trace(),
            deadline: Some(from.deadline),
            depth: from.depth.saturating_add(1),
            transaction: None,
        };
        let request = Request::Event(Box::new(event));
        // In a task of its own: here it would run on the stack of the caller's guest, and a chain on all of theirs.
        let running = tokio::spawn(async move { invoke::invoke_nested(&function, request, caller).await });
        match AbortOnDropHandle::new(running).await {
            Ok(Ok(outcome)) => answer(outcome),
            Ok(Err(rejected)) => Err(throttled(rejected).into()),
            Err(_) => Err(InvokeError::Stopped(FAILED.into())),
        }
    }

    async fn enqueue(&self, name: &str, call: Call, later: Later, from: Calling<'_>) -> Result<Accepted> {
        let mut event = call.into_event(from.function, 0);
        event.id.clear();
        let (traceparent, depth) = (from.onward_trace(), from.depth.saturating_add(1));
        self.leave(name, Queued { event, traceparent, depth }, later, from.transaction).await
    }
}

const FAILED: &str = "the function failed";

/// What a caller learns of how it went.
fn answer(outcome: Outcome) -> Result<Response, InvokeError> {
    match outcome.ending {
        Ending::Ok(response) => Ok(response),
        Ending::Rejected(reason) => Err(InvokeError::Rejected(reason)),
        Ending::Retry { reason, after } => Err(InvokeError::Retry { reason, after }),
        Ending::Stopped(CallError::NoRoom) => Err(Error::Throttled(BUSY_MS).into()),
        Ending::Stopped(error) => Err(InvokeError::Stopped(error.public().into())),
        // A handler of events cannot end in these ways.
        Ending::Batch(_) | Ending::Http | Ending::Exited(_) => Err(InvokeError::Stopped(FAILED.into())),
    }
}

/// When it is worth to ask a busy host again.
const BUSY_MS: u64 = 1000;

fn throttled(rejected: Rejected) -> Error {
    Error::Throttled(rejected.retry_after().saturating_mul(1000))
}
