//! Answers in gzip or brotli, for clients that accept it.

use std::convert::Infallible;
use std::future::ready;

use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use tower::{ServiceExt as _, service_fn};
use tower_http::compression::Compression;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use super::body::{Body, Response};

/// In bytes; below it a packet is sent either way. Bodies of unknown size are compressed.
const SMALLEST: u64 = 256;

/// Content types, by how they begin, that are compressed by nature. Images and gRPC are known to the library.
const DENSE: [&str; 8] = [
    "audio/",
    "video/",
    "font/woff",
    "application/gzip",
    "application/pdf",
    "application/x-7z-compressed",
    "application/zip",
    "application/zstd",
];

/// What the client accepts: `None` when [`apply`] would change nothing.
pub fn accepted(head: &Parts) -> Option<HeaderValue> {
    if head.method == Method::HEAD { None } else { head.headers.get(ACCEPT_ENCODING).cloned() }
}

/// Compresses an answer as it streams: what has come is sent on whenever the body pauses. Left as they are: small, encoded and
/// partial answers, event streams, types that are dense already, and what `cache-control: no-transform` forbids.
pub async fn apply(accepted: HeaderValue, response: Response) -> Response {
    let predicate = SizeAbove::new(SMALLEST)
        .and(NotForContentType::GRPC)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::SSE)
        .and(worth_it);
    if !predicate.should_compress(&response) {
        return response;
    }
    let status = response.status();
    let mut request = Request::new(response);
    request.headers_mut().insert(ACCEPT_ENCODING, accepted);
    let inner = service_fn(|request: Request<Response>| ready(Ok::<_, Infallible>(request.into_body())));
    let Ok(mut response) = Compression::new(inner).compress_when(predicate).oneshot(request).await;
    // The library answers 406 to a client that refuses even the plain bytes, and would hide what the function answered.
    *response.status_mut() = status;
    if response.headers().contains_key(CONTENT_ENCODING) {
        weaken(response.headers_mut());
    }
    response.map(Body::stream)
}

fn worth_it(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let is_whole = !headers.contains_key(CONTENT_ENCODING) && !headers.contains_key(CONTENT_RANGE);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = text(CONTENT_TYPE);
    let is_dense = DENSE.iter().any(|dense| content_type.starts_with(dense));
    is_whole && !is_dense && !text(CACHE_CONTROL).contains("no-transform")
}

/// A strong entity tag names bytes, and these are others.
fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/")) else { return };
    if let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()) {
        headers.insert(ETAG, weak);
    }
}

#[cfg(test)]
mod tests;
