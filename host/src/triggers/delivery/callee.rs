//! What delivery needs of a function, and no more: a model of one can stand in for it.

use async_trait::async_trait;

use crate::config::Advice;
use crate::engine::Request;
use crate::engine::shape::Handler;
use crate::invoke::{self, Caller, Function, Outcome, Reservation};

/// Who gets the events of a source.
#[async_trait]
pub trait Callee: Send + Sync {
    fn name(&self) -> &str;
    /// Of its component, for dead letters.
    fn version(&self) -> &str;
    /// For what is told of a failure.
    fn advice(&self) -> &Advice;
    /// Whether it gets batches instead of single events.
    fn takes_batches(&self) -> bool;
    /// Permits for up to `most` invocations, at least one, however long that takes.
    async fn reserve(&self, most: u32) -> Vec<Reservation>;
    /// One invocation. The permit is given back when it ends.
    async fn run(&self, permit: Option<Reservation>, request: Request, caller: Caller) -> Outcome;
}

#[async_trait]
impl Callee for Function {
    fn name(&self) -> &str {
        self.name()
    }

    fn version(&self) -> &str {
        &self.pool().spec().identity.version
    }

    fn advice(&self) -> &Advice {
        self.pool().spec().access.advice()
    }

    fn takes_batches(&self) -> bool {
        self.handler() == Some(Handler::Batch)
    }

    async fn reserve(&self, most: u32) -> Vec<Reservation> {
        self.reserve(most).await
    }

    async fn run(&self, permit: Option<Reservation>, request: Request, caller: Caller) -> Outcome {
        invoke::run(self, permit, request, caller).await
    }
}
