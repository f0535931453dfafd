//! Child processes: each leads a process group of its own, which [`interrupt`] ends as a whole, so that none is left behind.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// The children that run now: what they do, and their process groups.
static RUNNING: Mutex<Vec<(String, Option<Pid>)>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A child that runs, until dropped. Drop it only after the child was waited for.
pub struct Running(Option<Pid>);

impl Running {
    /// Starts a child; its command must have asked for a process group of its own, and `id` tells its process id. An
    /// interrupt meanwhile waits until the child is known; after one none starts.
    pub fn start<C>(
        what: &str,
        spawn: impl FnOnce() -> io::Result<C>,
        id: impl Fn(&C) -> Option<u32>,
    ) -> io::Result<(C, Self)> {
        let mut running = lock();
        if is_interrupted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = spawn()?;
        let group = id(&child).and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        running.push((what.to_owned(), group));
        Ok((child, Self(group)))
    }

    /// Ends the child with all its children.
    pub fn end(&self) {
        end_group(self.0);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        lock().retain(|(_, group)| *group != self.0);
    }
}

/// What the end of the process broke off.
#[derive(Debug, thiserror::Error)]
#[error("{what} was interrupted; what was there before is untouched, run it again to go on")]
pub struct Interrupted {
    what: String,
}

/// Ends all children that run and returns what the first of them did; `None` when there is none. The process must end
/// after this.
pub fn interrupt() -> Option<Interrupted> {
    let running = lock();
    INTERRUPTED.store(true, Ordering::SeqCst);
    running.iter().for_each(|(_, group)| end_group(*group));
    running.first().map(|(what, _)| Interrupted { what: what.clone() })
}

/// Whether the process is ending: what a child failed at then is not worth telling.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn end_group(group: Option<Pid>) {
    if let Some(group) = group {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn lock() -> MutexGuard<'static, Vec<(String, Option<Pid>)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
