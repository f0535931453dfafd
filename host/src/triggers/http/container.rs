//! Objects of a blob container.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RANGE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};

use super::answer::{answer, answer_later, method_not_allowed};
use super::body::{Body, Response};
use super::files::{READS, out_of_range, range_holds, to_folder};
use crate::config::{Grant, Right, Service};
use crate::services::blob::{self, ObjectInfo, Reader};
use crate::services::{Error, Result};

/// What is read of an object at once, in bytes: what an open answer holds in memory.
const PIECE: usize = 256 << 10;

/// Serves the objects of one container: GET and HEAD, one range, `If-None-Match`; `index.html` for a key that is empty or ends
/// with a slash.
pub struct Container(blob::Container);

impl Container {
    /// [`Error::NotFound`] when the container was not provisioned.
    pub async fn open(backend: Arc<dyn blob::Backend>, name: &str) -> Result<Self> {
        let grant = Grant::new(Service::Blob, name, &[Right::Read]);
        Ok(Self(blob::Container::open(backend, grant).await?))
    }

    /// `rest` is what the route's wildcard matched, with percent signs decoded.
    pub async fn serve(&self, head: &Parts, rest: &str) -> Response {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return method_not_allowed(READS);
        }
        if rest.is_empty() && !head.uri.path().ends_with('/') {
            return to_folder(head);
        }
        let index = if rest.is_empty() || rest.ends_with('/') { "index.html" } else { "" };
        let key = format!("{rest}{index}");
        self.find(head, &key).await.unwrap_or_else(|error| failed(&error))
    }

    async fn find(&self, head: &Parts, key: &str) -> Result<Response> {
        let is_plain = !head.headers.contains_key(RANGE) && !head.headers.contains_key(IF_NONE_MATCH);
        if head.method == Method::GET && is_plain {
            return Ok(whole(self.0.reader(key, None).await?));
        }
        let info = self.0.head(key).await?.ok_or(Error::NotFound)?;
        let headers = describe(&info);
        if is_known(&head.headers, &info.etag) {
            return Ok(respond(StatusCode::NOT_MODIFIED, headers, Body::empty()));
        }
        if head.method == Method::HEAD {
            return Ok(sized(StatusCode::OK, headers, info.size, Body::empty()));
        }
        let range = range_holds(&head.headers, &headers).then(|| head.headers.get(RANGE)).flatten();
        match range.map_or(Wanted::Whole, |range| Wanted::of(range, info.size)) {
            Wanted::Whole => Ok(whole(self.0.reader(key, None).await?)),
            Wanted::Part(part) => self.part(key, &info, part).await,
            Wanted::Nothing => Ok(out_of_range(&with_range(headers, &format!("bytes */{}", info.size)))),
        }
    }

    async fn part(&self, key: &str, info: &ObjectInfo, part: Range<u64>) -> Result<Response> {
        let length = part.end - part.start;
        let reader = self.0.reader(key, Some(blob::Range { start: part.start, length: Some(length) })).await;
        match reader {
            Ok(reader) if reader.info().etag == info.etag => {
                let range = format!("bytes {}-{}/{}", part.start, part.end - 1, info.size);
                let headers = with_range(describe(info), &range);
                Ok(sized(StatusCode::PARTIAL_CONTENT, headers, length, Body::stream(Pieces::new(reader, length))))
            }
            // Replaced since its size was looked up; the whole is a right answer to any range.
            Ok(_) | Err(Error::Invalid(_)) => Ok(whole(self.0.reader(key, None).await?)),
            Err(error) => Err(error),
        }
    }
}

fn whole(reader: Box<dyn Reader>) -> Response {
    let (headers, size) = (describe(reader.info()), reader.info().size);
    sized(StatusCode::OK, headers, size, Body::stream(Pieces::new(reader, size)))
}

fn describe(info: &ObjectInfo) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content_type = info.content_type.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", info.etag)) {
        headers.insert(ETAG, etag);
    }
    headers
}

fn with_range(mut headers: HeaderMap, range: &str) -> HeaderMap {
    if let Ok(range) = HeaderValue::from_str(range) {
        headers.insert(CONTENT_RANGE, range);
    }
    headers
}

fn sized(status: StatusCode, mut headers: HeaderMap, length: u64, body: Body) -> Response {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    respond(status, headers, body)
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Whether the client has the object already, compared weakly (RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| {
        let quoted = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(etag)
    })
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Also for several ranges, other units and what cannot be read: they may be ignored (RFC 9110, 14.2).
    Whole,
    Part(Range<u64>),
    Nothing,
}

impl Wanted {
    fn of(header: &HeaderValue, size: u64) -> Self {
        let Some(range) = header.to_str().ok().and_then(|text| text.strip_prefix("bytes=")) else { return Self::Whole };
        let Some((first, last)) = range.trim().split_once('-') else { return Self::Whole };
        let part = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            (Some(first), None) if last.is_empty() => first..size,
            (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
            _ => return Self::Whole,
        };
        if part.start < part.end { Self::Part(part) } else { Self::Nothing }
    }
}

/// Digits alone: `parse` takes a sign too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn failed(error: &Error) -> Response {
    match error {
        // A key that no object can have is as absent as one that none has.
        Error::NotFound | Error::Invalid(_) | Error::TooLarge(_) => answer(StatusCode::NOT_FOUND, "no such object"),
        Error::Unavailable(_) | Error::UnknownOutcome(_) => unavailable(1),
        Error::Throttled(wait_ms) => unavailable(wait_ms.div_ceil(1000).max(1)),
        Error::AccessDenied(_) | Error::Conflict(_) | Error::LeaseLost | Error::Unsupported(_) => {
            answer(StatusCode::INTERNAL_SERVER_ERROR, "the object cannot be read")
        }
    }
}

fn unavailable(seconds: u64) -> Response {
    answer_later(StatusCode::SERVICE_UNAVAILABLE, "the container is unavailable, try again", seconds)
}

type Reading = Pin<Box<dyn Future<Output = (Box<dyn Reader>, Result<Vec<u8>>)> + Send>>;

/// A body that reads on when it is asked to.
pub(in crate::triggers) struct Pieces {
    /// `None` at the end.
    reading: Option<Reading>,
    /// In bytes; what is still to come.
    left: u64,
}

impl Pieces {
    pub(in crate::triggers) fn new(reader: Box<dyn Reader>, length: u64) -> Self {
        Self { reading: (length > 0).then(|| read(reader)), left: length }
    }
}

fn read(mut reader: Box<dyn Reader>) -> Reading {
    Box::pin(async move {
        let piece = reader.read(PIECE).await;
        (reader, piece)
    })
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    /// A reader that ends early is an error, or a part would pass for the whole.
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let (reader, piece) = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        let piece = match piece {
            Ok(piece) if piece.is_empty() => Err(Error::Unavailable("the object ended early".into())),
            other => other,
        }?;
        self.left = self.left.saturating_sub(piece.len() as u64);
        self.reading = (self.left > 0).then(|| read(reader));
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.reading.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests;
