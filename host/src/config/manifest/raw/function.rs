use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{Async, Located, Named};
use crate::config::Isolation;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Function {
    /// A component's file, or a folder with a function's source.
    #[schemars(required, extend("examples" = ["guests/rust/hello"]))]
    pub component: Option<Located<String>>,
    /// Bounds of one invocation; crossing any of them ends it.
    #[serde(default)]
    pub limits: Limits,
    /// How its instances come and go.
    #[serde(default)]
    pub pool: Pool,
    /// How often it may be invoked; as often as `pool` lets it when absent.
    pub rate: Option<Rate>,
    /// Takes invocations that nobody waits for; none when absent.
    pub r#async: Option<Async>,
    /// What it may use, and how: `kv:NAME:ro|rw`, `queue:NAME:send|receive|send+receive`, `topic:NAME:publish`,
    /// `blob:NAME:ro|rw`, `function:NAME:invoke|invoke-async|invoke+invoke-async`.
    #[serde(default)]
    #[schemars(extend("examples" = [["kv:visits:rw"]]))]
    pub grants: Vec<Located<String>>,
    /// Hosts it may send HTTP requests to: names, `*.` names, addresses and networks, with or without a port. Addresses of
    /// this machine and private networks must be named as such.
    #[serde(default)]
    #[schemars(extend("examples" = [["api.example.com", "*.example.com:8443", "10.0.0.0/8:443"]]))]
    pub allow_hosts: Vec<Located<String>>,
    /// Settings it reads by name.
    #[serde(default)]
    pub config: Named<String>,
    /// Secrets it reads by name: `env:VARIABLE` or `file:PATH`, read at each use.
    #[serde(default)]
    pub secrets: Named<Located<String>>,
    /// Environment variables it sees.
    #[serde(default)]
    pub environment: Named<Located<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Most memory, from 64KiB to 4GiB.
    #[schemars(extend("default" = "128MiB"))]
    pub memory: Option<Located<String>>,
    /// Most fuel, about one per WebAssembly instruction, or `none` to leave the bound to `timeout` alone.
    #[schemars(extend("default" = 10_000_000_000_u64))]
    pub fuel: Option<Fuel>,
    /// Most time from admission to the result, from 1ms to 1h.
    #[schemars(extend("default" = "3s"))]
    pub timeout: Option<Located<String>>,
}

/// A number, or `none`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Fuel {
    Limit(u64),
    Word(String),
}

impl JsonSchema for Fuel {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fuel".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": i64::MAX }, { "const": "none" }] })
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pool {
    /// Instances made at start and kept, also while idle; not above `max`.
    #[schemars(range(min = 0, max = 100_000), extend("default" = 0))]
    pub min: Option<Located<u32>>,
    /// Most instances, which is the most invocations at a time.
    #[schemars(range(min = 1, max = 100_000), extend("default" = 128))]
    pub max: Option<u32>,
    /// How long an instance above `min` waits for its next invocation, up to 24h.
    #[schemars(extend("default" = "5m"))]
    pub idle: Option<Located<String>>,
    /// Invocations an instance serves, less up to a tenth so that not all end together.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64), extend("default" = 1_000_000))]
    pub max_invocations: Option<u64>,
    /// How old an instance gets, less up to a tenth, from 1s to 30days.
    #[schemars(extend("default" = "1h"))]
    pub max_age: Option<Located<String>>,
    /// Whether an instance sees more than one invocation.
    #[schemars(extend("default" = "reuse"))]
    pub isolation: Option<Isolation>,
    /// How long an invocation waits for its turn when `max` are running, up to 1h.
    #[schemars(extend("default" = "5s"))]
    pub wait: Option<Located<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rate {
    /// So many within `per`, and as many at once.
    #[schemars(required, range(min = 1, max = 1_000_000_000), extend("examples" = [100]))]
    pub invocations: Option<u32>,
    /// From 1ms to 24h.
    #[schemars(extend("default" = "1s"))]
    pub per: Option<Located<String>>,
}
