//! The flags that say what a function may do, for `run` and `serve`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;

use super::units;
use crate::config::units::{Fuel, fuel, memory, timeout};
use crate::config::{AllowRule, Grant, Limits, QueueSettings, Resources, SecretSource, Service, TopicSettings};

/// Where data is kept when nobody says otherwise.
pub(super) const DATA_DIR: &str = ".wasm-faas";

#[derive(clap::Args)]
pub(super) struct Flags {
    /// Let the function use a resource: `kv:NAME:ro|rw`, `queue:NAME:send|receive|send+receive`, `topic:NAME:publish`,
    /// `blob:NAME:ro|rw`, `function:NAME:invoke|invoke-async|invoke+invoke-async`
    #[arg(long = "grant", value_name = "GRANT")]
    pub(super) grants: Vec<Grant>,
    /// Let the function send HTTP requests to a host or a network: `api.example.com`, `*.example.com:8443`, `10.0.0.0/8`
    #[arg(long = "allow-host", value_name = "HOST")]
    pub(super) allow_hosts: Vec<AllowRule>,
    /// Give the function a setting
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = units::setting)]
    pub(super) settings: Vec<(String, String)>,
    /// Give the function a secret, read at each use: `NAME=env:VARIABLE` or `NAME=file:PATH`
    #[arg(long = "secret", value_name = "NAME=SOURCE", value_parser = units::secret)]
    pub(super) secrets: Vec<(String, SecretSource)>,
    /// Most memory the function may use
    #[arg(long, value_name = "SIZE", value_parser = memory, default_value = "128MiB")]
    pub(super) memory: ByteSize,
    /// Most fuel the function may burn, about one per WebAssembly instruction, or `none`
    #[arg(long, value_name = "N", value_parser = fuel, default_value = "10_000_000_000")]
    pub(super) fuel: Fuel,
    /// Most time the function may take
    #[arg(long, value_name = "DURATION", value_parser = timeout, default_value = "3s")]
    pub(super) timeout: Duration,
    /// Where buckets, queues, topics and containers are kept
    #[arg(long, value_name = "FOLDER", default_value = DATA_DIR)]
    pub(super) data_dir: PathBuf,
    /// Keep everything in memory and forget it at the end
    #[arg(long, conflicts_with = "data_dir")]
    pub(super) ephemeral: bool,
}

impl Flags {
    /// A flag that was given and says something other than its default.
    pub(super) fn given(&self) -> Option<&'static str> {
        let defaults = Limits::default();
        let limits = self.limits();
        let given = [
            ("--grant", !self.grants.is_empty()),
            ("--allow-host", !self.allow_hosts.is_empty()),
            ("--config", !self.settings.is_empty()),
            ("--secret", !self.secrets.is_empty()),
            ("--memory", limits.memory != defaults.memory),
            ("--fuel", limits.fuel != defaults.fuel),
            ("--timeout", limits.timeout != defaults.timeout),
            ("--ephemeral", self.ephemeral),
            ("--data-dir", self.data_dir != Path::new(DATA_DIR)),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { memory: self.memory, fuel: self.fuel.limit(), timeout: self.timeout }
    }

    pub(super) fn settings(&self) -> BTreeMap<String, String> {
        self.settings.iter().cloned().collect()
    }

    pub(super) fn secrets(&self) -> BTreeMap<String, SecretSource> {
        self.secrets.iter().cloned().collect()
    }

    /// What is granted exists, with the default settings.
    pub(super) fn resources(&self) -> Resources {
        let mut resources = Resources::default();
        for Grant { service, name, .. } in &self.grants {
            let name = name.clone();
            match service {
                Service::Kv => drop(resources.buckets.insert(name)),
                Service::Queue => drop(resources.queues.insert(name, QueueSettings::default())),
                Service::Topic => drop(resources.topics.insert(name, TopicSettings::default())),
                Service::Blob => drop(resources.containers.insert(name)),
                Service::Function => {}
            }
        }
        resources
    }
}
