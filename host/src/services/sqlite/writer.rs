//! The thread that writes. It takes what is waiting as one group, runs each operation in a savepoint of its own, commits
//! once, and then answers.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::effects::{Alarms, Effects};
use super::{Catalog, Files, int, sweep};
use crate::services::{Clock, Error, Result};

const GROUP_OPERATIONS: usize = 1024;
const GROUP_BYTES: usize = 4 << 20;
/// What may wait for the writer, in KiB; an operation counts for at least one. Callers beyond it wait outside.
const WAITING_KIB: u32 = 32 << 10;
/// How often an idle writer looks at what has expired.
const TICK: Duration = Duration::from_millis(500);

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
        let worker = Worker {
            db,
            catalog,
            files,
            clock,
            inbox,
            alarms: Alarms::default(),
            durability: None,
            broken: None,
            next_sweep: 0,
            dirty: false,
        };
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || worker.run())?;
        let room = Arc::new(Semaphore::new(WAITING_KIB as usize));
        Ok(Self { jobs: Some(jobs), room, thread: Some(thread) })
    }

    /// Runs `operation`, all of it or nothing, and returns once it is as durable as asked for. `bytes` is about what it holds in
    /// memory. Dropped before its turn, it is not run.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        bytes: usize,
        operation: impl FnOnce(&mut Writing<'_>) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let stopped = || Error::Unavailable("the store has stopped".into());
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).saturating_add(1).min(WAITING_KIB);
        let permit = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| stopped())?;
        let (reply, answer) = oneshot::channel();
        let work = Box::new(Operation { operation: Some(operation), outcome: None, reply });
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

struct Job {
    durability: Durability,
    bytes: usize,
    work: Box<dyn Work>,
    _permit: OwnedSemaphorePermit,
}

/// An operation whose answer can have any type.
trait Work: Send {
    /// Whether nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Runs it once. True when it stays, false when it is to be undone; an engine error besides, for the writer to judge.
    fn run(&mut self, writing: &mut Writing<'_>) -> Result<bool, rusqlite::Error>;
    /// Tells the caller, who gets `error` instead of the outcome when the group failed.
    fn answer(self: Box<Self>, error: Option<&Error>);
}

struct Operation<F, T> {
    operation: Option<F>,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Work for Operation<F, T>
where
    F: FnOnce(&mut Writing<'_>) -> Step<T> + Send,
    T: Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, writing: &mut Writing<'_>) -> Result<bool, rusqlite::Error> {
        let Some(operation) = self.operation.take() else { return Ok(false) };
        let (outcome, ran) = match operation(writing) {
            Ok(value) => (Ok(value), Ok(true)),
            Err(Failure::Refused(error)) => (Err(error), Ok(false)),
            Err(Failure::Engine(error)) => (Err(not_written(&error)), Err(error)),
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

fn not_written(error: &rusqlite::Error) -> Error {
    Error::Unavailable(match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the store's disk is full".into(),
        _ => format!("the store could not write: {error}"),
    })
}

/// After these nothing can be said about what a further write would do to the file.
fn is_fatal(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(SystemIoFailure | DatabaseCorrupt | NotADatabase))
}

struct Worker {
    db: Connection,
    catalog: Arc<Catalog>,
    files: Arc<Files>,
    clock: Clock,
    inbox: Receiver<Job>,
    alarms: Alarms,
    /// What the connection is set to.
    durability: Option<Durability>,
    /// Why there are no more writes.
    broken: Option<Error>,
    next_sweep: i64,
    /// Whether something was written since the last checkpoint.
    dirty: bool,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.inbox.recv_timeout(TICK) {
                Ok(first) => {
                    let group = self.gather(first);
                    self.write(group);
                }
                Err(RecvTimeoutError::Timeout) => self.checkpoint(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.sweep_when_due();
        }
    }

    /// What is waiting, within the bounds of a group.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while group.len() < GROUP_OPERATIONS && bytes < GROUP_BYTES {
            let Ok(job) = self.inbox.try_recv() else { break };
            bytes += job.bytes;
            group.push(job);
        }
        group
    }

