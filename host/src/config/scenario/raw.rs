//! A file of scenarios as it is written; checked like a manifest.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::manifest::raw::{Located, Named};

/// What happens to an application, and what is expected of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "*.test.toml")]
pub struct File {
    /// Each with the application as it is in the beginning: `[[scenario]]`.
    #[serde(default)]
    pub scenario: Vec<Scenario>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    #[schemars(required, extend("examples" = ["an order that fails is tried again"]))]
    pub name: Option<String>,
    /// Begins what is left to chance: faults and the times between attempts. A new one each time when absent.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub seed: Option<u32>,
    /// What the clock says in the beginning.
    #[schemars(extend("default" = "2026-01-01T00:00:00Z"))]
    pub starts: Option<Located<String>>,
    /// How often the store and the host fail.
    #[serde(default)]
    pub faults: Faults,
    /// What is there in the beginning. Nobody is told of it as of a change.
    #[serde(default)]
    pub given: State,
    /// What happens, one after the other: `[[scenario.step]]`.
    #[serde(default)]
    pub step: Vec<Located<Step>>,
    /// What is so in the end.
    #[serde(default)]
    pub expect: Expect,
}

/// In how many of 100 cases; 0 when absent.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Faults {
    /// A message that was handled is not acknowledged: its lease was lost.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub drop_ack: u8,
    /// A message that was acknowledged is delivered once more.
    #[serde(default)]
    #[schemars(range(min = 0, max = 90), extend("default" = 0))]
    pub duplicate: u8,
    /// The host ends after the handler did and before the message is settled.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub crash: u8,
    /// A queue does not take or give messages.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub unavailable: u8,
    /// A message takes up to a minute to be settled.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub slow: u8,
}

/// Texts by key or by object.
pub type Texts = BTreeMap<String, String>;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct State {
    /// Values of buckets, by key.
    #[serde(default)]
    pub kv: Named<Texts>,
    /// Bodies of messages in queues.
    #[serde(default)]
    pub queue: Named<Vec<String>>,
    /// Objects of containers, by key.
    #[serde(default)]
    pub blob: Named<Texts>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expect {
    /// Of the response to the step's `http`.
    #[schemars(range(min = 100, max = 599), extend("examples" = [200]))]
    pub status: Option<Located<u16>>,
    /// Of the response to the step's `http` or `invoke`.
    pub body: Option<Located<String>>,
    /// How the step's `invoke` ended: `ok`, `rejected`, `retry`, `trap`.
    #[schemars(extend("examples" = ["ok"]))]
    pub outcome: Option<Located<String>>,
    /// All that buckets hold.
    #[serde(default)]
    pub kv: Named<Texts>,
    /// Bodies of all messages in queues, also those that wait or are leased; in any order.
    #[serde(default)]
    pub queue: Named<Vec<String>>,
    /// All that containers hold.
    #[serde(default)]
    pub blob: Named<Texts>,
    /// The most that one invocation so far burnt.
    #[schemars(range(min = 0, max = 9_223_372_036_854_775_807_i64))]
    pub fuel_at_most: Option<u64>,
    /// How often functions were invoked so far.
    #[serde(default)]
    pub invocations: Named<Count>,
    /// Texts that functions have logged so far, each a part of a line.
    #[serde(default)]
    pub logs: Vec<String>,
}

/// A number of invocations.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Count(#[schemars(range(min = 0, max = 4_294_967_295_u32))] pub u32);

/// One of the things that can happen, and what is expected then.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// Puts a message into a queue.
    pub send: Option<Send>,
    /// Publishes a message in a topic.
    pub publish: Option<Publish>,
    /// Invokes a function and waits for its answer.
    pub invoke: Option<Invoke>,
    /// Leaves an event for a function.
    pub invoke_async: Option<Invoke>,
    /// Sends a request to the application.
    pub http: Option<Http>,
    /// Sets a key of a bucket.
    pub set: Option<Set>,
    /// Removes a key of a bucket.
    pub remove: Option<Remove>,
    /// Stores an object in a container.
    pub put: Option<Put>,
    /// Removes an object of a container.
    pub delete: Option<Delete>,
    /// Lets time pass, and all happen that is due in it.
    #[schemars(extend("examples" = ["2days"]))]
    pub advance: Option<Located<String>>,
    #[serde(default)]
    pub expect: Expect,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Send {
    #[schemars(required, extend("examples" = ["orders"]))]
    pub queue: Option<Located<String>>,
    #[serde(default)]
    pub body: String,
    /// Messages of one group are delivered in order, where the queue is `fifo`.
    pub group: Option<String>,
    #[serde(default)]
    pub attributes: Texts,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Publish {
    #[schemars(required, extend("examples" = ["stored"]))]
    pub topic: Option<Located<String>>,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub attributes: Texts,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Invoke {
    #[schemars(required, extend("examples" = ["hello"]))]
    pub function: Option<Located<String>>,
    /// The event's data.
    #[serde(default)]
    pub data: String,
    /// The event's type.
    #[schemars(extend("default" = "faas.invoke"))]
    pub r#type: Option<String>,
    /// What the event is about.
    pub subject: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Http {
    /// Method and path.
    #[schemars(required, extend("examples" = ["GET /visits?page=2"]))]
    pub request: Option<Located<String>>,
    #[serde(default)]
    pub headers: Texts,
    #[serde(default)]
    pub body: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Set {
    #[schemars(required, extend("examples" = ["visits"]))]
    pub bucket: Option<Located<String>>,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub value: String,
    /// After how long it is gone.
    #[schemars(extend("examples" = ["1h"]))]
    pub ttl: Option<Located<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Remove {
    #[schemars(required, extend("examples" = ["visits"]))]
    pub bucket: Option<Located<String>>,
    #[serde(default)]
    pub key: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Put {
    #[schemars(required, extend("examples" = ["inbox"]))]
    pub container: Option<Located<String>>,
    #[serde(default)]
    pub key: String,
    #[serde(default)]
    pub body: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Delete {
    #[schemars(required, extend("examples" = ["inbox"]))]
    pub container: Option<Located<String>>,
    #[serde(default)]
    pub key: String,
}
