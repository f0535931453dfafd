use http::header::{CONTENT_TYPE, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, request::Parts};

use super::Match;
use crate::event::{Event, HttpRequest, Pairs, Trigger};

/// The host that the request is for, without its port.
pub(super) fn host<B>(request: &Request<B>) -> Option<&str> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST)?.to_str().ok()?,
    };
    let without_port = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    (!without_port.is_empty()).then_some(without_port)
}

/// A copy without the body.
pub(super) fn head<B>(request: &Request<B>) -> Parts {
    let mut head = Request::new(()).into_parts().0;
    head.method = request.method().clone();
    head.uri = request.uri().clone();
    head.version = request.version();
    head.headers = request.headers().clone();
    head
}

pub(super) fn wants_websocket<B>(request: &Request<B>) -> bool {
    let upgrade = request.headers().get(UPGRADE);
    upgrade.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The request as a handler sees it.
pub(super) fn event(head: &Parts, data: Vec<u8>, function: &str, matched: &mut Match) -> Event {
    let content_type = head.headers.get(CONTENT_TYPE).map(text);
    let query = head.uri.query().map(query).unwrap_or_default();
    let request = HttpRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        route: Some(matched.route.trigger.path.clone()),
        parameters: std::mem::take(&mut matched.parameters),
        query,
        headers: headers(&head.headers),
    };
    let id = ulid::Ulid::generate();
    Event {
        id: id.to_string(),
        source: format!("/http/{function}"),
        kind: "faas.http.request".to_owned(),
        subject: None,
        // The clock was read for the id.
        time_ms: id.timestamp_ms(),
        content_type,
        attributes: Vec::new(),
        trigger: Trigger::Http(request),
        data,
    }
}

fn headers(headers: &HeaderMap) -> Pairs {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// Bytes that are no UTF-8 become replacement characters.
fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The pairs of a query, `+` and percent signs decoded as browsers write them.
fn query(text: &str) -> Pairs {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
