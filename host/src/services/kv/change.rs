use serde::{Deserialize, Serialize};

use crate::config::KvWatch;

/// What happened to a key. As JSON, the body of the message that a watch gets; the messages about one key come in order
/// of their changes when the queue is `fifo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub bucket: String,
    pub key: String,
    pub kind: ChangeKind,
    /// Of the value that was written, or of the one that is gone.
    pub version: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Set,
    Removed,
    /// Told within two seconds; not of a key that was written again before.
    Expired,
}

impl Change {
    /// The queues that are told.
    pub(in crate::services) fn takers<'a>(&self, watches: &'a [KvWatch]) -> impl Iterator<Item = &'a str> {
        let wanted = |watch: &&KvWatch| match self.kind {
            ChangeKind::Set => watch.set,
            ChangeKind::Removed => watch.removed,
            ChangeKind::Expired => watch.expired,
        };
        let watching = watches.iter().filter(|watch| self.key.starts_with(&watch.prefix)).filter(wanted);
        watching.map(|watch| watch.queue.as_str())
    }
}
