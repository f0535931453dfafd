use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A message and its fields.
pub const MESSAGE_BYTES: usize = 16 << 10;
/// All lines of one invocation.
pub const INVOCATION_LOG_BYTES: usize = 256 << 10;
/// The end of an invocation's log that is kept for reports.
pub const TAIL_BYTES: usize = 4 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    /// Written to standard output.
    Stdout,
    /// Written to standard error.
    Stderr,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Stdout => "STDOUT",
            Self::Stderr => "STDERR",
        })
    }
}

/// One line of a function's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    pub function: &'a str,
    pub level: Level,
    /// Without control characters other than tab: a guest cannot forge lines or drive the terminal.
    pub message: &'a str,
}

/// Where lines go, one call per line.
pub type LogSink = Arc<dyn Fn(&Line<'_>) + Send + Sync>;

/// The log of the invocation an instance is serving. Shared with the guest's standard streams, which live in guest
/// handles and outlast an invocation.
#[derive(Clone)]
pub struct SharedLog(Arc<Mutex<Log>>);

struct Log {
    function: String,
    sink: LogSink,
    written: usize,
    dropped: u64,
    tail: String,
    partial: [Vec<u8>; 2],
}

impl SharedLog {
    pub fn new(function: String, sink: LogSink) -> Self {
        let partial = [Vec::new(), Vec::new()];
        Self(Arc::new(Mutex::new(Log { function, sink, written: 0, dropped: 0, tail: String::new(), partial })))
    }

    /// Ends an invocation: flushes unfinished lines, says how many were dropped, and returns the
    /// tail. The counts are at 0 for the next one.
    pub fn end(&self) -> String {
        let mut log = self.lock();
        for (index, level) in [Level::Stdout, Level::Stderr].into_iter().enumerate() {
            let rest = std::mem::take(&mut log.partial[index]);
            if !rest.is_empty() {
                log.line(level, &String::from_utf8_lossy(&rest));
            }
        }
        if log.dropped > 0 {
            let message = format!("{} lines over the limit of {INVOCATION_LOG_BYTES} bytes were dropped", log.dropped);
            (log.sink)(&Line { function: &log.function, level: Level::Warn, message: &message });
        }
        (log.written, log.dropped) = (0, 0);
        std::mem::take(&mut log.tail)
    }

    pub fn write(&self, level: Level, message: &str) {
        self.lock().line(level, message);
    }

    /// Bytes of a standard stream; whole lines go on at once.
    pub fn write_stream(&self, level: Level, bytes: &[u8]) {
        let mut log = self.lock();
        let index = usize::from(level == Level::Stderr);
        let mut buffer = std::mem::take(&mut log.partial[index]);
        buffer.extend_from_slice(bytes);
        let mut rest = buffer.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            log.line(level, &String::from_utf8_lossy(&rest[..end]));
            rest = &rest[end + 1..];
        }
        if rest.len() > MESSAGE_BYTES {
            log.line(level, &String::from_utf8_lossy(rest));
            rest = &[];
        }
        log.partial[index] = rest.to_vec();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// One line of the log for each line of the message, so that none can pass for another's.
    fn line(&mut self, level: Level, message: &str) {
        for message in cut(message.trim_end(), MESSAGE_BYTES).split('\n') {
            if self.written + message.len() > INVOCATION_LOG_BYTES {
                self.dropped += 1;
                continue;
            }
            let message = printable(message);
            self.written += message.len() + 1;
            self.keep_tail(&message);
            (self.sink)(&Line { function: &self.function, level, message: &message });
        }
    }

    fn keep_tail(&mut self, message: &str) {
        self.tail.push_str(message);
        self.tail.push('\n');
        if self.tail.len() > 2 * TAIL_BYTES {
            let mut start = self.tail.len() - TAIL_BYTES;
            while !self.tail.is_char_boundary(start) {
                start += 1;
            }
            self.tail.drain(..start);
        }
    }
}

/// The longest beginning of `text` that has at most `bytes` bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A guest's text as one line that cannot drive a terminal, at most [`MESSAGE_BYTES`] of it.
pub fn printable(text: &str) -> String {
    cut(text, MESSAGE_BYTES).chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