    fn write(&mut self, mut group: Vec<Job>) {
        group.retain(|job| !job.work.abandoned());
        let Some(durability) = group.iter().map(|job| job.durability).max() else { return };
        let committed = self.commit(durability, |worker, effects| {
            for job in &mut group {
                worker.run_one(job, effects)?;
            }
            Ok(())
        });
        let error = committed.as_ref().err();
        for job in group {
            job.work.answer(error);
        }
        if let Ok(effects) = committed {
            effects.apply(int(self.clock.now_ms()), &mut self.alarms, &self.files);
        }
    }

    /// Runs `body` as one transaction.
    fn commit(
        &mut self,
        durability: Durability,
        body: impl FnOnce(&mut Self, &mut Effects) -> rusqlite::Result<()>,
    ) -> Result<Effects> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let mut effects = Effects::default();
        let ran = self
            .begin(durability)
            .and_then(|()| body(self, &mut effects))
            .map_err(|error| (not_written(&error), error))
            .and_then(|()| self.execute("COMMIT").map_err(|error| (not_committed(&error), error)));
        let Err((answer, error)) = ran else {
            self.dirty = true;
            return Ok(effects);
        };
        if matches!(answer, Error::UnknownOutcome(_)) {
            effects.keep_files();
        }
        self.recover(&error);
        Err(answer)
    }

    fn begin(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != Some(durability) {
            let level = if durability == Durability::Power { "FULL" } else { "NORMAL" };
            self.db.pragma_update(None, "synchronous", level)?;
            self.durability = Some(durability);
        }
        self.execute("BEGIN IMMEDIATE")
    }

    /// Ends what a failed transaction may have left open, and stops writing when the file can no longer be trusted.
    fn recover(&mut self, error: &rusqlite::Error) {
        if !self.db.is_autocommit() && self.execute("ROLLBACK").is_err() || is_fatal(error) {
            self.broken = Some(Error::Unavailable(format!(
                "the store no longer writes since this error: {error}; check the disk and start again"
            )));
        }
    }

    /// Fails only when the whole group does.
    fn run_one(&mut self, job: &mut Job, effects: &mut Effects) -> rusqlite::Result<()> {
        self.execute("SAVEPOINT one")?;
        let mut writing = self.writing();
        match job.work.run(&mut writing) {
            Ok(true) => {
                effects.append(writing.effects);
                return self.execute("RELEASE one");
            }
            // The engine gave up the transaction, or is about to.
            Err(error) if is_fatal(&error) || self.db.is_autocommit() => return Err(error),
            Ok(false) | Err(_) => {}
        }
        self.execute("ROLLBACK TO one")?;
        self.execute("RELEASE one")
    }

    fn writing(&self) -> Writing<'_> {
        let now = int(self.clock.now_ms());
        Writing { db: &self.db, catalog: &self.catalog, now, effects: Effects::default() }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn sweep_when_due(&mut self) {
        let now = int(self.clock.now_ms());
        if now < self.next_sweep || self.broken.is_some() {
            return;
        }
        let mut more = false;
        let committed = self.commit(Durability::Process, |worker, effects| {
            let mut writing = worker.writing();
            more = sweep::sweep(&mut writing)?;
            effects.append(writing.effects);
            Ok(())
        });
        self.next_sweep = now.saturating_add(if more { 0 } else { sweep::INTERVAL });
        if let Ok(effects) = committed {
            effects.apply(now, &mut self.alarms, &self.files);
        }
    }

    /// Empties the log while there is nothing to do.
    fn checkpoint(&mut self) {
        if !std::mem::take(&mut self.dirty) || self.broken.is_some() {
            return;
        }
        // When a reader is in the way the log stays, to be emptied the next time.
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

/// The engine may have written the whole group to its log before it failed to sync it; a later start might find it there.
fn not_committed(error: &rusqlite::Error) -> Error {
    if is_fatal(error) {
        return Error::UnknownOutcome(format!("the store failed to commit: {error}"));
    }
    not_written(error)
}
