//! The spine of an invocation.

mod admission;
mod json;
mod outcome;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;

pub use admission::{Admission, Permit, Rejected, Reservation};
pub use outcome::{Ending, Outcome, Start};

use crate::config::{PoolSettings, Rate};
use crate::engine::shape::Handler;
use crate::engine::{CallError, FunctionSpec, Pool, Reply, Request, Source, Usage};
use crate::services::context::Invocation;
use crate::services::transaction::Transaction;

/// A component with its limits and grants, ready for invocations.
pub struct Function {
    pool: Arc<Pool>,
    admission: Admission,
    record: Record,
}

/// Called with each outcome, in the task of its invocation: it must not block.
pub type Record = Arc<dyn Fn(&Outcome) + Send + Sync>;

/// What a function shares with others, and how often it may run.
pub struct Terms {
    /// A permit for each invocation that the host runs at a time.
    pub host: Arc<Semaphore>,
    /// A permit for each instance that waits for an invocation.
    pub room: Arc<Semaphore>,
    pub rate: Option<Rate>,
    pub record: Record,
}

impl Default for Terms {
    /// No bounds besides the function's own, and nobody who keeps records.
    fn default() -> Self {
        let many = || Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { host: many(), room: many(), rate: None, record: Arc::new(|_| {}) }
    }
}

impl Function {
    pub fn new(source: impl Into<Source>, spec: FunctionSpec, settings: PoolSettings, terms: Terms) -> Self {
        let admission = Admission::new(settings.max, settings.wait, terms.rate, terms.host);
        Self { pool: Arc::new(Pool::new(source.into(), spec, settings, terms.room)), admission, record: terms.record }
    }

    pub fn name(&self) -> &str {
        &self.pool.spec().identity.function
    }

    /// Permits for up to `most` invocations, at least one, taken before there is anything to invoke it with.
    pub async fn reserve(&self, most: u32) -> Vec<Reservation> {
        self.admission.reserve(most).await
    }

    pub fn handler(&self) -> Option<Handler> {
        self.pool.source().handler()
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

/// Who asks, besides what is asked.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The invocation's id, which nothing else has; a new one when absent.
    pub id: Option<String>,
    /// 1 at the first attempt; 0 counts as that.
    pub attempt: u32,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// When it is to end at the latest, besides the function's own timeout.
    pub deadline: Option<Instant>,
    /// Functions before this one in the chain of those that invoke each other.
    pub depth: u8,
    /// Takes up all that the guest sends and sets, for the caller to commit.
    pub transaction: Option<Arc<dyn Transaction>>,
}

/// Runs one invocation from admission to its outcome, which is recorded and returned.
pub async fn invoke(function: &Function, request: Request, caller: Caller) -> Result<Outcome, Rejected> {
    let permit = function.admission.admit().await?;
    Ok(run(function, permit, request, caller).await)
}

/// The same for a function that another one invokes and waits for. The permit of the host is the waiting one's: with two for
/// both, those that wait could take all of them and nobody would run.
pub async fn invoke_nested(function: &Function, request: Request, caller: Caller) -> Result<Outcome, Rejected> {
    let permit = function.admission.admit_nested().await?;
    Ok(run(function, permit, request, caller).await)
}

/// Runs one invocation that was admitted. It has exactly one outcome, which is recorded and returned; one whose future is
/// dropped is recorded as cancelled. The permit is given back as soon as the guest is done.
pub async fn run(function: &Function, permit: impl Send, request: Request, caller: Caller) -> Outcome {
    let running = Running::start(function, caller.id);
    let own = running.started + function.pool.spec().identity.limits.timeout;
    let callers = caller.deadline.filter(|deadline| *deadline < own);
    let invocation = Invocation {
        id: running.id.clone(),
        attempt: caller.attempt.max(1),
        deadline: callers.unwrap_or(own),
        traceparent: caller.traceparent,
        depth: caller.depth,
        transaction: caller.transaction,
    };
    let (mut called, ended) = call(function, request, invocation, running.started).await;
    drop(permit);
    if let (Some(deadline), Err(CallError::Deadline { .. })) = (callers, &called.reply) {
        called.reply = Err(CallError::CallerDeadline { left: deadline.saturating_duration_since(running.started) });
    }
    running.end(called, ended)
}

/// An invocation between its start and its only record.
struct Running<'a> {
    function: &'a Function,
    id: String,
    started: Instant,
    recorded: bool,
}

impl<'a> Running<'a> {
    fn start(function: &'a Function, id: Option<String>) -> Self {
        let id = id.unwrap_or_else(|| ulid::Ulid::generate().to_string());
        Self { function, id, started: Instant::now(), recorded: false }
    }

    fn end(mut self, called: Called, ended: Instant) -> Outcome {
        self.record(called, ended)
    }

    fn record(&mut self, called: Called, ended: Instant) -> Outcome {
        self.recorded = true;
        let id = std::mem::take(&mut self.id);
        let outcome = Outcome::new(id, self.function.name(), ended - self.started, called);
        (self.function.record)(&outcome);
        outcome
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.recorded {
            self.record(Called::without_answer(CallError::Cancelled), Instant::now());
        }
    }
}

/// How a call went, before it is an outcome.
struct Called {
    reply: Result<Reply, CallError>,
    usage: Usage,
    start: Start,
    log_tail: String,
}

async fn call(function: &Function, request: Request, invocation: Invocation, started: Instant) -> (Called, Instant) {
    let mut lease = match function.pool.acquire(&invocation, started).await {
        Ok(lease) => lease,
        Err(error) => return (Called::without_answer(error), Instant::now()),
    };
    let start = if lease.is_warm() { Start::Warm } else { Start::Cold };
    let (reply, usage) = lease.call(request, invocation).await;
    let log_tail = lease.end_log();
    let ended = Instant::now();
    // A store that trapped or was stopped is dropped: wasmtime lets nobody in again.
    if reply.is_ok() {
        lease.park(ended);
    }
    (Called { reply, usage, start, log_tail }, ended)
}

impl Called {
    fn without_answer(error: CallError) -> Self {
        Self { reply: Err(error), usage: Usage::default(), start: Start::Cold, log_tail: String::new() }
    }
}
