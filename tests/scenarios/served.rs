//! `wasm-faas serve` for one scenario, and a client that keeps its connection.

use std::convert::Infallible;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Output};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use libtest_mimic::Failed;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::stage::{PATIENCE, Ran, Stage, until};
use super::{Verdict, support};

/// A server that listens, until dropped.
pub struct Server {
    process: Process,
    pub address: SocketAddr,
    out: PathBuf,
    log: PathBuf,
}

impl Server {
    /// `serve` with these arguments and `--json`, on a port that was free; returns when it listens.
    pub fn start(stage: &Stage, arguments: &[&str]) -> Result<Self, Failed> {
        Self::spawn(stage, stage.command(&[&["serve"], arguments, &["--listen", "127.0.0.1:0", "--json"]].concat()))
    }

    /// The same from a command of any kind; what it writes goes to files.
    pub fn spawn(stage: &Stage, mut command: Command) -> Result<Self, Failed> {
        let (out, log) = (stage.path("serve.out"), stage.path("serve.log"));
        let mut process = Process(command.stdout(File::create(&out)?).stderr(File::create(&log)?).spawn()?);
        let address = until("the server to listen", || match process.0.try_wait() {
            Ok(None) => listening(&out).map(Ok),
            ended => {
                Some(Err(format!("the server ended: {ended:?}\n{}", fs::read_to_string(&log).unwrap_or_default())))
            }
        })??;
        Ok(Self { process, address, out, log })
    }

    /// A manifest's functions and routes, on a port that was free; returns when it listens.
    pub fn of(stage: &Stage, manifest: &str) -> Result<Self, Failed> {
        stage.write("wasm-faas.toml", manifest)?;
        Self::start(stage, &[])
    }

    /// All that it wrote to standard error until now.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// All that it wrote to standard output until now.
    pub fn out(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// What the lines of `--json` say until now, the first one aside: requests and lines of functions' logs.
    pub fn told(&self) -> Vec<Value> {
        self.out().lines().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until `count` requests are in the log of `--json`; returns those that are.
    pub fn accesses(&self, count: usize) -> Result<Vec<Value>, Failed> {
        until(&format!("{count} requests in the log"), || {
            let accesses: Vec<Value> = self.told().into_iter().filter(|line| line.get("status").is_some()).collect();
            (accesses.len() >= count).then_some(accesses)
        })
    }

    /// Waits until its log holds `part`.
    pub fn logged(&self, part: &str) -> Verdict {
        until(&format!("{part:?} in the log"), || self.log().contains(part).then_some(()))
            .map_err(|error| format!("{}; it holds:\n{}", error.message().unwrap_or_default(), self.log()).into())
    }

    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Waits for its end, and not for ever.
    pub fn end(mut self, stage: &Stage) -> Result<Ran, Failed> {
        let status = until("the server to end", || self.process.0.try_wait().ok().flatten())?;
        Ok(Ran::new(Output { status, stdout: fs::read(&self.out)?, stderr: fs::read(&self.log)? }, stage))
    }
}

/// What the first line says, when it is whole; for machines or for people.
fn listening(out: &Path) -> Option<SocketAddr> {
    let printed = fs::read_to_string(out).ok()?;
    let (first, _) = printed.split_once('\n')?;
    let (_, address) = first.split_once("://")?;
    address.split(['"', ',']).next()?.parse().ok()
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
        wait(async { Self::over(dial(address).await?).await })
    }

    /// Over a stream that may be encrypted.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self, Failed> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
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

    /// Posts a text to a path: the head of the response, and its body as text.
    pub fn post(&mut self, path: &str, data: &str) -> Result<Response<String>, Failed> {
        let (sender, body) = Chunks::channel();
        sender.send(Bytes::from(data.to_owned()))?;
        drop(sender);
        let (head, body) = self.send(Request::post(path).header("host", "localhost").body(body)?)?.into_parts();
        Ok(Response::from_parts(head, String::from_utf8_lossy(&whole(body)?).into_owned()))
    }
}

/// A request to `/echo` of a foreign component that runs for as long as this is there.
pub struct Held {
    /// Kept open.
    _client: Client,
    sender: UnboundedSender<Bytes>,
    received: Incoming,
}

impl Held {
    /// Returns when the function runs: it gave back what it was sent.
    pub fn start(address: SocketAddr) -> Result<Self, Failed> {
        let mut client = Client::connect(address)?;
        let (sender, body) = Chunks::channel();
        let received = client.send(Request::post("/echo").header("host", "localhost").body(body)?)?.into_body();
        let mut held = Self { _client: client, sender, received };
        held.exchange("first")?;
        Ok(held)
    }

    /// Shows that it still runs, and lets it end.
    pub fn end(mut self) -> Verdict {
        self.exchange("second")?;
        drop(self.sender);
        let rest = whole(self.received)?;
        if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} came after the end").into()) }
    }

    fn exchange(&mut self, chunk: &str) -> Verdict {
        self.sender.send(Bytes::from(chunk.to_owned()))?;
        match next(&mut self.received)? {
            Some(came) if came == chunk.as_bytes() => Ok(()),
            other => Err(format!("expected {chunk:?}, got {other:?}").into()),
        }
    }
}

/// A connection that speaks HTTP/2 from its first byte on, as after ALPN. What takes longer than [`PATIENCE`] fails.
pub struct Http2(http2::SendRequest<Chunks>);

/// The head of a response that is on its way.
pub type Coming = JoinHandle<hyper::Result<Response<Incoming>>>;

impl Http2 {
    pub fn connect(address: SocketAddr) -> Result<Self, Failed> {
        wait(async { Self::over(dial(address).await?).await })
    }

    /// Over a stream that may be encrypted.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self, Failed> {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Starts a request, which may be one of many.
    pub fn send(&self, request: Request<Chunks>) -> Coming {
        let mut sender = self.0.clone();
        support::runtime().spawn(async move {
            sender.ready().await?;
            sender.send_request(request).await
        })
    }

    /// Gets a path: the status and the body as text.
    pub fn get(&self, path: &str) -> Result<(u16, String), Failed> {
        let request = Request::get(format!("http://localhost{path}")).body(Chunks::none())?;
        let (head, body) = arrived(self.send(request))?.into_parts();
        Ok((head.status.as_u16(), String::from_utf8_lossy(&whole(body)?).into_owned()))
    }
}

/// Waits for a response's head.
pub fn arrived(coming: Coming) -> Result<Response<Incoming>, Failed> {
    wait(async { Ok(coming.await??) })
}

pub async fn dial(address: SocketAddr) -> Result<TcpStream, Failed> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
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

/// What takes longer than [`PATIENCE`] fails.
pub fn wait<T>(future: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
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
