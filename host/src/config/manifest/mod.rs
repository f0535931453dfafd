use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Grant, HttpTrigger, Limits, PoolSettings, Rate, Resources, SecretSource, Server};

/// All that a host is to do.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    pub server: Server,
    pub functions: BTreeMap<String, FunctionSettings>,
    pub resources: Resources,
    pub http: Vec<HttpTrigger>,
}

/// A function: a component and what it may do.
#[derive(Debug, Clone)]
pub struct FunctionSettings {
    pub component: PathBuf,
    pub limits: Limits,
    pub pool: PoolSettings,
    pub rate: Option<Rate>,
    pub grants: Vec<Grant>,
    pub config: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretSource>,
    pub environment: BTreeMap<String, String>,
}
