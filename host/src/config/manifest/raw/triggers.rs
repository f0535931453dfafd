use schemars::JsonSchema;
use serde::Deserialize;

use super::{BlobTrigger, KvTrigger, Located, QueueTrigger, ScheduleTrigger, TopicTrigger};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Triggers {
    /// Which requests go to which function or to which files. Without any trigger, the only function answers every path.
    #[serde(default)]
    pub http: Vec<Located<Http>>,
    /// Which queues' messages go to which function.
    #[serde(default)]
    pub queue: Vec<QueueTrigger>,
    /// Which topics' messages go to which function.
    #[serde(default)]
    pub topic: Vec<TopicTrigger>,
    /// Which functions are invoked when.
    #[serde(default)]
    pub schedule: Vec<ScheduleTrigger>,
    /// Which containers' changes go to which function.
    #[serde(default)]
    pub blob: Vec<BlobTrigger>,
    /// Which buckets' changes go to which function.
    #[serde(default)]
    pub kv: Vec<KvTrigger>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Http {
    /// `/users/{id}` with parameters for one segment each, `/files/{*rest}` for all that follows.
    #[schemars(required, extend("examples" = ["/users/{id}"]))]
    pub path: Option<Located<String>>,
    /// In upper case; every method when empty.
    #[serde(default)]
    #[schemars(extend("examples" = [["GET", "POST"]]))]
    pub methods: Vec<Located<String>>,
    /// `api.example.com`, or `*.example.com` for each name below; every host when absent.
    #[schemars(extend("examples" = ["api.example.com"]))]
    pub host: Option<Located<String>>,
    /// The function that answers; or else `files` or `container`.
    #[schemars(extend("examples" = ["hello"]))]
    pub function: Option<Located<String>>,
    /// A folder whose files answer; `path` ends in the wildcard that names the file.
    #[schemars(extend("examples" = ["site"]))]
    pub files: Option<Located<String>>,
    /// A blob container whose objects answer; `path` ends in the wildcard that is the key.
    #[schemars(extend("examples" = ["inbox"]))]
    pub container: Option<Located<String>>,
    /// Compress answers for clients that accept it.
    #[schemars(extend("default" = false))]
    pub compress: Option<bool>,
    /// Which pages of other origins may use it; none when absent.
    pub cors: Option<Cors>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cors {
    /// `https://example.com`, or `*` alone.
    #[schemars(required, extend("examples" = [["https://example.com"]]))]
    pub origins: Option<Vec<Located<String>>>,
    /// Methods besides those always allowed; those of the trigger when empty, or `*` alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["PUT"]]))]
    pub methods: Vec<Located<String>>,
    /// Request headers besides those always allowed, or `*` alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["x-token"]]))]
    pub headers: Vec<Located<String>>,
    /// Response headers that pages may read, or `*` alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["x-total"]]))]
    pub expose: Vec<Located<String>>,
    /// Allow cookies and authorization; not together with a `*`.
    #[schemars(extend("default" = false))]
    pub credentials: Option<bool>,
    /// How long a browser may remember the answer, up to 24h; as long as it likes when absent.
    pub max_age: Option<Located<String>>,
}
