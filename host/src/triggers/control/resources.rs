use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::queue::StatsOf;
use super::{Operation, Problem, Result};
use crate::config::{Grant, QueueSettings, Resources, Service, list, near};
use crate::services::{Backends, Error, Placement};
use crate::triggers::functions::Functions;

/// What operators reach: all resources, with every right, and the functions of a host.
pub struct Control {
    placement: Placement,
    reached: Resources,
    /// Those of a host that are lost with it.
    in_memory: Resources,
    beyond: Beyond,
    functions: Option<Arc<Functions>>,
}

impl Control {
    /// Of a host.
    pub fn of_host(placement: Placement, stored: Resources, in_memory: Resources, functions: Arc<Functions>) -> Self {
        Self { placement, reached: stored, in_memory, beyond: Beyond::Nothing, functions: Some(functions) }
    }

    /// Of a store that no host has open.
    pub fn of_store(backends: Backends, stored: Resources, beyond: Beyond) -> Self {
        let (placement, in_memory) = (backends.into(), Resources::default());
        Self { placement, reached: stored, in_memory, beyond, functions: None }
    }

    pub(super) fn functions(&self) -> Result<&Functions> {
        self.functions.as_deref().ok_or_else(|| Problem::unavailable("only a running host has functions to call"))
    }

    /// The backends of a resource, and all rights to it.
    pub(super) fn resource(&self, service: Service, name: &str) -> Result<(&Backends, Grant)> {
        if self.reached.contains(service, name) || self.in_memory.contains(service, name) {
            let rights = service.rights().last().map_or(&[][..], |(_, rights)| rights);
            return Ok((self.placement.of(service, name), Grant::new(service, name, rights)));
        }
        let beyond = self.beyond.refusal(service, name);
        Err(beyond.unwrap_or_else(|| unknown(service.resource(), name, &self.names(service))))
    }

    /// Those that were checked are there: a handle that does not open is the backend's fault.
    pub(super) fn opened<T>(service: Service, name: &str, handle: Result<T, Error>) -> Result<T> {
        handle.map_err(|error| Problem::of(&format!("{} `{name}`", service.resource()), &error))
    }

    pub(super) fn queue_settings(&self, name: &str) -> Option<&QueueSettings> {
        self.reached.queues.get(name).or_else(|| self.in_memory.queues.get(name))
    }

    /// Names of the resources of a service, in order; also of those that cannot be reached.
    pub(super) fn names(&self, service: Service) -> Vec<&str> {
        let all = [Some(&self.reached), Some(&self.in_memory), self.beyond.resources()];
        let mut names: Vec<&str> = all.into_iter().flatten().flat_map(|all| names(all, service)).collect();
        names.sort_unstable();
        names
    }
}

/// Resources that are known and cannot be reached without a host.
pub enum Beyond {
    Nothing,
    /// A host would keep them in its memory.
    InMemory(Resources),
    /// The store has them, but nobody says how they behave.
    WithoutSettings(Resources),
}

impl Beyond {
    fn resources(&self) -> Option<&Resources> {
        match self {
            Self::Nothing => None,
            Self::InMemory(resources) | Self::WithoutSettings(resources) => Some(resources),
        }
    }

    fn refusal(&self, service: Service, name: &str) -> Option<Problem> {
        self.resources().filter(|resources| resources.contains(service, name))?;
        let resource = format!("{} `{name}`", service.resource());
        Some(Problem::invalid(match self {
            Self::WithoutSettings(_) => {
                format!("how {resource} behaves is not known: give the manifest that has it with `--manifest FILE`")
            }
            Self::InMemory(_) | Self::Nothing => {
                format!("{resource} is kept in memory, which only a running host has: start it with `wasm-faas serve`")
            }
        }))
    }
}

fn names(resources: &Resources, service: Service) -> Vec<&str> {
    match service {
        Service::Kv => resources.buckets.iter().map(String::as_str).collect(),
        Service::Queue => resources.queues.keys().map(String::as_str).collect(),
        Service::Topic => resources.topics.keys().map(String::as_str).collect(),
        Service::Blob => resources.containers.iter().map(String::as_str).collect(),
        Service::Function => Vec::new(),
    }
}

/// The refusal of a name that stands for nothing: what it may have been meant to be, and what there is.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> Problem {
    let hint = match (near(name, known.iter().copied()), known) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, []) => format!("there is no {what} at all"),
        (None, known) if known.len() > SHOWN => {
            format!("there are {} others, among them {}", known.len(), list(known.iter().copied().take(SHOWN)))
        }
        (None, known) => format!("expected {}", list(known.iter().copied())),
    };
    Problem::invalid(format!("there is no {what} `{name}`: {hint}"))
}

/// Names in a message at most.
const SHOWN: usize = 12;

/// Every resource, by kind and name.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// `bucket`, `queue`, `topic` or `container`.
    pub kind: String,
    pub name: String,
    pub in_memory: bool,
    /// Of a queue that can be reached.
    pub stats: Option<StatsOf>,
}

#[async_trait]
impl Operation for List {
    const NAME: &'static str = "resources.list";
    type Answer = Vec<Named>;

    async fn run(self, control: &Control) -> Result<Vec<Named>> {
        let mut all = Vec::new();
        for service in Service::ALL {
            for name in control.names(service) {
                let stats = match service {
                    Service::Queue => StatsOf::read(control, name).await.ok(),
                    Service::Kv | Service::Topic | Service::Blob | Service::Function => None,
                };
                let in_memory = control.in_memory.contains(service, name)
                    || matches!(&control.beyond, Beyond::InMemory(beyond) if beyond.contains(service, name));
                all.push(Named { kind: service.resource().into(), name: name.into(), in_memory, stats });
            }
        }
        Ok(all)
    }
}
