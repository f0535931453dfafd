use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tls::Tls;
use super::{Door, connection};

/// Connections that the system holds until they are taken.
const BACKLOG: u32 = 4096;
/// After an accept that failed for want of something, such as files.
const PAUSE: Duration = Duration::from_millis(100);

/// A port that is bound and not yet served.
pub struct Bound {
    socket: TcpListener,
    address: SocketAddr,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`: {source}; choose another with `--listen`, port 0 for any that is free")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything that ran has ended.
    Drained,
    /// Connections and invocations were cut off after the grace time.
    CutOff,
}

impl Bound {
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let fail = |source| BindError { address, source };
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(fail)?;
        socket.set_reuseaddr(true).and_then(|()| socket.bind(address)).map_err(fail)?;
        let socket = socket.listen(BACKLOG).map_err(fail)?;
        let address = socket.local_addr().map_err(fail)?;
        Ok(Self { socket, address })
    }

    /// With the port that was picked for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets what runs end within the grace time. `complain` is told of accepts that failed.
    pub async fn serve(
        self,
        door: Arc<Door>,
        tls: Option<Arc<Tls>>,
        stop: CancellationToken,
        complain: impl Fn(&io::Error),
    ) -> Ended {
        let connections = TaskTracker::new();
        let places = Arc::new(Semaphore::new(door.settings.connections.max(1) as usize));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept(&self.socket, &places) => accepted,
            };
            match accepted {
                Ok((stream, place)) => {
                    let connection = connect(stream, tls.clone(), Arc::clone(&door), stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    complain(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // New connections are refused from here on.
        drop(self.socket);
        door.ready.store(false, Relaxed);
        drain(&connections, &door).await
    }
}

async fn connect(stream: TcpStream, tls: Option<Arc<Tls>>, door: Arc<Door>, stop: CancellationToken) {
    let Some(tls) = tls else { return connection::serve(stream, false, door, stop).await };
    let handshake = tokio::time::timeout(door.settings.header_timeout, tls.acceptor().accept(stream));
    // A client that cannot be understood was told so by the handshake itself.
    if let Ok(Ok(stream)) = handshake.await {
        connection::serve(stream, true, door, stop).await;
    }
}

async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
    let place = Arc::clone(places).acquire_owned().await.ok();
    let (stream, _) = socket.accept().await?;
    // A response goes out when it is ready, not when the next one comes.
    let _ = stream.set_nodelay(true);
    Ok((stream, place))
}

async fn drain(connections: &TaskTracker, door: &Door) -> Ended {
    connections.close();
    door.tasks.close();
    let all = async { tokio::join!(connections.wait(), door.tasks.wait()) };
    match tokio::time::timeout(door.settings.grace, all).await {
        Ok(_) => Ended::Drained,
        Err(_) => Ended::CutOff,
    }
}

/// The client left between its arrival and its turn.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
