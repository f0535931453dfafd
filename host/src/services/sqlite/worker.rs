//! The thread's own side: it takes what is waiting as one group, runs the operations, commits once, and then answers.
//!
//! An operation that fails before it has written anything leaves the others of its group alone. Should one fail after
//! that, the group is rolled back and run again with a savepoint around each operation; savepoints throughout would
//! cost half again of the processor's time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
use rusqlite::{Connection, ErrorCode};

use super::effects::{Alarms, Effects};
use super::writer::{Durability, Failure, Job, Ran, Writing};
use super::{Catalog, Files, int, sweep};
use crate::services::{Clock, Error};

const GROUP_OPERATIONS: usize = 1024;
const GROUP_BYTES: usize = 4 << 20;
/// How long a group that is small beside the one before is held open. Without it every second group is one of the few
/// that are back first, and 64 callers get two thirds of the throughput.
const LINGER: Duration = Duration::from_micros(100);
/// How often an idle writer looks at what has expired.
const TICK: Duration = Duration::from_millis(500);

pub(super) struct Worker {
    db: Connection,
    catalog: Arc<Catalog>,
    files: Arc<Files>,
    clock: Clock,
    inbox: Receiver<Job>,
    alarms: Alarms,
    /// What the connection is set to.
    durability: Option<Durability>,
    /// Why there are no more writes.
    broken: Option<String>,
    next_sweep: i64,
    /// Whether the last sweep left something.
    behind: bool,
    /// Rows changed when the log was emptied last.
    checkpointed: u64,
    /// Operations in the group before.
    last_group: usize,
}

impl Worker {
    pub(super) fn new(
        db: Connection,
        inbox: Receiver<Job>,
        catalog: Arc<Catalog>,
        files: Arc<Files>,
        clock: Clock,
    ) -> Self {
        let alarms = Alarms::default();
        Self {
            db,
            catalog,
            files,
            clock,
            inbox,
            alarms,
            durability: None,
            broken: None,
            next_sweep: 0,
            behind: false,
            checkpointed: 0,
            last_group: 0,
        }
    }

