use std::future::poll_fn;
use std::io::Read as _;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY};
use http::{HeaderMap, HeaderValue, Request};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use super::{Body, Response, accepted, apply};
use crate::triggers::http::body::BodyError;

const TEXT: &str = "so it goes, again and again; ";

fn text() -> String {
    TEXT.repeat(100)
}

fn response(headers: &[(&'static str, &str)], body: String) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(body)));
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

async fn applied(accepted: &'static str, headers: &[(&'static str, &str)], body: String) -> Response {
    apply(HeaderValue::from_static(accepted), response(headers, body)).await
}

fn encoding(response: &Response) -> Option<&str> {
    response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap())
}

/// By the system's own `gzip`, so that the library is not checked with itself.
fn gunzip(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let input = std::fs::File::open(file.path()).unwrap();
    let gzip = Command::new("gzip").arg("-dc").stdin(input).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut text = String::new();
    let mut gzip = gzip.unwrap();
    gzip.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    gzip.wait().unwrap();
    text
}

#[tokio::test]
async fn the_best_encoding_that_the_client_accepts_is_taken() {
    let cases = [
        ("gzip", Some("gzip")),
        ("gzip, deflate, br", Some("br")),
        ("br;q=0.1, gzip", Some("gzip")),
        ("*", Some("br")),
        ("zstd, deflate", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("", None),
    ];
    for (accepted, expected) in cases {
        let response = applied(accepted, &[("content-type", "text/html")], text()).await;
        assert_eq!(encoding(&response), expected, "{accepted}");
        assert_eq!(response.headers()[VARY], "accept-encoding", "{accepted}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_the_text_again_once_unpacked() {
    let headers = [("content-length", "2900"), ("etag", "\"a\""), ("accept-ranges", "bytes")];
    let response = applied("gzip", &headers, text()).await;
    let expected = [(CONTENT_ENCODING, "gzip"), (ETAG, "W/\"a\""), (VARY, "accept-encoding")];
    let expected: HeaderMap = expected.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
    assert_eq!(*response.headers(), expected);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.len() < text().len() / 10, "{} bytes", body.len());
    assert_eq!(gunzip(&body), text());
}

#[tokio::test]
async fn what_gains_nothing_or_must_not_change_stays() {
    let cases: [&[(&'static str, &str)]; 10] = [
        &[("content-type", "image/png")],
        &[("content-type", "video/mp4")],
        &[("content-type", "font/woff2")],
        &[("content-type", "application/zip")],
        &[("content-type", "application/grpc")],
        &[("content-type", "text/event-stream")],
        &[("content-encoding", "zstd")],
        &[("content-range", "bytes 0-2899/10000")],
        &[("cache-control", "public, no-transform")],
        &[("etag", "W/\"a\""), ("content-encoding", "gzip")],
    ];
    for headers in cases {
        let before = response(headers, text());
        let after = applied("gzip", headers, text()).await;
        assert_eq!(after.headers(), before.headers());
        assert_eq!(after.into_body().collect().await.unwrap().to_bytes(), text());
    }
    assert_eq!(encoding(&applied("gzip", &[("content-type", "image/svg+xml")], text()).await), Some("gzip"));
}

#[tokio::test]
async fn the_smallest_answer_that_is_compressed_has_256_bytes() {
    assert_eq!(encoding(&applied("gzip", &[], "a".repeat(255)).await), None);
    assert_eq!(encoding(&applied("gzip", &[], "a".repeat(256)).await), Some("gzip"));
}

#[tokio::test]
async fn a_weak_tag_stays_weak() {
    let response = applied("gzip", &[("etag", "W/\"a\"")], text()).await;
    assert_eq!(response.headers()[ETAG], "W/\"a\"");
}

#[tokio::test]
async fn a_client_that_refuses_everything_gets_the_plain_answer() {
    let mut plain = response(&[], text());
    *plain.status_mut() = http::StatusCode::CREATED;
    let response = apply(HeaderValue::from_static("identity;q=0"), plain).await;
    assert_eq!((response.status(), encoding(&response)), (http::StatusCode::CREATED, None));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), text());
}

#[test]
fn a_head_request_accepts_nothing() {
    let of = |method| {
        let request = Request::builder().method(method).header(ACCEPT_ENCODING, "gzip").body(()).unwrap();
        accepted(&request.into_parts().0)
    };
    assert_eq!(of("GET").unwrap(), "gzip");
    assert_eq!(of("POST").unwrap(), "gzip");
    assert_eq!(of("HEAD"), None);
    assert_eq!(accepted(&Request::new(()).into_parts().0), None);
}

/// A body that comes piece by piece.
struct Slow(mpsc::Receiver<Result<Bytes, BodyError>>);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// What a body gives until it waits for more.
async fn available(body: &mut Body) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    poll_fn(|cx| {
        loop {
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) | Poll::Pending => return Poll::Ready(Ok(())),
            }
        }
    })
    .await?;
    Ok(bytes)
}

#[tokio::test]
async fn a_streamed_piece_is_readable_before_the_next_comes() {
    let (sender, receiver) = mpsc::channel(4);
    let response = apply(HeaderValue::from_static("gzip"), Response::new(Body::stream(Slow(receiver)))).await;
    assert_eq!(response.headers().get(CONTENT_LENGTH), None);
    let mut body = response.into_body();
    sender.send(Ok(Bytes::from("first, "))).await.unwrap();
    let mut sent = available(&mut body).await.unwrap();
    assert_eq!(gunzip(&sent), "first, ");
    sender.send(Ok(Bytes::from("second"))).await.unwrap();
    sent.extend(available(&mut body).await.unwrap());
    assert_eq!(gunzip(&sent), "first, second");
}

#[tokio::test]
async fn a_body_that_fails_midway_fails_compressed_too() {
    let (sender, receiver) = mpsc::channel(4);
    sender.send(Ok(Bytes::from(text()))).await.unwrap();
    sender.send(Err("the guest trapped".into())).await.unwrap();
    let response = apply(HeaderValue::from_static("gzip"), Response::new(Body::stream(Slow(receiver)))).await;
    let error = available(&mut response.into_body()).await.unwrap_err();
    assert_eq!(error.to_string(), "the guest trapped");
}
