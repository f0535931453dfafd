use std::sync::Arc;
use std::time::Instant;

use bytesize::ByteSize;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::TypedFunc;
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi_http::handler::Proxy;

use super::component::Entry;
use super::fair::{Elapsed, Fair};
use super::state::State;
use super::{CallError, Component, FunctionSpec, http};
use crate::event::{Event, Failure, Response};
use crate::services::bindings::types;
use crate::services::context::Invocation;

/// An answer, everything in it added up.
pub(super) const RESPONSE_BYTES: usize = 8 << 20;
/// What a guest may hand over in one call, its answer included: twice the answer, for what surrounds the data.
const HANDOVER_BYTES: usize = 16 << 20;
/// Fuel between two yields: 40 to 130 µs of computing. A yield costs about a hundredth of that.
const FUEL_SLICE: u64 = 1_000_000;

type Handle = TypedFunc<(types::Event,), (Result<types::Response, types::Failure>,)>;
type HandleBatch = TypedFunc<(Vec<types::Event>,), (Vec<Result<(), types::Failure>>,)>;

/// What to call an instance with.
pub enum Request {
    Event(Box<Event>),
    /// For a batch handler; any other answers nothing.
    Batch(Vec<Event>),
    /// For `wasi:http`. The response goes through the channel as soon as the guest has set it, its body while the guest
    /// writes it.
    Http(Box<HttpCall>),
    /// For `wasi:cli/run`.
    Run,
}

/// A request for a `wasi:http` guest. Its URI names the authority or its headers the host.
pub struct HttpCall {
    pub request: ::http::Request<HttpBody>,
    /// It came over TLS.
    pub secure: bool,
    pub respond: oneshot::Sender<HttpAnswer>,
}

/// A body of `wasi:http`, as it comes.
pub type HttpBody = wasmtime_wasi_http::WasiBody;
/// How such a body breaks off.
pub type HttpError = wasmtime_wasi_http::Error;

/// What a `wasi:http` guest answered; the error code is the guest's own.
pub type HttpAnswer = Result<::http::Response<HttpBody>, String>;

/// What an instance answered.
#[derive(Debug)]
pub enum Reply {
    Event(Result<Response, Failure>),
    /// An answer for each event, in order.
    Batch(Vec<Result<(), Failure>>),
    /// The response is on its way.
    Http,
    /// The exit code.
    Run(i32),
}

/// What one invocation used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// `None` when unmetered.
    pub fuel: Option<u64>,
    /// Most memory and tables so far, in bytes.
    pub memory: u64,
}

/// A live component with a store of its own. One call at a time; after an `Err` it must be dropped.
pub struct Instance {
    store: Store<State>,
    callable: Callable,
    spec: Arc<FunctionSpec>,
}

enum Callable {
    Handle(Handle),
    HandleBatch(HandleBatch),
    Http(Proxy),
    Run(Command),
}

impl Instance {
    /// Instantiates within the limits of the invocation that needs it.
    pub async fn new(
        component: &Component,
        spec: &Arc<FunctionSpec>,
        invocation: Invocation,
    ) -> Result<Self, CallError> {
        let deadline = invocation.deadline;
        let entry = &component.inner().entry;
        let mut store = Store::new(entry.engine(), State::new(Arc::clone(spec), invocation));
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(HANDOVER_BYTES);
        let limits = &spec.identity.limits;
        let trapped = |error: wasmtime::Error| CallError::classify(&error, limits.fuel.unwrap_or_default());
        meter(&mut store, component.inner().profile.metered, limits.fuel).map_err(trapped)?;
        let callable = {
            let instantiate = Box::pin(Callable::new(entry, &mut store));
            let made = Fair::new(instantiate, deadline, &spec.lane).await;
            made.map_err(|Elapsed| CallError::Deadline { timeout: limits.timeout })?.map_err(trapped)?
        };
        Ok(Self { store, callable, spec: Arc::clone(spec) })
    }

    /// Sets the limits afresh and calls the handler.
    pub async fn call(&mut self, request: Request, invocation: Invocation) -> (Result<Reply, CallError>, Usage) {
        let limits = self.spec.identity.limits.clone();
        let deadline = invocation.deadline;
        self.store.data_mut().context.begin(invocation);
        if let Some(fuel) = limits.fuel {
            // The engine counts fuel whenever there is a limit.
            let _ = self.store.set_fuel(fuel);
        }
        let called = self.run(request, deadline).await;
        let reply = match called {
            Err(Elapsed) => Err(CallError::Deadline { timeout: limits.timeout }),
            Ok(Err(error)) => Err(CallError::classify(&error, limits.fuel.unwrap_or_default())),
            Ok(Ok(reply)) => check_size(reply),
        };
        let fuel = limits.fuel.map(|limit| limit.saturating_sub(self.store.get_fuel().unwrap_or_default()));
        let memory = self.store.data().limiter.used();
        self.store.data_mut().context.end();
        (reply, Usage { fuel, memory })
    }

    /// Ends the invocation's log and returns the end of it.
    pub fn end_log(&mut self) -> String {
        self.store.data_mut().context.log.end()
    }

    /// Whether it may serve another invocation: enough memory is left, which a guest never gives back, and it holds on to
    /// nothing of this one.
    pub fn may_be_reused(&mut self) -> bool {
        let (used, limit) = (self.store.data().limiter.used(), self.spec.identity.limits.memory.as_u64());
        let free = used <= limit / 4 * 3 && !self.store.data_mut().holds_on();
        free && !matches!(self.callable, Callable::Run(_))
    }

