//! Files of a folder, and what they have in common with the objects of a container (`container.rs`).

use std::io;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::spawn_blocking;
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, File as BackendFile};

use super::answer::{answer, method_not_allowed};
use super::body::{Body, Response};

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve files from `{}`: {source}", folder.display())]
pub struct FilesError {
    folder: PathBuf,
    source: io::Error,
}

/// Serves the files of a folder: GET and HEAD, ranges, conditions, `index.html` for a folder, no listing.
///
/// A link is followed within the folder and is as good as absent when it leads out of it. Names that begin with a dot are
/// absent too, but for `.well-known`, and so is what is neither file nor folder.
pub struct Files {
    service: ServeDir<NoFallback, Folder>,
}

type NoFallback = tower_http::services::fs::DefaultServeDirFallback;

impl Files {
    /// The folder is opened anew for each request, so that another may take its place.
    pub fn new(folder: &Path) -> Result<Self, FilesError> {
        Dir::open_ambient_dir(folder, ambient_authority())
            .map_err(|source| FilesError { folder: folder.into(), source })?;
        let service = ServeDir::with_backend("", Folder(folder.into())).ignore_multi_range_requests(true);
        Ok(Self { service })
    }

    /// `rest` is what the route's wildcard matched, with percent signs decoded.
    pub async fn serve(&self, head: &Parts, rest: &str) -> Response {
        if rest.is_empty() && !head.uri.path().ends_with('/') {
            return to_folder(head);
        }
        let response = self.call(head, rest, true).await;
        if range_holds(&head.headers, response.headers()) { response } else { self.call(head, rest, false).await }
    }

    async fn call(&self, head: &Parts, rest: &str, with_range: bool) -> Response {
        let Ok(uri) = Uri::try_from(format!("/{}", utf8_percent_encode(rest, NOT_PLAIN))) else {
            return answer(StatusCode::NOT_FOUND, ABSENT);
        };
        let mut request = Request::new(Body::empty());
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = head.headers.clone();
        if !with_range {
            request.headers_mut().remove(RANGE);
        }
        match self.service.clone().try_call(request).await {
            Ok(response) => finish(head, response.map(Body::stream)),
            Err(error) => failed(&error),
        }
    }
}

const ABSENT: &str = "no such file";

/// The methods that a file answers.
pub(super) const READS: &str = "GET, HEAD";

/// What is encoded again for the library, which decodes once.
pub(super) const NOT_PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/');

/// The library's answer with our texts.
fn finish(head: &Parts, response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND => answer(StatusCode::NOT_FOUND, ABSENT),
        StatusCode::METHOD_NOT_ALLOWED => method_not_allowed(READS),
        StatusCode::PRECONDITION_FAILED => answer(StatusCode::PRECONDITION_FAILED, "the file is another by now"),
        StatusCode::RANGE_NOT_SATISFIABLE => out_of_range(response.headers()),
        StatusCode::TEMPORARY_REDIRECT => to_folder(head),
        _ => with_charset(response),
    }
}

/// Text is UTF-8 for whoever says nothing else; browsers would guess another.
fn with_charset(mut response: Response) -> Response {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = content_type.filter(|text| text.starts_with("text/") && !text.contains(';'));
    if let Some(Ok(text)) = text.map(|text| HeaderValue::from_str(&format!("{text}; charset=utf-8"))) {
        response.headers_mut().insert(CONTENT_TYPE, text);
    }
    response
}

fn failed(error: &io::Error) -> Response {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => answer(StatusCode::NOT_FOUND, ABSENT),
        _ => answer(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read"),
    }
}

/// 416, with the size and the tag that `headers` tell.
pub(super) fn out_of_range(headers: &HeaderMap) -> Response {
    let mut response = answer(StatusCode::RANGE_NOT_SATISFIABLE, "the range begins after the end");
    for name in [CONTENT_RANGE, ETAG] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Whether the request's range means the content that `answer` is about: `If-Range` says which the client has a part of.
pub(super) fn range_holds(request: &HeaderMap, answer: &HeaderMap) -> bool {
    let Some(known) = request.get(IF_RANGE) else { return true };
    [ETAG, LAST_MODIFIED].iter().any(|name| answer.get(name) == Some(known))
}

/// Sends the client from `/docs` to `/docs/`, or the page's relative links would miss.
///
/// Relative, by its last segment, because what stands before it is known to the client alone (a proxy may have removed some)
/// and must not be taken for a host (`//example.com`).
pub(super) fn to_folder(head: &Parts) -> Response {
    let last = head.uri.path().rsplit('/').next().unwrap_or_default();
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = answer(StatusCode::TEMPORARY_REDIRECT, "a folder's path ends with a slash");
    if let Ok(location) = HeaderValue::from_str(&format!("./{last}/{query}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Opens what is below one folder.
#[derive(Clone)]
struct Folder(PathBuf);

type Opening<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Folder {
    fn open_sync(&self, path: &Path) -> io::Result<std::fs::File> {
        if path.components().any(is_hidden) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let folder = Dir::open_ambient_dir(&self.0, ambient_authority())?;
        // Opening a named pipe would wait for its writer.
        let options = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).clone();
        let file = folder.open_with(path, &options).map_err(absent)?.into_std();
        let kind = file.metadata()?.file_type();
        if kind.is_file() || kind.is_dir() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    async fn open_file(self, path: PathBuf) -> io::Result<std::fs::File> {
        spawn_blocking(move || self.open_sync(&path)).await?
    }
}

fn is_hidden(segment: Component<'_>) -> bool {
    matches!(segment, Component::Normal(name) if name.as_encoded_bytes().starts_with(b".") && name != ".well-known")
}

/// Paths that cannot exist, and sockets, are as absent as what does not exist.
fn absent(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::NAMETOOLONG | Errno::NOTDIR | Errno::NXIO) => io::ErrorKind::NotFound.into(),
        _ => error,
    }
}

impl Backend for Folder {
    type File = File;
    type Metadata = std::fs::Metadata;
    type OpenFuture = Opening<File>;
    type MetadataFuture = Opening<std::fs::Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let opening = self.clone().open_file(path);
        Box::pin(async move { Ok(File(tokio::fs::File::from_std(opening.await?))) })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let opening = self.clone().open_file(path);
        Box::pin(async move { opening.await?.metadata() })
    }
}

/// An open file, as the library asks for it.
struct File(tokio::fs::File);

impl BackendFile for File {
    type Metadata = std::fs::Metadata;
    type MetadataFuture<'a> = Pin<Box<dyn Future<Output = io::Result<std::fs::Metadata>> + Send + 'a>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        Box::pin(self.0.metadata())
    }
}

impl AsyncRead for File {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncSeek for File {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(cx)
    }
}

#[cfg(test)]
mod tests;
