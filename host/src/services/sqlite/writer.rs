//! The way to the thread that writes: an operation goes in as a closure, its answer comes back once it is durable.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::effects::Effects;
use super::worker::{Worker, not_written};
use super::{Catalog, Files};
use crate::services::{Clock, Error, Result};

/// What may wait for the writer, in KiB; an operation counts for at least one. Callers beyond it wait outside.
const WAITING_KIB: u32 = 32 << 10;

/// Whether an operation must have reached the disk when it is answered, or may be undone by a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Durability {
    /// Survives the death of the process. For leases, which a power cut ends anyhow.
    Process,
    Power,
}

/// What an operation, or a read, comes to.
pub(crate) type Step<T> = Result<T, Failure>;

pub(crate) enum Failure {
    /// The answer for the caller; the operation is undone.
    Refused(Error),
    Engine(rusqlite::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

/// What an operation sees of the writer.
pub(crate) struct Writing<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) catalog: &'a Catalog,
    /// Milliseconds since the Unix epoch, the same throughout a group.
    pub(crate) now: i64,
    pub(crate) effects: Effects,
}

/// The way to the thread. Dropping it ends the thread once everything it was given is done.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        db: Connection,
        catalog: Arc<Catalog>,
        files: Arc<Files>,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let worker = Worker::new(db, inbox, catalog, files, clock);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || worker.serve())?;
        let room = Arc::new(Semaphore::new(WAITING_KIB as usize));
        Ok(Self { jobs: Some(jobs), room, thread: Some(thread) })
    }

    /// Runs `operation`, all of it or nothing, and returns once it is as durable as asked for. It may be run more than
    /// once, of which only the last run counts, and should check before it writes. `bytes` is about what it holds in
    /// memory. Dropped before its turn, it is not run.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        bytes: usize,
        operation: impl FnMut(&mut Writing<'_>) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let stopped = || Error::Unavailable("the store has stopped".into());
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).saturating_add(1).min(WAITING_KIB);
        let permit = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| stopped())?;
        let (reply, answer) = oneshot::channel();
        let work = Box::new(Operation { operation, outcome: None, reply });
        let job = Job { durability, bytes, work, _permit: permit };
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(Error::UnknownOutcome("the store stopped in the middle".into())))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It panicked if this fails, and has told so itself.
            let _ = thread.join();
        }
    }
}

pub(super) struct Job {
    pub(super) durability: Durability,
    pub(super) bytes: usize,
    pub(super) work: Box<dyn Work>,
    _permit: OwnedSemaphorePermit,
}

/// An operation whose answer can have any type.
pub(super) trait Work: Send {
    /// Whether nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Runs it and keeps the outcome.
    fn run(&mut self, writing: &mut Writing<'_>) -> Ran;
    /// Tells the caller, who gets `error` instead of the outcome when the group failed.
    fn answer(self: Box<Self>, error: Option<&Error>);
}

pub(super) enum Ran {
    Well,
    /// It refused; what it wrote is to be undone.
    Refused,
    /// The same, for an error of the engine.
    Failed(rusqlite::Error),
}

struct Operation<F, T> {
    operation: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Work for Operation<F, T>
where
    F: FnMut(&mut Writing<'_>) -> Step<T> + Send,
    T: Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, writing: &mut Writing<'_>) -> Ran {
        let (outcome, ran) = match (self.operation)(writing) {
            Ok(value) => (Ok(value), Ran::Well),
            Err(Failure::Refused(error)) => (Err(error), Ran::Refused),
            Err(Failure::Engine(error)) => (Err(not_written(&error)), Ran::Failed(error)),
        };
        self.outcome = Some(outcome);
        ran
    }

    fn answer(self: Box<Self>, error: Option<&Error>) {
        let outcome = match (error, self.outcome) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(outcome)) => outcome,
            (None, None) => return,
        };
        // Whoever asked may have gone in the meantime.
        let _ = self.reply.send(outcome);
    }
}
