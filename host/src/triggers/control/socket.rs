//! The host's end of the socket.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::wire::{self, ANSWERED, ASKED, FILE, JSON_BYTES, Piece, Spot, WAITING};
use super::{Control, Operation, Problem, Result, blob};
use super::{dead_letters, invoke, kv, queue, resources, topic};
use crate::services::blob::CHUNK_BYTES;
use crate::triggers::http::Pieces;

/// Operators that wait to be let in.
const BACKLOG: u32 = 64;
/// After an accept that failed for want of something, such as files.
const PAUSE: Duration = Duration::from_millis(100);

/// Where a host listens for operators: `control.sock` in its data folder, for its own user only.
pub struct Socket {
    listener: UnixListener,
    trace: Trace,
}

/// The socket's file, removed when dropped.
pub struct Trace(Spot);

/// Why a host cannot be reached by operators.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("another host listens at `{}`", path.display())]
    Taken { path: PathBuf },
    #[error("`{}` is no socket: move that file away", path.display())]
    NoSocket { path: PathBuf },
    #[error("`{}` cannot be made: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Socket {
    /// Makes the folder and the socket in it; one that a host left behind that was killed is replaced.
    pub fn bind(folder: &Path) -> std::result::Result<Self, SocketError> {
        let path = folder.join(FILE);
        let failed = |source| SocketError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let spot = Spot::of(folder).map_err(failed)?;
        match fs::symlink_metadata(&spot.path) {
            Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NoSocket { path }),
            Ok(_) if StdStream::connect(&spot.path).is_ok() => return Err(SocketError::Taken { path }),
            _ => {}
        }
        match listen(&spot.path) {
            Ok(listener) => Ok(Self { listener, trace: Trace(spot) }),
            Err(source) => Err(SocketError::Io { path, source }),
        }
    }

    /// What serves operators until `stop`, and then lets the operations that run end within `grace`; beside it what is left in
    /// the folder for as long.
    pub fn serve(
        self,
        control: Arc<Control>,
        stop: CancellationToken,
        grace: Duration,
    ) -> (Trace, impl Future<Output = ()> + Send) {
        (self.trace, accept(self.listener, control, stop, grace))
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // A socket that stays behind is replaced by the next host.
        let _ = fs::remove_file(&self.0.path);
    }
}

async fn accept(listener: UnixListener, control: Arc<Control>, stop: CancellationToken, grace: Duration) {
    let running = TaskTracker::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream, Arc::clone(&control), running.clone()))),
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
    drop(listener);
    running.close();
    // What takes longer is cut off, as it is at the door.
    let _ = tokio::time::timeout(grace, running.wait()).await;
}

/// Nobody else can come in: until it listens a socket takes no one, and then it is its user's alone.
fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)
}

async fn connection(stream: UnixStream, control: Arc<Control>, running: TaskTracker) {
    let service = service_fn(move |request| {
        let control = Arc::clone(&control);
        running.track_future(async move { Ok::<_, Infallible>(answer(&control, request).await) })
    });
    // An operator that leaves in the middle is not worth a word.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

type Answer = Response<UnsyncBoxBody<Bytes, crate::services::Error>>;

async fn answer(control: &Control, request: Request<Incoming>) -> Answer {
    match respond(control, request).await {
        Ok(answer) => answer,
        Err(problem) => {
            let mut answer = whole(wire::write(&problem).unwrap_or_default());
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            answer
        }
    }
}

fn whole(json: Vec<u8>) -> Answer {
    Response::new(Full::from(json).map_err(|never| match never {}).boxed_unsync())
}

async fn respond(control: &Control, request: Request<Incoming>) -> Result<Answer> {
    let name = request.uri().path().trim_start_matches('/').to_owned();
    if name == blob::Put::NAME {
        return Box::pin(put(control, request)).await;
    }
    let body = Limited::new(request.into_body(), JSON_BYTES).collect().await;
    let body = body.map_err(|error| Problem::invalid(format!("the request did not come whole: {error}")))?.to_bytes();
    if name == blob::Get::NAME {
        return get(control, &body).await;
    }
    if name == kv::Watch::NAME {
        return watch(control, &body).await;
    }
    dispatch(control, &name, &body).await.map(whole)
}

/// Finds an operation by its name, among all there are.
macro_rules! dispatch {
    ($($operation:ty),* $(,)?) => {
        async fn dispatch(control: &Control, name: &str, asked: &[u8]) -> Result<Vec<u8>> {
            match name {
                $(<$operation>::NAME => Box::pin(run::<$operation>(control, asked)).await,)*
                _ => Err(wire::other_version(&format_args!("it does not know `{name}`"))),
            }
        }
    };
}

dispatch! {
    blob::Delete, blob::List,
    dead_letters::Edit, dead_letters::Queues, dead_letters::Redrive, dead_letters::RedriveAll, dead_letters::Remove,
    invoke::Invoke, invoke::InvokeLater,
    kv::Delete, kv::Get, kv::List, kv::Set,
    queue::Acknowledge, queue::Browse, queue::Find, queue::Purge, queue::Receive, queue::Send, queue::Stats,
    resources::List,
    topic::Publish,
    topic::Replay,
}

async fn run<O: Operation>(control: &Control, asked: &[u8]) -> Result<Vec<u8>> {
    wire::write(&wire::read::<O>(asked)?.run(control).await?)
}

async fn get(control: &Control, asked: &[u8]) -> Result<Answer> {
    let reader = wire::read::<blob::Get>(asked)?.open(control).await?;
    let size = reader.info().size;
    let object = wire::header(&blob::Object::from(reader.info().clone()))?;
    let mut answer = Response::new(Pieces::new(reader, size).boxed_unsync());
    answer.headers_mut().insert(ANSWERED, object);
    Ok(answer)
}

/// One line for each change, until who asked goes away.
async fn watch(control: &Control, asked: &[u8]) -> Result<Answer> {
    let mut watching = wire::read::<kv::Watch>(asked)?.open(control).await?;
    let (pieces, body) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        loop {
            let seen = tokio::select! {
                seen = watching.next() => seen,
                () = pieces.closed() => break,
            };
            let Some(Ok(mut line)) = seen.as_ref().map(wire::write) else { break };
            line.push(b'\n');
            // It fails when nobody looks on any more.
            let _ = pieces.send(Piece::Data(line.into())).await;
        }
    });
    let lost = |error: io::Error| crate::services::Error::Unavailable(error.to_string());
    Ok(Response::new(wire::Pieces(body).map_err(lost).boxed_unsync()))
}

async fn put(control: &Control, request: Request<Incoming>) -> Result<Answer> {
    let asked: blob::Put = wire::from_header(request.headers(), &ASKED)?;
    let (container, key) = (asked.container.clone(), asked.key.clone());
    let mut writer = asked.open(control).await?;
    let mut body = request.into_body();
    // Dropped, a writer leaves nothing behind.
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::unavailable(format!("the object did not come whole: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        for chunk in data.chunks(CHUNK_BYTES) {
            writer.write(chunk.to_vec()).await.map_err(|error| blob::problem(&container, &key, &error))?;
        }
    }
    let stored = writer.finish().await.map_err(|error| blob::problem(&container, &key, &error))?;
    wire::write(&blob::Object::from(stored)).map(whole)
}
