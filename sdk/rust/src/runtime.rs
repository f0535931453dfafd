//! What the attributes' expansion calls: from the contract's event to the handler and back. No promise to authors.

use std::future::Future;

use crate::bindings::function::wasm_faas::function::types as raw;
use crate::executor::{Stuck, block_on};
use crate::{Error, Event, IntoResponse, Rejected, Response, Result, Retry, context, log};

pub use crate::bindings::batch_function::exports::wasm_faas::function::batch_handler::Guest as BatchGuest;
pub use crate::bindings::function::exports::wasm_faas::function::handler::Guest;
pub use raw::{Event as RawEvent, Failure, Response as RawResponse};

pub fn run<R: IntoResponse>(handler: impl FnOnce(Event) -> R, event: RawEvent) -> Result<RawResponse, Failure> {
    answer(handler(event.into()))
}

pub fn run_async<F: Future<Output: IntoResponse>>(
    handler: impl FnOnce(Event) -> F,
    event: RawEvent,
) -> Result<RawResponse, Failure> {
    answer(wait(handler(event.into())))
}

pub fn run_batch<E: Into<Error>>(
    handler: impl FnOnce(Vec<Event>) -> Vec<Result<(), E>>,
    events: Vec<RawEvent>,
) -> Vec<Result<(), Failure>> {
    let answers = handler(events.into_iter().map(Into::into).collect());
    answers.into_iter().map(|answer| answer.map_err(failure)).collect()
}

pub fn run_batch_async<E: Into<Error>, F: Future<Output = Vec<Result<(), E>>>>(
    handler: impl FnOnce(Vec<Event>) -> F,
    events: Vec<RawEvent>,
) -> Vec<Result<(), Failure>> {
    let count = events.len();
    match wait(handler(events.into_iter().map(Into::into).collect())) {
        Ok(answers) => answers.into_iter().map(|answer| answer.map_err(failure)).collect(),
        Err(stuck) => (0..count).map(|_| Err(failure(stuck))).collect(),
    }
}

fn wait<F: Future>(future: F) -> Result<F::Output, Stuck> {
    block_on(future, context::sleep)
}

fn answer(answer: impl IntoResponse) -> Result<RawResponse, Failure> {
    answer.into_response().and_then(Response::into_raw).map_err(failure)
}

/// An error that does not say itself what happens to the event goes to the log with its causes.
fn failure(error: impl Into<Error>) -> Failure {
    let error = error.into();
    if error.downcast_ref::<Rejected>().is_none() && error.downcast_ref::<Retry>().is_none() {
        report(&error);
    }
    error.into()
}

fn report(error: &Error) {
    let causes: Vec<_> = error.causes().map(ToString::to_string).collect();
    if causes.is_empty() {
        log::error(&error.to_string(), &[]);
    } else {
        log::error(&error.to_string(), &[("causes", &causes.join(": "))]);
    }
}
