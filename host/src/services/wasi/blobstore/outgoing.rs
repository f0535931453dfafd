use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::BytesMut;

use super::{Result, Told};
use crate::services::blob::{CHUNK_BYTES, Container, PutOptions, Writer, check_writer};
use crate::services::transaction::Transaction;
use crate::services::wasi::budget::{BYTES, Budget, Held};
use crate::services::{Error, Result as ServiceResult};

/// A value that a guest writes: `write-data` says where it goes, before or after its bytes, and `finish` stores it.
/// Dropped before, it stores nothing.
pub struct Outgoing {
    body: Body,
    has_stream: bool,
}

impl Outgoing {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { body: Body::new(budget), has_stream: false }
    }

    /// Where its bytes go in; once only.
    pub(super) fn stream(&mut self) -> Option<Body> {
        (!std::mem::replace(&mut self.has_stream, true)).then(|| self.body.clone())
    }

    pub(super) fn body(&self) -> Body {
        self.body.clone()
    }

    /// Stores the object, durably and as a whole.
    pub(super) async fn finish(self, transaction: Option<&Arc<dyn Transaction>>) -> Result<()> {
        check_writer(transaction, self.body.lock().transactional)?;
        self.body.written().await;
        let target = std::mem::replace(&mut self.body.lock().target, Target::Closed);
        match target {
            Target::Idle(writer) => {
                writer.finish().await?;
                Ok(())
            }
            Target::Failed(error) => Err(error.into()),
            Target::Unknown | Target::Writing(_) | Target::Closed => {
                Err(Told("invalid: the value is finished and `write-data` never said where it goes".into()))
            }
        }
    }
}

/// The bytes of a value on their way into an object; the value and its stream share it.
#[derive(Clone)]
pub(super) struct Body(Arc<Mutex<State>>);

struct State {
    unwritten: BytesMut,
    /// For the bytes above and those being written.
    held: Held,
    target: Target,
    /// Whether the place was said in an invocation with a transaction.
    transactional: bool,
}

type Writing = Pin<Box<dyn Future<Output = (Box<dyn Writer>, ServiceResult<()>)> + Send>>;

enum Target {
    /// Until `write-data`.
    Unknown,
    Idle(Box<dyn Writer>),
    Writing(Writing),
    Failed(Error),
    Closed,
}

/// What a stream can do now.
pub(super) enum Writable {
    Now,
    /// Not before [`Body::written`].
    Later,
    Failed(Error),
    Closed,
}

impl Body {
    fn new(budget: &Budget) -> Self {
        let state =
            State { unwritten: BytesMut::new(), held: budget.hold(), target: Target::Unknown, transactional: false };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Says where the bytes go. An error when that was said before.
    pub(super) async fn direct(&self, container: &Container, name: &str, transactional: bool) -> Result<()> {
        let writer = container.writer(name, PutOptions::default()).await?;
        {
            let mut state = self.lock();
            if !matches!(state.target, Target::Unknown) {
                return Err(Told(format!("invalid: the value for `{name}` is already on its way to an object")));
            }
            (state.target, state.transactional) = (Target::Idle(writer), transactional);
        }
        self.written().await;
        match &self.lock().target {
            Target::Failed(error) => Err(error.clone().into()),
            Target::Unknown | Target::Idle(_) | Target::Writing(_) | Target::Closed => Ok(()),
        }
    }

    /// Takes bytes. They wait here where their place is not known yet, as far as the instance's budget goes.
    pub(super) fn push(&self, bytes: &[u8]) -> ServiceResult<()> {
        let mut state = self.lock();
        let length = state.unwritten.len() + bytes.len();
        if state.held.resize(length).is_err() {
            return Err(Error::Invalid(format!("more than {BYTES} bytes wait for `write-data` to say where they go")));
        }
        state.unwritten.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn writable(&self) -> Writable {
        let state = self.lock();
        match &state.target {
            Target::Unknown => Writable::Now,
            Target::Idle(_) if state.unwritten.is_empty() => Writable::Now,
            Target::Idle(_) | Target::Writing(_) => Writable::Later,
            Target::Failed(error) => Writable::Failed(error.clone()),
            Target::Closed => Writable::Closed,
        }
    }

    /// Returns when all bytes are with the backend, or it failed, or their place is not known. A write that was begun goes
    /// on when the caller stops waiting and comes back.
    pub(super) async fn written(&self) {
        poll_fn(|cx| self.lock().poll_written(cx)).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.target = match std::mem::replace(&mut self.target, Target::Closed) {
                Target::Idle(writer) if !self.unwritten.is_empty() => {
                    let length = self.unwritten.len().min(CHUNK_BYTES);
                    Target::Writing(Box::pin(write(writer, self.unwritten.split_to(length).to_vec())))
                }
                Target::Writing(mut writing) => match writing.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.target = Target::Writing(writing);
                        return Poll::Pending;
                    }
                    Poll::Ready((writer, result)) => self.wrote(writer, result),
                },
                still @ (Target::Unknown | Target::Idle(_) | Target::Failed(_) | Target::Closed) => {
                    self.target = still;
                    return Poll::Ready(());
                }
            };
        }
    }

    fn wrote(&mut self, writer: Box<dyn Writer>, result: ServiceResult<()>) -> Target {
        if result.is_err() {
            self.unwritten.clear();
        }
        // It holds less than before, which always fits.
        let _ = self.held.resize(self.unwritten.len());
        result.map_or_else(Target::Failed, |()| Target::Idle(writer))
    }
}

async fn write(mut writer: Box<dyn Writer>, chunk: Vec<u8>) -> (Box<dyn Writer>, ServiceResult<()>) {
    let result = writer.write(chunk).await;
    (writer, result)
}
