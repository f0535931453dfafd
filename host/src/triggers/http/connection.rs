use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Door;
use crate::config::Server;

/// Streams of one HTTP/2 connection at a time.
const STREAMS: u32 = 256;
const PING: Duration = Duration::from_secs(20);

/// Serves the requests of one connection until it closes, or `stop` lets it end after those that are running.
pub(super) async fn serve<S>(stream: S, secure: bool, door: Arc<Door>, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let watch = Arc::new(Watch::default());
    let io = TokioIo::new(Watched { stream, watch: Arc::clone(&watch) });
    let service = {
        let (door, watch) = (Arc::clone(&door), Arc::clone(&watch));
        service_fn(move |request| {
            let (door, busy) = (Arc::clone(&door), Busy::start(&watch));
            async move { Ok::<_, std::convert::Infallible>(super::handle(&door, request, secure, busy).await) }
        })
    };
    let builder = builder(&door.settings);
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut patience = Patience::new(&door.settings);
    let mut ticks = interval(patience.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            // An error is the client's: it left, or does not speak HTTP, and was told so.
            _ = connection.as_mut() => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = ticks.tick() => if patience.is_over(&watch) { return },
        }
    }
}

fn builder(settings: &Server) -> Builder<TokioExecutor> {
    let header = usize::try_from(settings.max_header.as_u64()).unwrap_or(usize::MAX).max(8 << 10);
    let mut builder = Builder::new(TokioExecutor::new());
    // A client that closed its sending side still reads the answer. Heads have a time limit in `Watch`, which costs less
    // than a timer for each request. No `pipeline_flush`: it holds an answer back for as long as a part of the next request is
    // there, and for good when that cannot be read, so that no 400 and no 431 would arrive.
    builder.http1().half_close(true).max_buf_size(header).header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(header).unwrap_or(u32::MAX))
        .keep_alive_interval(PING);
    builder
}

/// What a connection is doing, looked at from time to time: no clock is read for a request.
#[derive(Default)]
struct Watch {
    /// Requests that are being answered.
    busy: AtomicU32,
    /// A part of a request's head is there; HTTP/1 only.
    partial: AtomicBool,
    http2: AtomicBool,
    /// The client does not take what it is sent.
    blocked: AtomicBool,
    /// Changes with each step forward.
    steps: AtomicU32,
}

impl Watch {
    fn step(&self) {
        self.steps.fetch_add(1, Relaxed);
    }

    fn read(&self, bytes: &[u8]) {
        if bytes.starts_with(b"PRI ") {
            self.http2.store(true, Relaxed);
        }
        if self.http2.load(Relaxed) {
            // Clients answer ours by themselves, or an idle connection would never be closed.
            if !is_pong(bytes) {
                self.step();
            }
        } else if self.busy.load(Relaxed) == 0 && !self.partial.swap(true, Relaxed) {
            self.step();
        }
    }
}

/// Whether these are one HTTP/2 frame that answers a ping: its type and flags stand after three bytes of length.
fn is_pong(bytes: &[u8]) -> bool {
    bytes.len() == 17 && bytes.get(3..5) == Some(&[6, 1])
}

/// Marks its connection as busy until dropped.
pub struct Busy(Arc<Watch>);

impl Busy {
    fn start(watch: &Arc<Watch>) -> Self {
        watch.busy.fetch_add(1, Relaxed);
        watch.partial.store(false, Relaxed);
        watch.step();
        Self(Arc::clone(watch))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Relaxed);
        self.0.step();
    }
}

/// Counts how long a connection has not come a step further.
struct Patience {
    tick: Duration,
    header: Duration,
    idle: Duration,
    seen: u32,
    still: Duration,
}

impl Patience {
    fn new(settings: &Server) -> Self {
        let (header, idle) = (settings.header_timeout, settings.idle_timeout);
        let tick = (header.min(idle) / 4).clamp(Duration::from_millis(25), Duration::from_secs(2));
        Self { tick, header, idle, seen: 0, still: Duration::ZERO }
    }

    /// Called once a tick.
    fn is_over(&mut self, watch: &Watch) -> bool {
        let steps = watch.steps.load(Relaxed);
        if steps != self.seen {
            (self.seen, self.still) = (steps, Duration::ZERO);
            return false;
        }
        self.still += self.tick;
        if watch.blocked.load(Relaxed) {
            self.still >= self.idle
        } else if watch.busy.load(Relaxed) > 0 {
            // The invocation and the request's body have limits of their own.
            false
        } else if watch.partial.load(Relaxed) {
            self.still >= self.header
        } else {
            self.still >= self.idle
        }
    }
}

/// A stream that tells its [`Watch`] what happens.
struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
}

impl<S> Watched<S> {
    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        match &polled {
            Poll::Pending => self.watch.blocked.store(true, Relaxed),
            Poll::Ready(_) if self.watch.blocked.load(Relaxed) => {
                self.watch.blocked.store(false, Relaxed);
                self.watch.step();
            }
            Poll::Ready(_) => {}
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if polled.is_ready() && buffer.filled().len() > before {
            self.watch.read(&buffer.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    /// Of RFC 9113, 6.7: eight bytes on stream 0, with the flag ACK.
    const PONG: [u8; 17] = [0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn an_http_2_connection_that_only_answers_pings_is_idle() {
        let settings = Server { idle_timeout: Duration::from_secs(8), ..Server::default() };
        let (watch, mut patience) = (Watch::default(), Patience::new(&settings));
        watch.read(PREFACE);
        let closed_after = (1..10).find(|_| {
            watch.read(&PONG);
            patience.is_over(&watch)
        });
        assert_eq!(closed_after, Some(5), "the first of four ticks sees the preface");
        watch.read(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        assert!(!patience.is_over(&watch), "other frames are a step");
    }
}
