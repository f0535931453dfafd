use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// How a function's instances come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// Instances made at start and kept, also while idle. Default 0.
    pub min: u32,
    /// Most instances, which is the most invocations at a time: an instance serves one after the other. Default 128.
    pub max: u32,
    /// How long an instance above `min` waits for its next invocation. Default 5 min.
    pub idle: Duration,
    /// Invocations an instance serves, less up to a tenth so that not all end together. Default 1,000,000.
    pub max_invocations: u64,
    /// How old an instance gets, less up to a tenth. Default 1 h.
    pub max_age: Duration,
    /// Default [`Isolation::Reuse`].
    pub isolation: Isolation,
    /// How long an invocation waits for its turn when `max` are running. Default 5 s.
    pub wait: Duration,
}

/// Whether an instance sees more than one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// One after the other, after a clean end each.
    Reuse,
    /// One only; instances are made ahead.
    PerInvocation,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            min: 0,
            max: 128,
            idle: Duration::from_secs(5 * 60),
            max_invocations: 1_000_000,
            max_age: Duration::from_secs(3600),
            isolation: Isolation::Reuse,
            wait: Duration::from_secs(5),
        }
    }
}

/// How often a function may be invoked, on average over `per` and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// 1 or more; as many may come at once.
    pub invocations: u32,
    pub per: Duration,
}
