use schemars::JsonSchema;
use serde::Deserialize;

use super::Located;
use crate::config::{Delivery, Missed};

/// Sends the messages of a queue to a function.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Queue {
    /// A queue of this manifest.
    #[schemars(required, extend("examples" = ["orders"]))]
    pub queue: Option<Located<String>>,
    /// The function that gets them.
    #[schemars(required, extend("examples" = ["bill"]))]
    pub function: Option<Located<String>>,
    /// Refuse a queue that is not `fifo`.
    #[schemars(extend("default" = false))]
    pub ordered: Option<Located<bool>>,
    /// What a batch handler gets at a time.
    pub batch: Option<Batch>,
    /// Invocations at a time.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 64))]
    pub concurrency: Option<u32>,
    /// How long a message waits after a failed attempt.
    pub backoff: Option<Backoff>,
    /// `transactional` commits what the handler sends and sets together with the acknowledgement.
    #[schemars(extend("default" = "at-least-once"))]
    pub delivery: Option<Located<Delivery>>,
}

/// Sends what is published in a topic to a function, each subscription with retries and dead letters of its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Topic {
    /// A topic of this manifest.
    #[schemars(required, extend("examples" = ["stored"]))]
    pub topic: Option<Located<String>>,
    /// The function that gets them.
    #[schemars(required, extend("examples" = ["resize"]))]
    pub function: Option<Located<String>>,
    /// Names the subscription, which remembers what it has to do; the function's name when absent.
    pub name: Option<Located<String>>,
    /// An event pattern in JSON over `{"attributes": {..}, "body": ..}`; every message matches when absent.
    #[schemars(extend("examples" = [r#"{"attributes": {"kind": ["paid"]}}"#]))]
    pub filter: Option<Located<String>>,
    /// Keep the order of messages of one group.
    #[schemars(extend("default" = false))]
    pub ordered: Option<bool>,
    /// What a batch handler gets at a time.
    pub batch: Option<Batch>,
    /// Invocations at a time.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 64))]
    pub concurrency: Option<u32>,
    /// How long a message waits after a failed attempt.
    pub backoff: Option<Backoff>,
    /// Deliveries before a message is dead.
    #[schemars(range(min = 1, max = 1000), extend("default" = 5))]
    pub max_receives: Option<u32>,
    /// The queue that takes dead messages; without it they are dropped.
    pub dead_letter: Option<Located<String>>,
    /// `transactional` commits what the handler sends and sets together with the acknowledgement.
    #[schemars(extend("default" = "at-least-once"))]
    pub delivery: Option<Located<Delivery>>,
}

/// Invokes a function at planned times.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Schedule {
    /// Names the schedule, which remembers its last tick.
    #[schemars(required, extend("examples" = ["nightly"]))]
    pub name: Option<Located<String>>,
    /// `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`.
    #[schemars(required, extend("examples" = ["cron(0 0 3 * * *)"]))]
    pub schedule: Option<Located<String>>,
    /// The IANA time zone that cron and at go by.
    #[schemars(extend("default" = "UTC"))]
    pub zone: Option<Located<String>>,
    /// The function that is invoked.
    #[schemars(required, extend("examples" = ["clean"]))]
    pub function: Option<Located<String>>,
    /// The events' data, a text; nothing when absent.
    pub data: Option<String>,
    /// What becomes of ticks whose time passed while no host ran.
    #[schemars(extend("default" = "last"))]
    pub missed: Option<Missed>,
    /// Whether a tick is sent while the one before is not done.
    #[schemars(extend("default" = true))]
    pub overlap: Option<bool>,
    /// How long a tick waits after a failed attempt.
    pub backoff: Option<Backoff>,
    /// Attempts before a tick is dead.
    #[schemars(range(min = 1, max = 1000), extend("default" = 5))]
    pub max_receives: Option<u32>,
    /// The queue that takes dead ticks; without it they are dropped.
    pub dead_letter: Option<Located<String>>,
    /// `transactional` commits what the handler sends and sets together with the acknowledgement.
    #[schemars(extend("default" = "at-least-once"))]
    pub delivery: Option<Located<Delivery>>,
}

