use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use super::body::{Body, Response};

/// An answer of the host itself: one line for whoever asked.
pub(super) fn answer(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The same, with the seconds after which it is worth to try again.
pub(super) fn answer_later(status: StatusCode, text: &str, seconds: u64) -> Response {
    let mut response = answer(status, text);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

pub(super) fn method_not_allowed(allowed: &str) -> Response {
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, &format!("this path takes {allowed}"));
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
