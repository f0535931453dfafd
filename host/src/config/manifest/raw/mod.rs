//! The manifest as it is written: what may stand where. The schema is made from these types, and what it says of presence,
//! types, choices and ranges of numbers is checked with it; so every field is optional here.
//!
//! Comments on fields are for those who write manifests: the schema carries them, with defaults and ranges added.

mod events;
mod function;
mod resources;
mod server;
mod triggers;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Deref, Range};

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

pub use events::{
    Async, Backoff, Batch, Blob as BlobTrigger, BlobChange, Kv as KvTrigger, KvChange, Queue as QueueTrigger,
    Schedule as ScheduleTrigger, Topic as TopicTrigger,
};
pub use function::{Fuel, Function, Limits, Pool, Rate};
pub use resources::{Backend, Queue, Stored, Subscription, Topic};
pub use server::{Server, Store};
pub use triggers::{Cors, Http, Triggers};

/// Tables by name.
pub type Named<T> = BTreeMap<Located<String>, T>;

/// Functions, what they may use, and what calls them.
///
/// `${NAME}` in a text stands for a variable of the environment, or of a file `.env` beside the manifest; `$${` is `${`.
/// Paths are relative to the manifest's folder. Sizes and durations have a unit: `64MiB`, `250ms`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "wasm-faas.toml")]
pub struct Manifest {
    /// The version of this format.
    #[schemars(required, range(min = 1, max = 1), extend("examples" = [1]))]
    #[expect(dead_code, reason = "looked at before the rest is read")]
    pub version: Option<u32>,
    /// Where requests come in, and what is asked of those who send them.
    #[serde(default)]
    pub server: Server,
    /// Where buckets, queues, topics and containers are kept.
    #[serde(default)]
    pub store: Store,
    /// Functions, each with a name of its own: `[functions.hello]`.
    #[serde(default)]
    pub functions: Named<Function>,
    /// Key-value buckets, each with a name of its own: `[buckets.visits]`.
    #[serde(default)]
    pub buckets: Named<Stored>,
    /// Queues, each with a name of its own: `[queues.orders]`.
    #[serde(default)]
    pub queues: Named<Queue>,
    /// Topics, each with a name of its own: `[topics.stored]`.
    #[serde(default)]
    pub topics: Named<Topic>,
    /// Blob containers, each with a name of its own: `[containers.inbox]`.
    #[serde(default)]
    pub containers: Named<Stored>,
    /// What calls functions.
    #[serde(default)]
    pub triggers: Triggers,
}

/// A value and where it is, in bytes from the manifest's start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Located<T>(toml::Spanned<T>);

impl<T> Located<T> {
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The JSON schema of a manifest, draft 2020-12.
pub fn schema() -> Schema {
    schema_of::<Manifest>()
}

/// The JSON schema of a file that is written as manifests are.
pub fn schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(tidy).transform(&mut schema);
    schema
}

/// Takes out what only Rust needs, and tells defaults and ranges to those who read descriptions.
fn tidy(schema: &mut Schema) {
    drop_null(schema);
    schema.remove("format");
    let default = schema.get("default").filter(|default| !default.is_object() && !default.is_null()).cloned();
    if default.is_none() {
        schema.remove("default");
    }
    let default = default.map(|default| format!("Default `{default}`."));
    let notes: Vec<String> = range(schema).into_iter().chain(default).collect();
    let Some(Value::String(description)) = schema.get_mut("description") else { return };
    let paragraphs: Vec<String> = description.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
    *description = [vec![paragraphs.join("\n\n")], notes].concat().join(" ");
}

/// TOML has no null: what may be absent is not required, and that is all.
fn drop_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.ensure_object().entry(key).or_insert(value);
        }
    }
}

fn range(schema: &Schema) -> Option<String> {
    match (schema.get("minimum")?, schema.get("maximum")?) {
        (least, most) if least == most => None,
        (least, most) => Some(format!("From {least} to {most}.")),
    }
}
