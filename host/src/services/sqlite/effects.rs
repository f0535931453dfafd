//! What an operation brings about outside the database, once it is committed.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Files, NewFile, Queue};
use crate::services::kv::Change;

#[derive(Default)]
pub(crate) struct Effects {
    visibility: Vec<(Arc<Queue>, Visibility)>,
    adopted: Vec<Arc<NewFile>>,
    discarded: Vec<String>,
    changes: Vec<Change>,
}

enum Visibility {
    /// A message becomes visible then.
    Message(i64),
    /// Somebody who waits for a message will look again then.
    Watched(i64),
}

/// For each queue when those who wait for it look again, at the latest; never, when it is not here.
#[derive(Default)]
pub(super) struct Alarms(HashMap<i64, i64>);

impl Effects {
    /// A message of `queue` becomes visible at `at`, which may be over.
    pub(crate) fn visible(&mut self, queue: &Arc<Queue>, at: i64) {
        self.visibility.push((Arc::clone(queue), Visibility::Message(at)));
    }

    /// A receiver found nothing and waits until `at`.
    pub(crate) fn watched(&mut self, queue: &Arc<Queue>, at: i64) {
        self.visibility.push((Arc::clone(queue), Visibility::Watched(at)));
    }

    /// A row names the file now.
    pub(crate) fn adopt(&mut self, file: Arc<NewFile>) {
        self.adopted.push(file);
    }

    /// No row names the file any more.
    pub(crate) fn discard(&mut self, file: String) {
        self.discarded.push(file);
    }

    /// Those who look on are told.
    pub(crate) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.visibility.append(&mut other.visibility);
        self.adopted.append(&mut other.adopted);
        self.discarded.append(&mut other.discarded);
        self.changes.append(&mut other.changes);
    }

    /// Leaves the new files where they are: the next start removes those without a row.
    pub(super) fn keep_files(&mut self) {
        for file in self.adopted.drain(..) {
            file.keep();
        }
    }

    pub(super) fn apply(mut self, now: i64, alarms: &mut Alarms, files: &Files, onlookers: &broadcast::Sender<Change>) {
        for (queue, visibility) in std::mem::take(&mut self.visibility) {
            alarms.ring(&queue, &visibility, now);
        }
        self.keep_files();
        for file in &self.discarded {
            files.remove(file);
        }
        for change in self.changes {
            // Nobody looks on any more if it fails.
            let _ = onlookers.send(change);
        }
    }
}

impl Alarms {
    /// Wakes one waiter for a message that is ready; for a later one all of them, unless they look again before it
    /// anyway.
    fn ring(&mut self, queue: &Queue, visibility: &Visibility, now: i64) {
        match *visibility {
            Visibility::Message(at) if at <= now => queue.ready.notify_one(),
            Visibility::Message(at) => {
                if self.0.get(&queue.id).is_none_or(|alarm| at < *alarm) {
                    self.0.insert(queue.id, at);
                    queue.ready.notify_waiters();
                }
            }
            Visibility::Watched(at) => {
                self.0.insert(queue.id, at);
            }
        }
    }
}
