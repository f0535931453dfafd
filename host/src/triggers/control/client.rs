use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::wire::{self, ANSWERED, ASKED, FILE, JSON_BYTES, Piece, Pieces, Spot, WAITING};
use super::{BlobGet, BlobPut, Control, KvWatch, Object, Operation, Problem, Result, Seen, blob};
use crate::services::blob::{CHUNK_BYTES, Reader, Writer};

/// Has operations done: here, or by the host that has the store.
pub enum Client {
    Here(Arc<Control>),
    Host(Host),
}

/// A host that listens at the socket of its data folder.
pub struct Host {
    folder: PathBuf,
}

impl Client {
    /// The host that listens in a data folder, `None` when there is none.
    pub async fn of_host(folder: &Path) -> io::Result<Option<Self>> {
        let host = Host { folder: folder.to_owned() };
        match host.connect().await {
            Ok(_) => Ok(Some(Self::Host(host))),
            // What a host left behind that was killed.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub async fn call<O: Operation>(&self, operation: O) -> Result<O::Answer> {
        match self {
            Self::Here(control) => operation.run(control).await,
            Self::Host(host) => {
                let body = Full::from(wire::write(&operation)?);
                let answer = host.ask(O::NAME, Request::new(sendable(body))).await?;
                wire::read(&whole(answer.into_body()).await?)
            }
        }
    }

    /// What is known of an object, and its content.
    pub async fn get(&self, asked: BlobGet) -> Result<(Object, Download)> {
        match self {
            Self::Here(control) => {
                let reader = asked.open(control).await?;
                Ok((reader.info().clone().into(), Download::Here(reader)))
            }
            Self::Host(host) => {
                let body = Full::from(wire::write(&asked)?);
                let answer = host.ask(BlobGet::NAME, Request::new(sendable(body))).await?;
                let object = wire::from_header(answer.headers(), &ANSWERED)?;
                Ok((object, Download::Host(answer.into_body())))
            }
        }
    }

    /// Looks on while keys change.
    pub async fn watch(&self, asked: KvWatch) -> Result<Watched> {
        match self {
            Self::Here(_) => Err(Problem::unavailable("nothing changes while no host runs")),
            Self::Host(host) => {
                let body = Full::from(wire::write(&asked)?);
                let answer = host.ask(KvWatch::NAME, Request::new(sendable(body))).await?;
                Ok(Watched { body: answer.into_body(), came: BytesMut::new() })
            }
        }
    }

    /// Begins an object, which is there when the upload is finished, and not before.
    pub async fn put(&self, asked: BlobPut) -> Result<Upload> {
        match self {
            Self::Here(control) => {
                let (container, key) = (asked.container.clone(), asked.key.clone());
                Ok(Upload::Here { writer: asked.open(control).await?, container, key })
            }
            Self::Host(host) => {
                let (pieces, body) = mpsc::channel(WAITING);
                let mut request = Request::new(Pieces(body).boxed_unsync());
                request.headers_mut().insert(ASKED, wire::header(&asked)?);
                let host = Host { folder: host.folder.clone() };
                let answer = tokio::spawn(async move { host.ask(BlobPut::NAME, request).await });
                Ok(Upload::Host { pieces, answer })
            }
        }
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Host {
    async fn connect(&self) -> io::Result<UnixStream> {
        let spot = Spot::of(&self.folder)?;
        UnixStream::connect(&spot.path).await
    }

    /// The answer to a request; what the host refused is the problem it told.
    async fn ask(&self, name: &str, mut request: Request<Body>) -> Result<Response<Incoming>> {
        let lost = |error: &dyn std::fmt::Display| {
            let path = self.folder.join(FILE);
            Problem::unavailable(format!("the host at `{}` does not answer: {error}", path.display()))
        };
        let stream = self.connect().await.map_err(|error| lost(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
        tokio::spawn(connection);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = format!("/{name}").parse().map_err(|error| lost(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| lost(&error))?;
        if answer.status() == StatusCode::OK {
            return Ok(answer);
        }
        Err(wire::read(&whole(answer.into_body()).await?)?)
    }
}

fn sendable(body: Full<Bytes>) -> Body {
    body.map_err(|never| match never {}).boxed_unsync()
}

async fn whole(body: Incoming) -> Result<Bytes> {
    let came = http_body_util::Limited::new(body, JSON_BYTES).collect().await;
    Ok(came.map_err(broken_off)?.to_bytes())
}

fn broken_off(error: impl std::fmt::Display) -> Problem {
    Problem::unavailable(format!("the host broke off in the middle of its answer: {error}"))
}

/// What a host tells of keys that change, each in a line of JSON.
pub struct Watched {
    body: Incoming,
    /// What is not taken yet.
    came: BytesMut,
}

impl Watched {
    /// The next change; `None` when the host has ended.
    pub async fn next(&mut self) -> Result<Option<Seen>> {
        loop {
            if let Some(end) = self.came.iter().position(|byte| *byte == b'\n') {
                return wire::read(&self.came.split_to(end + 1)).map(Some);
            }
            // A host that ends breaks its answer off.
            let Some(Ok(frame)) = self.body.frame().await else { return Ok(None) };
            self.came.extend(frame.into_data().iter().flatten());
        }
    }
}

/// The content of an object on its way here.
pub enum Download {
    Here(Box<dyn Reader>),
    Host(Incoming),
}

impl Download {
    /// The next piece, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Here(reader) => {
                let piece = reader.read(CHUNK_BYTES).await;
                let piece = piece.map_err(|error| Problem::of(&format!("object `{}`", reader.info().key), &error))?;
                Ok((!piece.is_empty()).then(|| piece.into()))
            }
            Self::Host(body) => loop {
                let Some(frame) = body.frame().await else { return Ok(None) };
                if let Ok(data) = frame.map_err(broken_off)?.into_data() {
                    return Ok(Some(data));
                }
            },
        }
    }
}

/// The content of an object on its way to where it is kept. Dropped before it is finished it leaves nothing behind.
pub enum Upload {
    Here { writer: Box<dyn Writer>, container: String, key: String },
    Host { pieces: mpsc::Sender<Piece>, answer: JoinHandle<Result<Response<Incoming>>> },
}

impl Upload {
    /// Takes a piece of at most [`CHUNK_BYTES`].
    pub async fn write(&mut self, piece: Vec<u8>) -> Result<()> {
        match self {
            Self::Here { writer, container, key } => {
                writer.write(piece).await.map_err(|error| blob::problem(container, key, &error))
            }
            Self::Host { pieces, answer } => match pieces.send(Piece::Data(piece.into())).await {
                Ok(()) => Ok(()),
                // The host has answered before the end: it refused.
                Err(_) => Err(ended(answer).await.err().unwrap_or_else(|| broken_off("it wants no more"))),
            },
        }
    }

    pub async fn finish(self) -> Result<Object> {
        match self {
            Self::Here { writer, container, key } => {
                let stored = writer.finish().await.map_err(|error| blob::problem(&container, &key, &error))?;
                Ok(stored.into())
            }
            Self::Host { pieces, mut answer } => {
                // Without it the host would take a caller that broke off for one that is done.
                let _ = pieces.send(Piece::End).await;
                wire::read(&whole(ended(&mut answer).await?.into_body()).await?)
            }
        }
    }
}

async fn ended(answer: &mut JoinHandle<Result<Response<Incoming>>>) -> Result<Response<Incoming>> {
    answer.await.map_err(broken_off)?
}
