//! `--request`: an HTTP request from the command line.

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};

use crate::engine::HttpBody;
use crate::event::{HttpRequest, Pairs};

/// Reads `GET /path?query`; the method may be left out.
pub(super) fn parse(text: &str) -> Result<Request<()>, String> {
    let expected = || format!("`{text}` is no request: expected a method and a path, such as `GET /users?page=2`");
    let (method, path) = text.split_once(' ').unwrap_or(("GET", text));
    let method: Method = method.parse().map_err(|_| expected())?;
    if !path.starts_with('/') {
        return Err(expected());
    }
    let uri: Uri = format!("http://localhost{path}").parse().map_err(|_| expected())?;
    Request::builder().method(method).uri(uri).body(()).map_err(|_| expected())
}

/// The same request with a body.
pub(super) fn with_body(request: &Request<()>, body: &str) -> Request<HttpBody> {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let length = bytes.len();
    let mut with_body = request.clone().map(|()| Full::new(bytes).map_err(|never| match never {}).boxed_unsync());
    with_body.headers_mut().insert(http::header::HOST, http::HeaderValue::from_static("localhost"));
    if length > 0 {
        with_body.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    }
    with_body
}

/// The request as a handler sees it.
pub(super) fn to_event(request: &Request<()>) -> HttpRequest {
    let uri = request.uri();
    HttpRequest {
        method: request.method().to_string(),
        path: uri.path().to_owned(),
        route: None,
        parameters: Vec::new(),
        query: query(uri.query().unwrap_or_default()),
        headers: vec![("host".into(), "localhost".into())],
    }
}

/// The pairs of a query, `+` and percent signs decoded as browsers write them.
fn query(text: &str) -> Pairs {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
