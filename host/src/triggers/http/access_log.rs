use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::Request;
use http_body::Body as _;

use super::Note;
use super::body::Response;
use super::route::Route;
use crate::services::context::printable;

/// What is kept while the terminal or pipe is slow; lines beyond it are counted and dropped.
const PENDING_BYTES: usize = 4 << 20;
/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(20);
/// How long a flush waits for who takes the lines.
const FLUSH: Duration = Duration::from_secs(1);
/// Of a path.
const PATH_BYTES: usize = 1024;

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access<'a> {
    pub time: SystemTime,
    pub method: &'a str,
    /// Without the query, which may hold secrets.
    pub path: &'a str,
    pub status: u16,
    /// The function, or what else answered.
    pub function: Option<&'a str>,
    /// Whether its instance was there before.
    pub warm: Option<bool>,
    /// Until the head of the response.
    pub duration: Duration,
    /// Of the body, when known beforehand.
    pub bytes: Option<u64>,
}

/// Writes a line for each request, from a thread of its own: a slow terminal slows nobody down.
pub struct AccessLog {
    write: fn(&Access<'_>, &mut Vec<u8>),
    pending: Arc<Pending>,
}

#[derive(Default)]
struct Pending {
    lines: Mutex<Lines>,
    some: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    dropped: u64,
    /// Lines were taken out and are not written yet.
    writing: bool,
}

/// What the log needs of a request before it is consumed.
pub(super) struct Begun {
    method: http::Method,
    path: String,
}

impl AccessLog {
    /// `write` appends one line; `output` takes many at a time.
    pub fn new(write: fn(&Access<'_>, &mut Vec<u8>), output: impl std::io::Write + Send + 'static) -> Self {
        let pending = Arc::new(Pending::default());
        let theirs = Arc::clone(&pending);
        std::thread::spawn(move || theirs.write_on(output));
        Self { write, pending }
    }

    pub(super) fn begin<B>(&self, request: &Request<B>) -> Begun {
        Begun { method: request.method().clone(), path: request.uri().path().chars().take(PATH_BYTES).collect() }
    }

    pub(super) fn end(&self, begun: &Begun, response: &Response, note: &Note, duration: Duration) {
        let access = Access {
            time: SystemTime::now(),
            method: begun.method.as_str(),
            path: &printable(&begun.path),
            status: response.status().as_u16(),
            function: note.function.as_deref().map(Route::target_name),
            warm: note.warm,
            duration,
            bytes: response.body().size_hint().exact(),
        };
        let mut lines = self.pending.lines();
        if lines.bytes.len() > PENDING_BYTES {
            lines.dropped += 1;
            return;
        }
        let first = lines.bytes.is_empty();
        (self.write)(&access, &mut lines.bytes);
        drop(lines);
        if first {
            self.pending.some.notify_one();
        }
    }

    /// Returns when all lines until now are written, or after a while when nobody takes them. Blocks.
    pub(super) fn flush(&self) {
        let unwritten = |lines: &mut Lines| lines.writing || !lines.bytes.is_empty();
        drop(self.pending.written.wait_timeout_while(self.pending.lines(), FLUSH, unwritten));
    }
}

impl Pending {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_on(&self, mut output: impl std::io::Write) {
        loop {
            let mut lines = self.lines();
            while lines.bytes.is_empty() {
                lines = self.some.wait(lines).unwrap_or_else(PoisonError::into_inner);
            }
            drop(lines);
            std::thread::sleep(GATHER);
            let taken = Lines { writing: true, ..Lines::default() };
            let Lines { mut bytes, dropped, .. } = std::mem::replace(&mut *self.lines(), taken);
            if dropped > 0 {
                let _ = writeln!(bytes, "{dropped} requests were answered faster than this log takes lines");
            }
            // That nobody reads it is no reason to stop.
            let _ = output.write_all(&bytes).and_then(|()| output.flush());
            self.lines().writing = false;
            self.written.notify_all();
        }
    }
}