/// Sends changes of objects to a function, those of one key in order.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Blob {
    /// A container of this manifest.
    #[schemars(required, extend("examples" = ["inbox"]))]
    pub container: Option<Located<String>>,
    /// The function that gets them.
    #[schemars(required, extend("examples" = ["resize"]))]
    pub function: Option<Located<String>>,
    /// Names the trigger, which remembers what it has to do; the function's name when absent.
    pub name: Option<Located<String>>,
    /// The kinds of change; all when empty.
    #[serde(default)]
    #[schemars(extend("examples" = [["created"]]))]
    pub on: Vec<BlobChange>,
    /// Only keys that start with it.
    pub prefix: Option<String>,
    /// Only keys that end with it.
    pub suffix: Option<String>,
    /// What a batch handler gets at a time.
    pub batch: Option<Batch>,
    /// Invocations at a time.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 64))]
    pub concurrency: Option<u32>,
    /// How long a change waits after a failed attempt.
    pub backoff: Option<Backoff>,
    /// Deliveries before a change is dead.
    #[schemars(range(min = 1, max = 1000), extend("default" = 5))]
    pub max_receives: Option<u32>,
    /// The queue that takes dead changes; without it they are dropped.
    pub dead_letter: Option<Located<String>>,
    /// `transactional` commits what the handler sends and sets together with the acknowledgement.
    #[schemars(extend("default" = "at-least-once"))]
    pub delivery: Option<Located<Delivery>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlobChange {
    /// A new object, or a new body of one.
    Created,
    /// It was deleted.
    Removed,
}

/// Sends changes of keys to a function, those of one key in order.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Kv {
    /// A bucket of this manifest.
    #[schemars(required, extend("examples" = ["visits"]))]
    pub bucket: Option<Located<String>>,
    /// The function that gets them.
    #[schemars(required, extend("examples" = ["audit"]))]
    pub function: Option<Located<String>>,
    /// Names the trigger, which remembers what it has to do; the function's name when absent.
    pub name: Option<Located<String>>,
    /// The kinds of change; all when empty.
    #[serde(default)]
    #[schemars(extend("examples" = [["set"]]))]
    pub on: Vec<KvChange>,
    /// Only keys that start with it.
    pub prefix: Option<String>,
    /// What a batch handler gets at a time.
    pub batch: Option<Batch>,
    /// Invocations at a time.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 64))]
    pub concurrency: Option<u32>,
    /// How long a change waits after a failed attempt.
    pub backoff: Option<Backoff>,
    /// Deliveries before a change is dead.
    #[schemars(range(min = 1, max = 1000), extend("default" = 5))]
    pub max_receives: Option<u32>,
    /// The queue that takes dead changes; without it they are dropped.
    pub dead_letter: Option<Located<String>>,
    /// `transactional` commits what the handler sends and sets together with the acknowledgement.
    #[schemars(extend("default" = "at-least-once"))]
    pub delivery: Option<Located<Delivery>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KvChange {
    /// A value was written.
    Set,
    /// It was deleted.
    Removed,
    /// Its time to live was over.
    Expired,
}

/// A batch closes at whichever comes first.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Batch {
    /// Events.
    #[schemars(range(min = 1, max = 100), extend("default" = 10))]
    pub size: Option<u32>,
    /// Their bodies added up, from 1KiB to 1MiB.
    #[schemars(extend("default" = "1MiB"))]
    pub bytes: Option<Located<String>>,
    /// How long the first waits for others, up to 5m.
    #[schemars(extend("default" = "0s"))]
    pub window: Option<Located<String>>,
}

/// `min`, doubled with each further attempt up to `max`, of it a random part between half and all.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Backoff {
    /// After the first attempt, from 10ms to 12h.
    #[schemars(extend("default" = "1s"))]
    pub min: Option<Located<String>>,
    /// At most, from 10ms to 12h.
    #[schemars(extend("default" = "15m"))]
    pub max: Option<Located<String>>,
}

/// Takes invocations that nobody waits for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Async {
    /// Invocations at a time.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 64))]
    pub concurrency: Option<u32>,
    /// How long an event waits after a failed attempt.
    pub backoff: Option<Backoff>,
    /// Attempts before an event is dead.
    #[schemars(range(min = 1, max = 1000), extend("default" = 3))]
    pub max_receives: Option<u32>,
    /// How long an event may wait for success, from 60s to 14days.
    #[schemars(extend("default" = "6h"))]
    pub max_age: Option<Located<String>>,
    /// The queue that takes dead events; without it they are dropped.
    pub dead_letter: Option<Located<String>>,
    /// What gets a record of each success: `queue:NAME`, `topic:NAME` or `function:NAME`.
    #[schemars(extend("examples" = ["queue:done"]))]
    pub on_success: Option<Located<String>>,
    /// What gets a record of each event that is given up.
    #[schemars(extend("examples" = ["topic:failures"]))]
    pub on_failure: Option<Located<String>>,
    /// `transactional` commits what the handler sends and sets together with the acknowledgement.
    #[schemars(extend("default" = "at-least-once"))]
    pub delivery: Option<Located<Delivery>>,
}
