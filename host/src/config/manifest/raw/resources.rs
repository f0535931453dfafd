use schemars::JsonSchema;
use serde::Deserialize;

use super::Located;

/// What keeps a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// A store on this machine's disk, which survives a power cut.
    #[default]
    Embedded,
    /// This process, which forgets all at its end.
    Memory,
}

/// A bucket or a container.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stored {
    /// What keeps it; that of `store` when absent.
    pub backend: Option<Backend>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Queue {
    /// What keeps it; that of `store` when absent.
    pub backend: Option<Backend>,
    /// Ordered within a group, one message of a group in flight.
    #[schemars(extend("default" = false))]
    pub fifo: Option<bool>,
    /// Deliveries before a message is dead.
    #[schemars(range(min = 1, max = 1000), extend("default" = 5))]
    pub max_receives: Option<u32>,
    /// The queue that takes dead messages, `fifo` when this one is; without it they are dropped.
    pub dead_letter: Option<Located<String>>,
    /// How long a message lives at most, from 60s to 14days.
    #[schemars(extend("default" = "4days"))]
    pub retention: Option<Located<String>>,
    /// How long a deduplication id is remembered, up to 10m.
    #[schemars(extend("default" = "5m"))]
    pub deduplication_window: Option<Located<String>>,
    /// Largest message: body, content type and attributes, from 1KiB to 1MiB.
    #[schemars(extend("default" = "256KiB"))]
    pub message_size: Option<Located<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Topic {
    /// What keeps it; that of `store` when absent. Its queues must be kept there too.
    pub backend: Option<Backend>,
    /// How long messages are kept to be replayed, from 1m to 14d; they are not when absent.
    #[schemars(extend("examples" = ["7d"]))]
    pub retention: Option<Located<String>>,
    /// The queues that get its messages.
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subscription {
    /// A queue of this manifest.
    #[schemars(required, extend("examples" = ["orders"]))]
    pub queue: Option<Located<String>>,
    /// An event pattern in JSON over `{"attributes": {..}, "body": ..}`; every message matches when absent.
    #[schemars(extend("examples" = [r#"{"attributes": {"kind": ["paid"]}}"#]))]
    pub filter: Option<Located<String>>,
}
