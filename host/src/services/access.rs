use std::collections::{BTreeMap, HashMap};

use super::{Backends, Error, Placement, Result, denied};
use crate::config::{Grant, Right, SecretSource, Service};

/// Everything one function may reach, and nothing else.
pub struct Access {
    placement: Placement,
    grants: HashMap<(Service, String), Grant>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, SecretSource>,
}

impl Access {
    /// Grants of one resource add up.
    pub fn new(
        placement: impl Into<Placement>,
        grants: &[Grant],
        settings: BTreeMap<String, String>,
        secrets: BTreeMap<String, SecretSource>,
    ) -> Self {
        let mut by_name: HashMap<(Service, String), Grant> = HashMap::new();
        for grant in grants {
            let merged = by_name.entry((grant.service, grant.name.clone())).or_insert_with(|| grant.clone());
            *merged = merged.clone().union(grant);
        }
        Self { placement: placement.into(), grants: by_name, settings, secrets }
    }

    /// What keeps a resource.
    pub fn backends(&self, service: Service, name: &str) -> &Backends {
        self.placement.of(service, name)
    }

    /// The function's grant for a resource, or the refusal that names the flag to add.
    pub fn grant(&self, service: Service, name: &str) -> Result<Grant> {
        crate::config::check_name(service, name).map_err(|error| Error::Invalid(error.to_string()))?;
        let granted = self.grants.get(&(service, name.to_owned())).cloned();
        granted.ok_or_else(|| denied(&Grant::new(service, name, widest(service))))
    }
}

fn widest(service: Service) -> &'static [Right] {
    service.rights().last().map_or(&[], |(_, rights)| rights)
}