    pub(super) fn serve(mut self) {
        loop {
            let wait = if self.behind { Duration::ZERO } else { TICK };
            match self.inbox.recv_timeout(wait) {
                Ok(first) => {
                    let group = self.gather(first);
                    self.write(group);
                }
                Err(RecvTimeoutError::Timeout) if self.behind => {}
                Err(RecvTimeoutError::Timeout) => self.checkpoint(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.sweep_when_due();
        }
    }

    /// What is waiting, within the bounds of a group. Callers that were answered together are back together a moment
    /// later: they are worth waiting for when the first of them is here.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        self.drain(&mut group, &mut bytes);
        if group.len() < self.last_group / 2 {
            std::thread::sleep(LINGER);
            self.drain(&mut group, &mut bytes);
        }
        self.last_group = group.len();
        group
    }

    fn drain(&self, group: &mut Vec<Job>, bytes: &mut usize) {
        while group.len() < GROUP_OPERATIONS && *bytes < GROUP_BYTES {
            let Ok(job) = self.inbox.try_recv() else { break };
            *bytes += job.bytes;
            group.push(job);
        }
    }

    fn write(&mut self, mut group: Vec<Job>) {
        let Some(durability) = group.iter().map(|job| job.durability).max() else { return };
        let mut committed = self.commit(durability, |worker, effects| worker.run_each(&mut group, effects));
        if let Err(Undone::ByOne) = committed {
            committed = self.commit(durability, |worker, effects| worker.run_apart(&mut group, effects));
        }
        let error = committed.as_ref().err().map(Undone::error);
        for job in group {
            job.work.answer(error.as_ref());
        }
        if let Ok(effects) = committed {
            effects.apply(int(self.clock.now_ms()), &mut self.alarms, &self.files, &self.catalog.changes);
        }
    }

    /// Runs `body` as one transaction.
    fn commit(
        &mut self,
        durability: Durability,
        body: impl FnOnce(&mut Self, &mut Effects) -> Result<(), Undone>,
    ) -> Result<Effects, Undone> {
        if let Some(broken) = &self.broken {
            return Err(Undone::Stopped(broken.clone()));
        }
        let mut effects = Effects::default();
        let ran = self
            .begin(durability)
            .map_err(Undone::Failed)
            .and_then(|()| body(self, &mut effects))
            .and_then(|()| self.execute("COMMIT").map_err(Undone::AtCommit));
        let Err(undone) = ran else { return Ok(effects) };
        if matches!(undone.error(), Error::UnknownOutcome(_)) {
            effects.keep_files();
        }
        self.recover(&undone);
        Err(undone)
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
    fn recover(&mut self, undone: &Undone) {
        let is_open = !self.db.is_autocommit() && self.execute("ROLLBACK").is_err();
        if is_open || undone.is_fatal() {
            let cause = undone.error();
            self.broken = Some(format!("the store writes no more since this: {cause}; check the disk and start again"));
        }
    }

    /// Runs the operations one after the other.
    fn run_each(&self, group: &mut [Job], effects: &mut Effects) -> Result<(), Undone> {
        for job in group {
            let before = self.db.total_changes();
            match self.run(job, effects) {
                Ran::Well => {}
                Ran::Failed(error) if self.is_over(&error) => return Err(Undone::Failed(error)),
                Ran::Refused | Ran::Failed(_) if self.db.total_changes() == before => {}
                Ran::Refused | Ran::Failed(_) => return Err(Undone::ByOne),
            }
        }
        Ok(())
    }

    /// Runs the operations so that each can be undone for itself.
    fn run_apart(&self, group: &mut [Job], effects: &mut Effects) -> Result<(), Undone> {
        for job in group {
            self.execute("SAVEPOINT one").map_err(Undone::Failed)?;
            match self.run(job, effects) {
                Ran::Well => {}
                Ran::Failed(error) if self.is_over(&error) => return Err(Undone::Failed(error)),
                Ran::Refused | Ran::Failed(_) => self.execute("ROLLBACK TO one").map_err(Undone::Failed)?,
            }
            self.execute("RELEASE one").map_err(Undone::Failed)?;
        }
        Ok(())
    }

    fn run(&self, job: &mut Job, effects: &mut Effects) -> Ran {
        if job.work.abandoned() {
            return Ran::Well;
        }
        let mut writing = self.writing();
        let ran = job.work.run(&mut writing);
        if matches!(ran, Ran::Well) {
            effects.append(writing.effects);
        }
        ran
    }

    /// Whether the error ends the transaction: the engine gave it up, or had better.
    fn is_over(&self, error: &rusqlite::Error) -> bool {
        is_fatal(error) || self.db.is_autocommit()
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
        if (now < self.next_sweep && !self.behind) || self.broken.is_some() {
            return;
        }
        self.behind = false;
        let mut more = false;
        let committed = self.commit(Durability::Process, |worker, effects| {
            let mut writing = worker.writing();
            more = sweep::sweep(&mut writing)?;
            effects.append(writing.effects);
            Ok(())
        });
        self.next_sweep = now.saturating_add(sweep::INTERVAL);
        if let Ok(effects) = committed {
            self.behind = more;
            effects.apply(now, &mut self.alarms, &self.files, &self.catalog.changes);
        }
    }

    /// Empties the log while there is nothing to do.
    fn checkpoint(&mut self) {
        let changes = self.db.total_changes();
        if std::mem::replace(&mut self.checkpointed, changes) == changes || self.broken.is_some() {
            return;
        }
        // When a reader is in the way the log stays, to be emptied the next time.
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

/// Why a group was not committed.
enum Undone {
    /// An operation failed after it had written.
    ByOne,
    Failed(rusqlite::Error),
    AtCommit(rusqlite::Error),
    Refused(Error),
    Stopped(String),
}

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => Self::Refused(error),
            Failure::Engine(error) => Self::Failed(error),
        }
    }
}

impl Undone {
    /// The answer for each caller of the group.
    fn error(&self) -> Error {
        match self {
            // The engine may have written the whole group to its log before it failed to sync it; a later start might
            // find it there.
            Self::AtCommit(error) if is_fatal(error) => {
                Error::UnknownOutcome(format!("the store failed to commit: {error}"))
            }
            Self::Failed(error) | Self::AtCommit(error) => not_written(error),
            Self::Refused(error) => error.clone(),
            Self::Stopped(why) => Error::Unavailable(why.clone()),
            Self::ByOne => Error::Unavailable("another operation failed at the same time".into()),
        }
    }

    fn is_fatal(&self) -> bool {
        matches!(self, Self::Failed(error) | Self::AtCommit(error) if is_fatal(error))
    }
}

pub(super) fn not_written(error: &rusqlite::Error) -> Error {
    Error::Unavailable(if is_full(error) {
        "the store's disk is full".into()
    } else {
        format!("the store could not write: {error}")
    })
}

/// The index of the log fails in its own way.
fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull) || extended == Some(SQLITE_IOERR_SHMSIZE)
}

/// After these nothing can be said about what a further write would do to the file. A write that was refused, because of
/// a quota for one, is none of them: what it left of its group in the log counts for nothing, and the next goes over it.
fn is_fatal(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    let refused = error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_WRITE);
    match error.sqlite_error_code() {
        Some(SystemIoFailure) => !refused && !is_full(error),
        code => matches!(code, Some(DatabaseCorrupt | NotADatabase)),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi::{self, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR_FSYNC};

    use super::*;

    #[test]
    fn writing_goes_on_after_a_write_that_was_refused_and_not_after_a_sync_that_failed() {
        let told =
            [SQLITE_FULL, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_CORRUPT].map(|code| {
                let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
                let fatal = if is_fatal(&error) { ", fatal" } else { "" };
                format!("{}{fatal}", Undone::AtCommit(error).error())
            });
        insta::assert_snapshot!(told.join("\n"), @"
        unavailable: the store's disk is full
        unavailable: the store's disk is full
        unavailable: the store could not write: Error code 778: disk I/O error
        unknown outcome: the store failed to commit: Error code 1034: disk I/O error, fatal
        unknown outcome: the store failed to commit: Error code 11: database disk image is malformed, fatal
        ");
    }
}
