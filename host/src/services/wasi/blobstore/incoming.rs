use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::{Result, Told, no_object};
use crate::services::blob::{CHUNK_BYTES, Container, Range, Reader, WHOLE_BYTES};
use crate::services::{Error, Result as ServiceResult};

/// What a stream reads ahead.
const AHEAD: usize = 64 << 10;

/// An object, or a range of it, as it was when opened.
pub struct Incoming {
    reader: Box<dyn Reader>,
    left: u64,
}

impl Incoming {
    /// The bytes from `start` to `end`, both inclusive, cut at the object's end.
    pub(super) async fn open(container: &Container, name: &str, start: u64, end: u64) -> Result<Self> {
        let Some(last) = end.checked_sub(start) else {
            return Err(Told(format!("invalid: the range starts at {start} and ends at {end}")));
        };
        let length = last.saturating_add(1);
        // Nothing of an empty object is at 0, and yet reading it from there on is no error.
        let range = (start > 0).then_some(Range { start, length: Some(length) });
        let reader = container.reader(name, range).await.map_err(no_object(container, name))?;
        let left = length.min(reader.info().size.saturating_sub(start));
        Ok(Self { reader, left })
    }

    /// Bytes that are left to read.
    pub(super) fn size(&self) -> u64 {
        self.left
    }

    /// All of it, which is at most [`WHOLE_BYTES`].
    pub(super) async fn whole(mut self) -> Result<Vec<u8>> {
        if self.left > WHOLE_BYTES {
            let (left, what) = (self.left, "read it with `incoming-value-consume-async`");
            return Err(Told(format!("too large: {left} bytes, at most {WHOLE_BYTES} come at once; {what}")));
        }
        let mut whole = Vec::with_capacity(usize::try_from(self.left).unwrap_or_default());
        loop {
            let chunk = self.next(CHUNK_BYTES).await?;
            if chunk.is_empty() {
                return Ok(whole);
            }
            whole.extend_from_slice(&chunk);
        }
    }

    /// At most `max` bytes; empty at the end.
    async fn next(&mut self, max: usize) -> ServiceResult<Vec<u8>> {
        let max = usize::try_from(self.left).unwrap_or(max).min(max);
        if max == 0 {
            return Ok(Vec::new());
        }
        let chunk = self.reader.read(max).await?;
        self.left = self.left.saturating_sub(chunk.len() as u64);
        Ok(chunk)
    }
}

type Reading = Pin<Box<dyn Future<Output = (Incoming, ServiceResult<Vec<u8>>)> + Send>>;

/// Reads ahead of a guest that polls. What was begun goes on when a guest stops waiting for it and comes back.
pub(super) struct Chunks {
    ahead: Bytes,
    source: Source,
}

enum Source {
    Idle(Incoming),
    Reading(Reading),
    Failed(Error),
    Ended,
}

impl Chunks {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self { ahead: Bytes::new(), source: Source::Idle(incoming) }
    }

    /// Ready once [`Chunks::take`] has something to say.
    pub(super) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.ahead.is_empty() {
            self.source = match std::mem::replace(&mut self.source, Source::Ended) {
                Source::Idle(incoming) => Source::Reading(Box::pin(read(incoming))),
                Source::Reading(mut reading) => match reading.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.source = Source::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready((_, Err(error))) => Source::Failed(error),
                    Poll::Ready((_, Ok(chunk))) if chunk.is_empty() => Source::Ended,
                    Poll::Ready((incoming, Ok(chunk))) => {
                        self.ahead = chunk.into();
                        Source::Idle(incoming)
                    }
                },
                over @ (Source::Failed(_) | Source::Ended) => {
                    self.source = over;
                    break;
                }
            };
        }
        Poll::Ready(())
    }

    /// At most `max` bytes of what is here, empty when nothing is yet; `None` at the end. An error comes once.
    pub(super) fn take(&mut self, max: usize) -> ServiceResult<Option<Bytes>> {
        if !self.ahead.is_empty() {
            let length = max.min(self.ahead.len());
            return Ok(Some(self.ahead.split_to(length)));
        }
        match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Failed(error) => Err(error),
            Source::Ended => Ok(None),
            more => {
                self.source = more;
                Ok(Some(Bytes::new()))
            }
        }
    }
}

async fn read(mut incoming: Incoming) -> (Incoming, ServiceResult<Vec<u8>>) {
    let chunk = incoming.next(AHEAD).await;
    (incoming, chunk)
}
