use std::time::Duration;

use bytes::Bytes;
use http::header::{self, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};

use super::answer::{answer, answer_later};
use super::body::{Body, Response};
use crate::engine::CallError;
use crate::event;
use crate::invoke::{Ending, Outcome, Rejected};
use crate::services::context::printable;

/// Headers that belong to the connection, not to the response: the host writes them.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// An outcome as its caller sees it: the status, and one line that tells nothing of the inside. The rest is in the log.
pub(super) fn of(outcome: Outcome) -> Response {
    match outcome.ending {
        Ending::Ok(response) => answered(response),
        // Its response was set by the guest itself, or it said nothing.
        Ending::Http | Ending::Batch(_) | Ending::Exited(_) => {
            answer(StatusCode::BAD_GATEWAY, "the function did not answer")
        }
        Ending::Rejected(reason) => answer(StatusCode::BAD_REQUEST, &printable(&reason)),
        Ending::Retry { after: Some(after), .. } => {
            answer_later(StatusCode::SERVICE_UNAVAILABLE, "the function asks to try again later", seconds(after))
        }
        Ending::Retry { after: None, .. } => answer(StatusCode::INTERNAL_SERVER_ERROR, "the function failed"),
        Ending::Stopped(error) => stopped(&error),
    }
}

fn stopped(error: &CallError) -> Response {
    let status = match error {
        CallError::Trap { .. }
        | CallError::Exit(_)
        | CallError::StackOverflow
        | CallError::OutOfFuel { .. }
        | CallError::OutOfMemory { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        CallError::Deadline { .. } | CallError::CallerDeadline { .. } => StatusCode::GATEWAY_TIMEOUT,
        CallError::TooLarge { .. }
        | CallError::NoReply
        | CallError::NoSuchExport { .. }
        | CallError::Unloadable { .. }
        | CallError::Cancelled => StatusCode::BAD_GATEWAY,
        CallError::NoRoom => return answer_later(StatusCode::SERVICE_UNAVAILABLE, error.public(), 1),
    };
    answer(status, error.public())
}

/// Why an invocation did not start.
pub(super) fn rejected(rejected: Rejected) -> Response {
    let status = match rejected {
        Rejected::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Rejected::OverRate { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    answer_later(status, &rejected.to_string(), rejected.retry_after())
}

/// Whether a `wasi:http` guest ended well, so that its response stands.
pub(super) fn is_answered(outcome: &Outcome) -> bool {
    matches!(outcome.ending, Ending::Http)
}

fn answered(response: event::Response) -> Response {
    let event::Response { status, content_type, attributes, data } = response;
    let mut answered = Response::new(Body::from(Bytes::from(data)));
    if let Some(status) = status {
        match StatusCode::from_u16(status) {
            Ok(status) if status.as_u16() >= 200 && status.as_u16() <= 599 => *answered.status_mut() = status,
            _ => return unfit(&format!("the status {status}")),
        }
    }
    if let Some(content_type) = content_type {
        let Ok(value) = HeaderValue::try_from(content_type) else { return unfit("the content type") };
        answered.headers_mut().insert(CONTENT_TYPE, value);
    }
    for (name, value) in attributes {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value)) else {
            return unfit(&format!("the header `{}`", printable(&name)));
        };
        if !OF_THE_CONNECTION.contains(&name) {
            answered.headers_mut().append(name, value);
        }
    }
    answered
}

fn unfit(what: &str) -> Response {
    answer(StatusCode::BAD_GATEWAY, &format!("the function answered with {what}, which HTTP does not allow"))
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
