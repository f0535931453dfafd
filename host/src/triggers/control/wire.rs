//! How operations travel: each is a POST to `/<name>`. What is asked is the body, in JSON; beside the content of an object it
//! is in the header [`ASKED`]. What is answered is the body, too; beside the content of an object it is in [`ANSWERED`].

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::{Problem, Result};

/// Pieces that wait for who takes them.
pub(super) const WAITING: usize = 4;
/// The socket's name in a data folder.
pub(super) const FILE: &str = "control.sock";
pub(super) const ASKED: HeaderName = HeaderName::from_static("faas-asked");
pub(super) const ANSWERED: HeaderName = HeaderName::from_static("faas-answered");
/// What a body of JSON may have: an event's data, in base64 or escaped.
pub(super) const JSON_BYTES: usize = 64 << 20;

pub(super) fn write(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Problem::invalid(format!("this cannot be sent: {error}")))
}

pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| other_version(&error))
}

/// Whoever is at the other end does not speak as this one does.
pub(super) fn other_version(error: &dyn std::fmt::Display) -> Problem {
    let version = env!("CARGO_PKG_VERSION");
    Problem::unavailable(format!(
        "the running host and this wasm-faas, {version}, do not understand each other ({error}): use the same version"
    ))
}

/// As a header's value, which cannot hold every character.
pub(super) fn header(value: &impl Serialize) -> Result<HeaderValue> {
    let text = STANDARD.encode(write(value)?);
    HeaderValue::from_str(&text).map_err(|error| Problem::invalid(format!("this cannot be sent: {error}")))
}

pub(super) fn from_header<T: DeserializeOwned>(headers: &HeaderMap, name: &HeaderName) -> Result<T> {
    let json = headers.get(name).and_then(|value| STANDARD.decode(value).ok());
    read(&json.ok_or_else(|| other_version(&format_args!("the header `{name}` is missing")))?)
}

/// The socket in a folder, by a path that is short enough for the system, for as long as this lives.
pub(super) struct Spot {
    pub(super) path: PathBuf,
    #[cfg(target_os = "linux")]
    _folder: std::fs::File,
}

impl Spot {
    /// A socket's path has at most 107 bytes, a folder's more. An open folder has a short path of its own on Linux.
    #[cfg(target_os = "linux")]
    pub(super) fn of(folder: &Path) -> std::io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        let folder = std::fs::File::open(folder)?;
        let path = format!("/proc/self/fd/{}/{FILE}", folder.as_raw_fd()).into();
        Ok(Self { path, _folder: folder })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(folder: &Path) -> std::io::Result<Self> {
        Ok(Self { path: folder.join(FILE) })
    }
}

/// A piece of what is sent while it comes.
pub enum Piece {
    Data(Bytes),
    /// All of it is there.
    End,
}

/// A body that is sent as its pieces come. One that ends without [`Piece::End`] breaks its connection off.
pub(super) struct Pieces(pub(super) mpsc::Receiver<Piece>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.0.poll_recv(cx) {
            Poll::Ready(Some(Piece::Data(data))) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Poll::Ready(Some(Piece::End)) => Poll::Ready(None),
            Poll::Ready(None) => Poll::Ready(Some(Err(io::Error::other("it was given up")))),
            Poll::Pending => Poll::Pending,
        }
    }
}
