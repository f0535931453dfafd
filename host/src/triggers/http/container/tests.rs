use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Request};
use http_body_util::BodyExt as _;
use insta::assert_snapshot;
use percent_encoding::utf8_percent_encode;

use super::{Container, PIECE, Wanted, blob, failed};
use crate::config::Resources;
use crate::services::blob::{Condition, Listing, ObjectInfo, PutOptions, Reader, Writer};
use crate::services::{Clock, Error, Result, memory};
use crate::triggers::http::body::Response;
use crate::triggers::http::files::NOT_PLAIN;

/// A served container and the backend it is in.
struct Site {
    backend: Arc<dyn blob::Backend>,
    container: Container,
}

impl Site {
    async fn new() -> Self {
        let resources = Resources { containers: BTreeSet::from(["site".to_owned()]), ..Resources::default() };
        let backend = memory::open(&resources, Clock::default()).unwrap().blob;
        let site = Self { container: Container::open(Arc::clone(&backend), "site").await.unwrap(), backend };
        for (key, text) in [
            ("index.html", "<p>home"),
            ("docs/index.html", "<p>docs"),
            ("hello world.txt", "hello, world"),
            ("50%.txt", "half"),
            ("empty", ""),
        ] {
            site.put(key, text.as_bytes().to_vec()).await;
        }
        site
    }

    async fn put(&self, key: &str, data: Vec<u8>) -> ObjectInfo {
        let content_type = key.ends_with(".html").then(|| "text/html; charset=utf-8".to_owned());
        let options = PutOptions { content_type, ..PutOptions::default() };
        self.backend.put("site", key, data, options).await.unwrap()
    }

    async fn etag(&self, key: &str) -> String {
        format!("\"{}\"", self.backend.head("site", key).await.unwrap().unwrap().etag)
    }

    async fn ask(&self, method: &str, rest: &str, headers: &[(&str, &str)]) -> Response {
        ask(&self.container, method, rest, headers).await
    }

    async fn get(&self, rest: &str, headers: &[(&str, &str)]) -> String {
        shown(self.ask("GET", rest, headers).await).await
    }
}

async fn ask(container: &Container, method: &str, rest: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(uri(rest));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    container.serve(&request.body(()).unwrap().into_parts().0, rest).await
}

fn uri(rest: &str) -> String {
    format!("/files/{}", utf8_percent_encode(rest, NOT_PLAIN))
}

/// Status, headers with the etag's presence alone, and body.
async fn shown(response: Response) -> String {
    let (parts, body) = response.into_parts();
    let mut lines = vec![parts.status.as_u16().to_string()];
    lines.extend(parts.headers.iter().map(|(name, value)| match name.as_str() {
        "etag" => "etag: ..".to_owned(),
        _ => format!("{name}: {}", value.to_str().unwrap()),
    }));
    lines.push(String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap());
    lines.join("\n")
}

