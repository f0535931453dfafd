//! Requests that a function answers.

use std::sync::Arc;

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::sync::oneshot;

use super::answer::answer;
use super::body::{Body, Response, Timely};
use super::{Door, Match, Note, request, response};
use crate::engine::shape::Handler;
use crate::engine::{self, HttpAnswer, HttpCall};
use crate::invoke::{self, Caller, Function, Outcome, Rejected, Start};

pub(super) async fn answer_request(
    door: &Door,
    function: &Arc<Function>,
    request: Request<Incoming>,
    matched: &mut Match,
    note: &mut Note,
) -> Response {
    match function.handler() {
        // In a box: the server copies the future of each request, whichever way it goes.
        Some(Handler::Http | Handler::Http3) => Box::pin(raw(door, function, request, matched, note)).await,
        _ => as_event(door, function, request, matched, note).await,
    }
}

/// A handler gets the request whole, as an event.
async fn as_event(
    door: &Door,
    function: &Function,
    request: Request<Incoming>,
    matched: &mut Match,
    note: &mut Note,
) -> Response {
    let (head, body) = request.into_parts();
    let data = match body.is_end_stream() {
        true => Vec::new(),
        false => match Box::pin(collect(door, body)).await {
            Ok(data) => data,
            Err(response) => return *response,
        },
    };
    let caller = caller(&head.headers);
    let event = request::event(&head, data, function.name(), matched);
    // One event, one invocation: one id for both.
    let caller = Caller { id: Some(event.id.clone()), ..caller };
    let invoked = invoke::invoke(function, engine::Request::Event(Box::new(event)), caller).await;
    finished(invoked, note)
}

/// A `wasi:http` function gets it as it comes and answers as it goes.
async fn raw(
    door: &Door,
    function: &Arc<Function>,
    request: Request<Incoming>,
    matched: &Match,
    note: &mut Note,
) -> Response {
    let caller = caller(request.headers());
    let (respond, mut answered) = oneshot::channel();
    let request = request.map(|body| Timely::new(body, door.settings.idle_timeout).boxed_unsync());
    let call = Box::new(HttpCall { request, secure: matched.secure, respond });
    let mut invocation = Box::pin(own(Arc::clone(function), engine::Request::Http(call), caller));
    tokio::select! {
        biased;
        invoked = &mut invocation => match (invoked, answered.try_recv()) {
            (Ok(outcome), Ok(answer)) if response::is_answered(&outcome) => {
                note.warm = Some(outcome.start == Start::Warm);
                passed_on(answer)
            }
            (invoked, _) => finished(invoked, note),
        },
        answer = &mut answered => match answer {
            Ok(answer) => {
                // The guest writes on while the client reads, within its deadline, and has its outcome if the client leaves.
                door.tasks.spawn(invocation);
                passed_on(answer)
            }
            Err(_) => finished(invocation.await, note),
        },
    }
}

async fn own(function: Arc<Function>, request: engine::Request, caller: Caller) -> Result<Outcome, Rejected> {
    invoke::invoke(&function, request, caller).await
}

fn finished(invoked: Result<Outcome, Rejected>, note: &mut Note) -> Response {
    match invoked {
        Ok(outcome) => {
            note.warm = Some(outcome.start == Start::Warm);
            response::of(outcome)
        }
        Err(rejected) => response::rejected(rejected),
    }
}

fn passed_on(answered: HttpAnswer) -> Response {
    match answered {
        Ok(response) => response.map(Body::stream),
        Err(code) => answer(StatusCode::BAD_GATEWAY, &format!("the function answered with the error {code}")),
    }
}

fn caller(headers: &http::HeaderMap) -> Caller {
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    Caller { attempt: 1, traceparent: traceparent.map(str::to_owned), ..Caller::default() }
}

/// The whole body, within the limits of size and patience.
async fn collect(door: &Door, body: Incoming) -> Result<Vec<u8>, Box<Response>> {
    let limit = usize::try_from(door.settings.max_body.as_u64()).unwrap_or(usize::MAX);
    let too_large = || {
        let text =
            format!("the body is larger than the {} bytes that this host takes", door.settings.max_body.as_u64());
        Box::new(answer(StatusCode::PAYLOAD_TOO_LARGE, &text))
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match Limited::new(Timely::new(body, door.settings.idle_timeout), limit).collect().await {
        Ok(collected) => Ok(Vec::from(collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Box::new(answer(StatusCode::REQUEST_TIMEOUT, "the body did not arrive whole"))),
    }
}
