use std::time::Duration;

use bytesize::ByteSize;

use super::Schedule;

/// Sends events that wait in a queue to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    pub origin: Origin,
    /// The queue its events wait in: that of the trigger, or an internal one, whose name holds a `/`.
    pub queue: String,
    pub function: String,
    pub batch: Batch,
    /// Invocations at a time, at most. Default 64.
    pub concurrency: u32,
    pub backoff: Backoff,
    pub delivery: Delivery,
}

/// Where the events come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The queue itself.
    Queue,
    /// A topic, by name.
    Topic(String),
    Schedule(Box<Ticks>),
    /// A container, by name.
    Blob(String),
    /// A bucket, by name.
    Kv(String),
    /// Asynchronous invocations.
    Invoke(Box<Destinations>),
}

impl Origin {
    /// The word in messages: `queue`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Topic(_) => "topic",
            Self::Schedule(_) => "schedule",
            Self::Blob(_) => "blob",
            Self::Kv(_) => "kv",
            Self::Invoke(_) => "invoke",
        }
    }
}

/// What a batch handler gets at a time; other handlers get one event each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Events, at most 100. Default 10.
    pub size: u32,
    /// Bodies added up, at most 1 MiB. Default 1 MiB.
    pub bytes: ByteSize,
    /// How long the first waits for others, at most 5 minutes. Default 0.
    pub window: Duration,
}

impl Default for Batch {
    fn default() -> Self {
        Self { size: 10, bytes: ByteSize::mib(1), window: Duration::ZERO }
    }
}

/// How long an event waits after a failed attempt: `min`, doubled with each further one up to `max`, of it a random part
/// between half and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Default 1 s.
    pub min: Duration,
    /// Default 15 min.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { min: Duration::from_secs(1), max: Duration::from_secs(15 * 60) }
    }
}

/// What is promised of the effects of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// An event may be handled more than once.
    #[default]
    AtLeastOnce,
    /// What the handler sends and sets through our services is committed together with the acknowledgement, or not at all.
    Transactional,
}

/// The ticks of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticks {
    pub name: String,
    pub schedule: Schedule,
    pub missed: Missed,
    /// Whether a tick is sent while the one before is not done. Default true.
    pub overlap: bool,
    /// The events' data.
    pub data: String,
}

/// What becomes of ticks whose time passed while no host ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// They are left out.
    Skip,
    /// Only the last one is made up for.
    #[default]
    Last,
    /// Each is made up for, the last 1,000 of them.
    All,
}

/// Where the outcomes of asynchronous invocations go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    pub on_success: Option<Destination>,
    pub on_failure: Option<Destination>,
}

/// `queue:NAME`, `topic:NAME` or `function:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Queue(String),
    Topic(String),
    Function(String),
}

impl EventSource {
    /// Invocations at a time without a setting.
    pub const CONCURRENCY: u32 = 64;

    pub fn new(origin: Origin, queue: String, function: String) -> Self {
        Self {
            origin,
            queue,
            function,
            batch: Batch::default(),
            concurrency: Self::CONCURRENCY,
            backoff: Backoff::default(),
            delivery: Delivery::default(),
        }
    }
}
