use serde::{Deserialize, Serialize};

use super::ObjectInfo;
use crate::config::BlobWatch;

/// What happened to an object. As JSON, the body of the message that a watch gets; the messages about one key come in
/// order of their changes when the queue is `fifo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub container: String,
    pub key: String,
    pub kind: ChangeKind,
    /// Of the object that was stored, or of the one that is gone.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Also in the place of another.
    Created,
    Removed,
}

impl Change {
    pub(in crate::services) fn created(container: &str, info: &ObjectInfo) -> Self {
        Self {
            container: container.into(),
            key: info.key.clone(),
            kind: ChangeKind::Created,
            etag: info.etag.clone(),
            size: info.size,
        }
    }

    /// The queues that are told.
    pub(in crate::services) fn takers<'a>(&self, watches: &'a [BlobWatch]) -> impl Iterator<Item = &'a str> {
        let wanted = |watch: &&BlobWatch| match self.kind {
            ChangeKind::Created => watch.created,
            ChangeKind::Removed => watch.removed,
        };
        let of_key = |watch: &&BlobWatch| self.key.starts_with(&watch.prefix) && self.key.ends_with(&watch.suffix);
        watches.iter().filter(of_key).filter(wanted).map(|watch| watch.queue.as_str())
    }
}