#[tokio::test]
async fn an_object_comes_with_its_type() {
    let site = Site::new().await;
    assert_snapshot!(site.get("hello world.txt", &[]).await, @r"
    200
    content-type: application/octet-stream
    accept-ranges: bytes
    etag: ..
    content-length: 12
    hello, world
    ");
    assert!(site.get("50%.txt", &[]).await.ends_with("half"));
    assert!(site.get("empty", &[]).await.contains("content-length: 0"));
}

#[tokio::test]
async fn a_key_that_is_empty_or_ends_with_a_slash_is_its_index() {
    let site = Site::new().await;
    assert_snapshot!(site.get("", &[]).await, @r"
    200
    content-type: text/html; charset=utf-8
    accept-ranges: bytes
    etag: ..
    content-length: 7
    <p>home
    ");
    assert!(site.get("docs/", &[]).await.ends_with("<p>docs"));
    let request = Request::get("/files").body(()).unwrap().into_parts().0;
    assert_snapshot!(shown(site.container.serve(&request, "").await).await, @r"
    307
    content-type: text/plain; charset=utf-8
    location: ./files/
    a folder's path ends with a slash
    ");
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let site = Site::new().await;
    assert_snapshot!(site.get("nowhere", &[]).await, @r"
    404
    content-type: text/plain; charset=utf-8
    no such object
    ");
    let long = "a".repeat(2000);
    for rest in ["docs", "../site", "a/../b", "a\0b", "\u{FFFD}", &long, "nowhere/"] {
        assert!(site.get(rest, &[]).await.starts_with("404"), "{rest}");
        assert_eq!(site.ask("HEAD", rest, &[]).await.status(), 404, "{rest}");
    }
}

#[tokio::test]
async fn head_answers_without_the_body() {
    let site = Site::new().await;
    assert_snapshot!(shown(site.ask("HEAD", "hello world.txt", &[("range", "bytes=0-1")]).await).await, @r"
    200
    content-type: application/octet-stream
    accept-ranges: bytes
    etag: ..
    content-length: 12
    ");
}

#[tokio::test]
async fn other_methods_are_refused() {
    let site = Site::new().await;
    assert_snapshot!(shown(site.ask("PUT", "hello world.txt", &[]).await).await, @r"
    405
    content-type: text/plain; charset=utf-8
    allow: GET, HEAD
    this path takes GET, HEAD
    ");
}

#[tokio::test]
async fn a_known_object_is_not_sent_again() {
    let site = Site::new().await;
    let etag = site.etag("index.html").await;
    assert_snapshot!(site.get("", &[("if-none-match", &etag)]).await, @r"
    304
    content-type: text/html; charset=utf-8
    accept-ranges: bytes
    etag: ..
    ");
    let status = async |tags: &str| site.ask("GET", "", &[("if-none-match", tags)]).await.status().as_u16();
    assert_eq!(status("*").await, 304);
    assert_eq!(status(&format!("\"a\", W/{etag}")).await, 304);
    assert_eq!(status("\"a\"").await, 200);
    assert_eq!(status(etag.trim_matches('"')).await, 200, "a tag has quotes");
    site.put("index.html", b"<p>home".to_vec()).await;
    assert_eq!(status(&etag).await, 200);
}

#[tokio::test]
async fn a_range_is_answered_with_that_part() {
    let site = Site::new().await;
    let ranged = async |range: &str| site.get("hello world.txt", &[("range", range)]).await;
    assert_snapshot!(ranged("bytes=7-").await, @r"
    206
    content-type: application/octet-stream
    accept-ranges: bytes
    etag: ..
    content-range: bytes 7-11/12
    content-length: 5
    world
    ");
    assert!(ranged("bytes=0-4").await.ends_with("\nhello"));
    assert!(ranged("bytes=-5").await.ends_with("\nworld"));
    assert!(ranged("bytes=0-1,4-5").await.starts_with("200"));
    assert_snapshot!(ranged("bytes=12-").await, @r"
    416
    content-type: text/plain; charset=utf-8
    content-range: bytes */12
    etag: ..
    the range begins after the end
    ");
}

#[tokio::test]
async fn a_range_of_other_content_is_answered_with_the_whole() {
    let site = Site::new().await;
    let etag = site.etag("hello world.txt").await;
    let status = async |known: &str| {
        site.ask("GET", "hello world.txt", &[("range", "bytes=7-"), ("if-range", known)]).await.status().as_u16()
    };
    assert_eq!(status(&etag).await, 206);
    assert_eq!(status("\"another\"").await, 200);
}

#[test]
fn ranges_are_read_as_the_standard_has_it() {
    let of = |text| Wanted::of(&HeaderValue::from_static(text), 10);
    for (text, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=2-5", 2..6),
        ("bytes=2-99", 2..10),
        ("bytes=2-18446744073709551615", 2..10),
        ("bytes=9-", 9..10),
        ("bytes=-3", 7..10),
        ("bytes=-99", 0..10),
    ] {
        assert_eq!(of(text), Wanted::Part(part), "{text}");
    }
    for text in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
        assert_eq!(of(text), Wanted::Nothing, "{text}");
    }
    for text in ["bytes=5-2", "bytes=+1-2", "bytes=a-b", "bytes=-", "bytes=", "bytes", "lines=1-2", "bytes=1-2,4-5"] {
        assert_eq!(of(text), Wanted::Whole, "{text}");
    }
    assert_eq!(Wanted::of(&HeaderValue::from_static("bytes=0-"), 0), Wanted::Nothing);
    assert_eq!(Wanted::of(&HeaderValue::from_static("bytes=-5"), 0), Wanted::Nothing);
}

#[tokio::test]
async fn a_large_object_comes_in_pieces() {
    let site = Site::new().await;
    let bytes: Vec<u8> = (0_u32..200_000).flat_map(u32::to_le_bytes).collect();
    site.put("large", bytes.clone()).await;
    let mut body = site.ask("GET", "large", &[]).await.into_body();
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        pieces.push(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(pieces.iter().map(bytes::Bytes::len).collect::<Vec<_>>(), [PIECE, PIECE, PIECE, 800_000 - 3 * PIECE]);
    assert_eq!(pieces.concat(), bytes);
}

#[tokio::test]
async fn a_container_must_be_there() {
    let site = Site::new().await;
    assert_eq!(Container::open(site.backend, "nowhere").await.map(|_| ()).unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn failures_have_their_status() {
    let told = async |error| shown(failed(&error)).await;
    assert_snapshot!(told(Error::Unavailable("disk full".into())).await, @r"
    503
    content-type: text/plain; charset=utf-8
    retry-after: 1
    the container is unavailable, try again
    ");
    assert_snapshot!(told(Error::Throttled(2500)).await, @r"
    503
    content-type: text/plain; charset=utf-8
    retry-after: 3
    the container is unavailable, try again
    ");
    assert_snapshot!(told(Error::Unsupported("range".into())).await, @r"
    500
    content-type: text/plain; charset=utf-8
    the object cannot be read
    ");
}

/// Changes every object between its `head` and its reader, and ends each reader early when `cuts`.
struct Fickle {
    inner: Arc<dyn blob::Backend>,
    cuts: bool,
}

struct Cut(ObjectInfo);

#[async_trait]
impl Reader for Cut {
    fn info(&self) -> &ObjectInfo {
        &self.0
    }

    async fn read(&mut self, _: usize) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl blob::Backend for Fickle {
    async fn container_exists(&self, container: &str) -> Result<bool> {
        self.inner.container_exists(container).await
    }

    async fn head(&self, container: &str, key: &str) -> Result<Option<ObjectInfo>> {
        let info = self.inner.head(container, key).await;
        self.put(container, key, b"new".to_vec(), PutOptions::default()).await?;
        info
    }

    async fn put(&self, container: &str, key: &str, data: Vec<u8>, options: PutOptions) -> Result<ObjectInfo> {
        self.inner.put(container, key, data, options).await
    }

    async fn reader(&self, container: &str, key: &str, range: Option<blob::Range>) -> Result<Option<Box<dyn Reader>>> {
        let reader = self.inner.reader(container, key, range).await?;
        Ok(reader.map(|reader| if self.cuts { Box::new(Cut(reader.info().clone())) } else { reader }))
    }

    async fn writer(&self, container: &str, key: &str, options: PutOptions) -> Result<Box<dyn Writer>> {
        self.inner.writer(container, key, options).await
    }

    async fn copy(&self, container: &str, source: &str, destination: &str, when: Condition) -> Result<ObjectInfo> {
        self.inner.copy(container, source, destination, when).await
    }

    async fn delete(&self, container: &str, key: &str, when: Condition) -> Result<bool> {
        self.inner.delete(container, key, when).await
    }

    async fn list(
        &self,
        container: &str,
        prefix: &str,
        delimiter: Option<char>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listing> {
        self.inner.list(container, prefix, delimiter, after, limit).await
    }
}

async fn fickle(cuts: bool) -> Container {
    let inner = Site::new().await.backend;
    Container::open(Arc::new(Fickle { inner, cuts }), "site").await.unwrap()
}

#[tokio::test]
async fn a_range_of_an_object_replaced_meanwhile_is_answered_with_the_whole() {
    for range in ["bytes=1-2", "bytes=7-"] {
        let response = ask(&fickle(false).await, "GET", "hello world.txt", &[("range", range)]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-length"], "3");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "new");
    }
}

#[tokio::test]
async fn an_object_that_ends_early_is_an_error() {
    let response = ask(&fickle(true).await, "GET", "hello world.txt", &[]).await;
    let error = response.into_body().collect().await.unwrap_err();
    assert_snapshot!(error, @"unavailable: the object ended early");
}
