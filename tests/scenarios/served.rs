//! `wasm-faas serve` for one scenario, and a client that keeps its connection.

use std::convert::Infallible;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Child;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::stage::{PATIENCE, Stage, until};
use super::support;

/// A server that listens, until dropped.
pub struct Server {
    _process: Process,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// `serve` with these arguments, on a port that was free; returns when it listens.
    pub fn start(stage: &Stage, arguments: &[&str]) -> Result<Self, Failed> {
        let (out, log) = (stage.path("serve.out"), stage.path("serve.log"));
        let mut command = stage.command(&[&["serve"], arguments, &["--listen", "127.0.0.1:0", "--json"]].concat());
        let mut process = Process(command.stdout(File::create(&out)?).stderr(File::create(&log)?).spawn()?);
        let address = until("the server to listen", || match process.0.try_wait() {
            Ok(None) => listening(&out).map(Ok),
            ended => {
                Some(Err(format!("the server ended: {ended:?}\n{}", fs::read_to_string(&log).unwrap_or_default())))
            }
        })??;
        Ok(Self { _process: process, address, log })
    }

    /// All that it wrote to standard error until now.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// What the first line of `--json` says, when it is whole.
fn listening(out: &Path) -> Option<SocketAddr> {
    let printed = fs::read_to_string(out).ok()?;
    let (first, _) = printed.split_once('\n')?;
    let said: serde_json::Value = serde_json::from_str(first).ok()?;
    said["listening"].as_str()?.strip_prefix("http://")?.parse().ok()
}

/// Ended when dropped, also when a scenario fails.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One connection, HTTP/1.1. What takes longer than [`PATIENCE`] fails.
pub struct Client(SendRequest<Chunks>);

impl Client {
    pub fn connect(address: SocketAddr) -> Result<Self, Failed> {
        wait(async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            Ok(Self(sender))
        })
    }

    /// Sends a request; returns when the head of the response has come.
    pub fn send(&mut self, request: Request<Chunks>) -> Result<Response<Incoming>, Failed> {
        wait(async {
            self.0.ready().await?;
            Ok(self.0.send_request(request).await?)
        })
    }

    /// Gets a path: the status and the body as text.
    pub fn get(&mut self, path: &str) -> Result<(u16, String), Failed> {
        let request = Request::get(path).header("host", "localhost").body(Chunks::none())?;
        let (head, body) = self.send(request)?.into_parts();
        Ok((head.status.as_u16(), String::from_utf8_lossy(&whole(body)?).into_owned()))
    }
}

/// The rest of a body.
pub fn whole(body: Incoming) -> Result<Bytes, Failed> {
    wait(async { Ok(body.collect().await?.to_bytes()) })
}

/// The next chunk of a body, `None` at its end.
pub fn next(body: &mut Incoming) -> Result<Option<Bytes>, Failed> {
    wait(async {
        match body.frame().await.transpose()? {
            None => Ok(None),
            Some(frame) => frame.into_data().map(Some).map_err(|_| "trailers came".into()),
        }
    })
}

fn wait<T>(future: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let bounded = async { tokio::time::timeout(PATIENCE, future).await };
    support::runtime().block_on(bounded).unwrap_or_else(|_| Err("the server does not answer".into()))
}

/// A body that is sent as its chunks come, and ends when nobody can send more.
pub struct Chunks(UnboundedReceiver<Bytes>);

impl Chunks {
    pub fn channel() -> (UnboundedSender<Bytes>, Self) {
        let (sender, receiver) = unbounded_channel();
        (sender, Self(receiver))
    }

    pub fn none() -> Self {
        Self::channel().1
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_closed() && self.0.is_empty()
    }
}
