//! The spine of an invocation.

mod admission;
mod outcome;

use std::time::Instant;

pub use admission::{Admission, Permit, Rejected};
pub use outcome::{Ending, Outcome, Start};

use crate::engine::{CallError, Component, FunctionSpec, Pool, Reply, Request, Usage};
use crate::services::context::Invocation;

/// A component with its limits and grants, ready for invocations.
pub struct Function {
    pool: Pool,
    admission: Admission,
}

impl Function {
    /// Runs at most `concurrency` invocations at a time and keeps as many instances warm.
    pub fn new(component: Component, spec: FunctionSpec, concurrency: usize) -> Self {
        Self { pool: Pool::new(component, spec, concurrency), admission: Admission::new(concurrency) }
    }

    pub fn name(&self) -> &str {
        &self.pool.spec().identity.function
    }

    pub fn component(&self) -> &Component {
        self.pool.component()
    }
}

/// Who asks, besides what is asked.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// 1 at the first attempt; 0 counts as that.
    pub attempt: u32,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// Runs one invocation from admission to its outcome. Every admitted invocation has exactly one outcome.
pub async fn invoke(function: &Function, request: Request, caller: Caller) -> Result<Outcome, Rejected> {
    let permit = function.admission.admit().await?;
    let limits = &function.pool.spec().identity.limits;
    let started = Instant::now();
    let invocation = Invocation {
        id: ulid::Ulid::generate().to_string(),
        attempt: caller.attempt.max(1),
        deadline: started + limits.timeout,
        traceparent: caller.traceparent,
    };
    let id = invocation.id.clone();
    let called = call(function, request, invocation).await;
    drop(permit);
    Ok(Outcome::new(id, function.name(), started.elapsed(), called))
}

/// How a call went, before it is an outcome.
struct Called {
    reply: Result<Reply, CallError>,
    usage: Usage,
    start: Start,
    log_tail: String,
}

async fn call(function: &Function, request: Request, invocation: Invocation) -> Called {
    let mut lease = match function.pool.acquire(&invocation).await {
        Ok(lease) => lease,
        Err(error) => return Called::before_start(error),
    };
    let start = if lease.is_warm() { Start::Warm } else { Start::Cold };
    let (reply, usage) = lease.call(request, invocation).await;
    let log_tail = lease.end_log();
    // A store that trapped or was stopped is dropped: wasmtime lets nobody in again.
    if reply.is_ok() {
        lease.park();
    }
    Called { reply, usage, start, log_tail }
}

impl Called {
    fn before_start(error: CallError) -> Self {
        Self { reply: Err(error), usage: Usage::default(), start: Start::Cold, log_tail: String::new() }
    }
}
