use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytesize::ByteSize;

use super::{Filter, Service};

/// The resources a backend provisions when it is opened. Guests never create any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    pub buckets: BTreeSet<String>,
    pub queues: BTreeMap<String, QueueSettings>,
    pub topics: BTreeMap<String, TopicSettings>,
    pub containers: BTreeSet<String>,
    /// By the bucket.
    pub kv_watches: BTreeMap<String, Vec<KvWatch>>,
    /// By the container.
    pub blob_watches: BTreeMap<String, Vec<BlobWatch>>,
}

impl Resources {
    pub fn contains(&self, service: Service, name: &str) -> bool {
        match service {
            Service::Kv => self.buckets.contains(name),
            Service::Queue => self.queues.contains_key(name),
            Service::Topic => self.topics.contains_key(name),
            Service::Blob => self.containers.contains(name),
            // No backend provisions functions.
            Service::Function => false,
        }
    }

    pub fn is_empty(&self) -> bool {
        let Self { buckets, queues, topics, containers, kv_watches: _, blob_watches: _ } = self;
        buckets.is_empty() && queues.is_empty() && topics.is_empty() && containers.is_empty()
    }

    /// Each watch: what is watched, and the queue that is told.
    pub fn watches(&self) -> impl Iterator<Item = (Service, &str, &str)> {
        let of_keys = self.kv_watches.iter().flat_map(|(bucket, watches)| {
            watches.iter().map(|watch| (Service::Kv, bucket.as_str(), watch.queue.as_str()))
        });
        let of_objects = self.blob_watches.iter().flat_map(|(container, watches)| {
            watches.iter().map(|watch| (Service::Blob, container.as_str(), watch.queue.as_str()))
        });
        of_keys.chain(of_objects)
    }
}

/// How a queue behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSettings {
    /// Ordered within a group, one message of a group in flight. Default false.
    pub fifo: bool,
    /// Deliveries before a message is dead. Default 5.
    pub max_receives: u32,
    /// The queue that takes dead messages; without one they are dropped. Must be provisioned too.
    pub dead_letter: Option<String>,
    /// How long a message lives at most, 60 s to 14 days. Default 4 days.
    pub retention: Duration,
    /// How long a deduplication id is remembered, at most 10 minutes. Default 5 minutes.
    pub deduplication_window: Duration,
    /// Body, content type and attributes of one message, at most 1 MiB. Default 256 KiB.
    pub message_size: ByteSize,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            fifo: false,
            max_receives: 5,
            dead_letter: None,
            retention: Duration::from_secs(4 * 24 * 3600),
            deduplication_window: Duration::from_secs(5 * 60),
            message_size: ByteSize::kib(256),
        }
    }
}

/// Where a topic's messages go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSettings {
    pub subscriptions: Vec<Subscription>,
    /// How long messages are kept besides, to be replayed, 60 s to 14 days. Not at all when absent.
    pub retention: Option<Duration>,
}

/// One queue's share of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// A provisioned queue.
    pub queue: String,
    /// Which messages it takes; all when absent.
    pub filter: Option<Filter>,
}

/// A queue that gets a message for each change of a bucket, in one step with the change. The message is of the group of
/// the key, its body JSON; see `services::kv::Change`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvWatch {
    /// A provisioned queue of the same backend.
    pub queue: String,
    /// What the keys start with; empty for all.
    pub prefix: String,
    /// Whether it is told of values that are written,
    pub set: bool,
    /// of keys that are deleted,
    pub removed: bool,
    /// and of keys whose time is over.
    pub expired: bool,
}

/// A queue that gets a message for each change of a container, in one step with the change. The message is of the group
/// of the key, its body JSON; see `services::blob::Change`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobWatch {
    /// A provisioned queue of the same backend.
    pub queue: String,
    /// What the keys start with; empty for all.
    pub prefix: String,
    /// What the keys end with; empty for all.
    pub suffix: String,
    /// Whether it is told of objects that are stored, new or in the place of another,
    pub created: bool,
    /// and of objects that are deleted.
    pub removed: bool,
}

pub const NAME_BYTES: usize = 64;

/// Why a text cannot name a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a {resource}: {why}")]
pub struct NameError {
    name: String,
    resource: &'static str,
    why: &'static str,
}

/// Resource names are 1 to [`NAME_BYTES`] letters, digits, `-`, `_` and `.` of ASCII, start with a letter or digit and
/// hold no `..`, so that every backend can keep them as they are.
pub fn check_name(service: Service, name: &str) -> Result<(), NameError> {
    check(service.resource(), name)
}

/// Triggers are named by the same rule.
pub(super) fn check_trigger_name(name: &str) -> Result<(), NameError> {
    check("trigger", name)
}

fn check(resource: &'static str, name: &str) -> Result<(), NameError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > NAME_BYTES {
        "it is longer than 64 bytes"
    } else if !name.chars().all(fits) {
        "only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it"
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it must start with a letter or a digit"
    } else if name.contains("..") {
        "it contains `..`"
    } else {
        return Ok(());
    };
    let mut shown: String = name.chars().take(NAME_BYTES).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    Err(NameError { name: shown, resource, why })
}

/// Functions are named by the same rule.
pub fn check_function_name(name: &str) -> Result<(), NameError> {
    check_name(Service::Function, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        for name in ["a", "0", "A-b_c.d", "a.", "a-", "a.b.c", &"x".repeat(64)] {
            assert_eq!(check_name(Service::Kv, name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn a_bad_name_says_why() {
        let long = "ü".repeat(65);
        let names = ["", &"x".repeat(65), &long, "a b", "ü", "a/b", "a\0", "-a", "_a", ".a", "..", "a..b"];
        let errors = names.map(|name| check_name(Service::Queue, name).unwrap_err().to_string());
        insta::assert_snapshot!(errors.join("\n"), @r#"
        "" cannot name a queue: it is empty
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" cannot name a queue: it is longer than 64 bytes
        "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü…" cannot name a queue: it is longer than 64 bytes
        "a b" cannot name a queue: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
        "ü" cannot name a queue: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
        "a/b" cannot name a queue: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
        "a\0" cannot name a queue: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
        "-a" cannot name a queue: it must start with a letter or a digit
        "_a" cannot name a queue: it must start with a letter or a digit
        ".a" cannot name a queue: it must start with a letter or a digit
        ".." cannot name a queue: it must start with a letter or a digit
        "a..b" cannot name a queue: it contains `..`
        "#);
    }

    #[test]
    fn a_bad_name_says_what_it_should_name() {
        let errors = Service::ALL.map(|service| check_name(service, "").unwrap_err().to_string());
        insta::assert_snapshot!(errors.join("\n"), @r#"
        "" cannot name a bucket: it is empty
        "" cannot name a queue: it is empty
        "" cannot name a topic: it is empty
        "" cannot name a container: it is empty
        "" cannot name a function: it is empty
        "#);
    }

    #[test]
    fn queues_have_the_documented_defaults() {
        let settings = QueueSettings::default();
        assert_eq!((settings.fifo, settings.max_receives, settings.dead_letter), (false, 5, None));
        assert_eq!(settings.retention, Duration::from_secs(345_600));
        assert_eq!(settings.deduplication_window, Duration::from_secs(300));
        assert_eq!(settings.message_size, ByteSize::b(262_144));
    }
}