    async fn run(&mut self, request: Request, deadline: Instant) -> Result<wasmtime::Result<Reply>, Elapsed> {
        let (store, lane) = (&mut self.store, &self.spec.lane);
        match (&self.callable, request) {
            (Callable::Handle(handle), Request::Event(event)) => {
                let call = Box::pin(handle.call_async(store, ((*event).into(),)));
                Ok(Fair::new(call, deadline, lane).await?.map(|(answer,)| Reply::Event(from_guest(answer))))
            }
            (Callable::HandleBatch(handle), Request::Event(event)) => {
                let call = Box::pin(handle.call_async(store, (vec![(*event).into()],)));
                Ok(Fair::new(call, deadline, lane).await?.map(|(answers,)| Reply::Event(single(answers))))
            }
            (Callable::HandleBatch(handle), Request::Batch(events)) => {
                let count = events.len();
                let call = Box::pin(handle.call_async(store, (events.into_iter().map(Into::into).collect(),)));
                Ok(Fair::new(call, deadline, lane).await?.map(|(answers,)| Reply::Batch(each(answers, count))))
            }
            (Callable::Http(proxy), Request::Http(call)) => {
                let call = Box::pin(http::serve(proxy, store, *call));
                Ok(Fair::new(call, deadline, lane).await?.map(|()| Reply::Http))
            }
            (Callable::Run(command), Request::Run) => {
                let call = Box::pin(command.wasi_cli_run().call_run(store));
                Ok(exit_code(Fair::new(call, deadline, lane).await?).map(Reply::Run))
            }
            _ => Ok(Err(wasmtime::format_err!("the component does not take this kind of request"))),
        }
    }
}

impl Callable {
    async fn new(entry: &Entry, store: &mut Store<State>) -> wasmtime::Result<Self> {
        Ok(match entry {
            Entry::Event { pre, handle } => {
                let instance = pre.instantiate_async(&mut *store).await?;
                Self::Handle(instance.get_typed_func(store, handle).map_err(|error| WrongTypes::of(&error))?)
            }
            Entry::Batch { pre, handle } => {
                let instance = pre.instantiate_async(&mut *store).await?;
                Self::HandleBatch(instance.get_typed_func(store, handle).map_err(|error| WrongTypes::of(&error))?)
            }
            Entry::Http(pre) => Self::Http(pre.instantiate_async(store).await?),
            Entry::Command(pre) => Self::Run(pre.instantiate_async(store).await?),
        })
    }
}

/// An export that has the name of the contract's and other types.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct WrongTypes(pub(super) String);

impl WrongTypes {
    fn of(error: &wasmtime::Error) -> wasmtime::Error {
        Self(error.root_cause().to_string()).into()
    }
}

/// Fuel for metered guests, epochs for others; either makes them yield to the runtime regularly.
fn meter(store: &mut Store<State>, metered: bool, fuel: Option<u64>) -> wasmtime::Result<()> {
    if metered {
        store.set_fuel(fuel.unwrap_or(u64::MAX))?;
        store.fuel_async_yield_interval(Some(FUEL_SLICE))?;
    } else {
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
    }
    Ok(())
}

/// A command that exits answers with its code; one that returns an error answers 1, as WASI has it.
fn exit_code(ended: wasmtime::Result<Result<(), ()>>) -> wasmtime::Result<i32> {
    match ended {
        Ok(Ok(())) => Ok(0),
        Ok(Err(())) => Ok(1),
        Err(error) => match error.downcast_ref() {
            Some(I32Exit(code)) => Ok(*code),
            None => Err(error),
        },
    }
}

fn from_guest(answer: Result<types::Response, types::Failure>) -> Result<Response, Failure> {
    answer.map(Into::into).map_err(Into::into)
}

/// The answer of a batch handler for a batch of one.
fn single(answers: Vec<Result<(), types::Failure>>) -> Result<Response, Failure> {
    let only = each(answers, 1).pop().unwrap_or(Ok(()));
    only.map(|()| Response::default())
}

/// An answer for each of `count` events: a list of another length says nothing about any of them.
fn each(answers: Vec<Result<(), types::Failure>>, count: usize) -> Vec<Result<(), Failure>> {
    if answers.len() != count {
        let events = if count == 1 { "event" } else { "events" };
        let reason = format!("the batch handler gave {} answers for {count} {events}", answers.len());
        return vec![Err(Failure::Retry { reason, after: None }); count];
    }
    answers.into_iter().map(|answer| answer.map_err(Into::into)).collect()
}

fn check_size(reply: Reply) -> Result<Reply, CallError> {
    if let Reply::Event(Ok(Response { data, content_type, attributes, .. })) = &reply {
        let attributes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        if data.len() + attributes + content_type.as_ref().map_or(0, String::len) > RESPONSE_BYTES {
            return Err(CallError::TooLarge { limit: ByteSize(RESPONSE_BYTES as u64) });
        }
    }
    let reasons: usize = match &reply {
        Reply::Event(Err(failure)) => failure.reason().len(),
        Reply::Batch(answers) => {
            answers.iter().filter_map(|answer| answer.as_ref().err()).map(|f| f.reason().len()).sum()
        }
        Reply::Event(Ok(_)) | Reply::Http | Reply::Run(_) => 0,
    };
    if reasons > RESPONSE_BYTES {
        return Err(CallError::TooLarge { limit: ByteSize(RESPONSE_BYTES as u64) });
    }
    Ok(reply)
}
