//! The invocation an instance is serving: who, how long, how much, and its log.

pub mod host;
mod log;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use log::{INVOCATION_LOG_BYTES, Level, Line, LogSink, MESSAGE_BYTES, SharedLog, TAIL_BYTES, printable};

use super::Clock;
use super::functions::Calling;
use super::transaction::Transaction;
use crate::config::Limits;

pub const RANDOM_BYTES: u32 = 65_536;

/// What stays the same over all invocations of a function.
pub struct Identity {
    pub function: String,
    /// Names the component's bytes.
    pub version: String,
    pub limits: Limits,
    pub clock: Clock,
}

/// One invocation, as `wit/context.wit` shows it.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub id: String,
    pub attempt: u32,
    pub deadline: Instant,
    pub traceparent: Option<String>,
    /// Functions before this one in the chain of those that invoke each other.
    pub depth: u8,
    /// What takes up all that the guest sends and sets.
    pub transaction: Option<Arc<dyn Transaction>>,
}

/// The context of one instance; [`Context::begin`] sets it for each invocation.
pub struct Context {
    identity: Arc<Identity>,
    invocation: Invocation,
    pub log: SharedLog,
}

impl Context {
    pub fn new(identity: Arc<Identity>, invocation: Invocation, log: SharedLog) -> Self {
        Self { identity, invocation, log }
    }

    pub fn begin(&mut self, invocation: Invocation) {
        self.invocation = invocation;
    }

    /// Who calls when the guest invokes another function.
    pub fn calling(&self) -> Calling<'_> {
        let Invocation { deadline, traceparent, depth, .. } = &self.invocation;
        Calling {
            function: &self.identity.function,
            deadline: *deadline,
            traceparent: traceparent.as_deref(),
            depth: *depth,
            transaction: self.transaction(),
        }
    }

    pub fn transaction(&self) -> Option<&Arc<dyn Transaction>> {
        self.invocation.transaction.as_ref()
    }

    /// Lets go of what outlives the invocation.
    pub fn end(&mut self) {
        self.invocation.transaction = None;
    }

    fn remaining(&self) -> Duration {
        self.invocation.deadline.saturating_duration_since(Instant::now())
    }
}
