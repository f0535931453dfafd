use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use super::functions::Invoker;
use super::{Backends, Error, Placement, Result, denied};
use crate::config::{Advice, Grant, Right, SecretSource, Service};

/// Everything one function may reach, and nothing else.
pub struct Access {
    placement: Placement,
    grants: HashMap<(Service, String), Grant>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, SecretSource>,
    advice: Advice,
    /// Not owned: the invoker owns the functions, and each function its access.
    functions: Option<Weak<dyn Invoker>>,
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
        let (placement, advice) = (placement.into(), Advice::default());
        Self { placement, grants: by_name, settings, secrets, advice, functions: None }
    }

    /// The same, with functions to invoke.
    #[must_use]
    pub fn with_functions(mut self, functions: &Arc<impl Invoker + 'static>) -> Self {
        let functions: Weak<_> = Arc::downgrade(functions);
        self.functions = Some(functions);
        self
    }

    /// What invokes other functions.
    pub fn functions(&self) -> Result<Arc<dyn Invoker>> {
        let functions = self.functions.as_ref().ok_or(Error::NotFound)?;
        functions.upgrade().ok_or_else(|| Error::Unavailable("the host is stopping".into()))
    }

    /// The same, given in another place than by flags.
    #[must_use]
    pub fn advised(mut self, advice: Advice) -> Self {
        let given = |(resource, grant): (_, Grant)| (resource, grant.advised(advice.clone()));
        self.grants = self.grants.into_iter().map(given).collect();
        self.advice = advice;
        self
    }

    /// Where all this is given.
    pub fn advice(&self) -> &Advice {
        &self.advice
    }

    /// What keeps the resource of a grant.
    pub fn backends(&self, grant: &Grant) -> &Backends {
        self.placement.of(grant.service, &grant.name)
    }

    /// The function's grant for a resource, or the refusal that says what to add.
    pub fn grant(&self, service: Service, name: &str) -> Result<Grant> {
        crate::config::check_name(service, name).map_err(|error| Error::Invalid(error.to_string()))?;
        let granted = self.grants.get(&(service, name.to_owned())).cloned();
        granted.ok_or_else(|| denied(&Grant::new(service, name, widest(service)).advised(self.advice.clone())))
    }

    /// The function's grant for a resource, if it has one.
    pub fn granted(&self, service: Service, name: &str) -> Option<&Grant> {
        self.grants.get(&(service, name.to_owned()))
    }

    /// The only grant of a service; `None` when there is none, or more than one.
    pub fn only(&self, service: Service) -> Option<&Grant> {
        let mut grants = self.grants.values().filter(|grant| grant.service == service);
        grants.next().filter(|_| grants.next().is_none())
    }
}

fn widest(service: Service) -> &'static [Right] {
    service.rights().last().map_or(&[], |(_, rights)| rights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Resources;
    use crate::services::{Clock, memory, require};

    #[test]
    fn refusals_name_the_line_of_the_manifest() {
        let backends = memory::open(&Resources::default(), Clock::System).unwrap();
        let grants = ["kv:visits:ro".parse().unwrap()];
        let advice = Advice::Manifest { function: "counter".into() };
        let access = Access::new(backends, &grants, BTreeMap::new(), BTreeMap::new()).advised(advice);
        let granted = access.grant(Service::Kv, "visits").unwrap();
        let refusals = [
            access.grant(Service::Queue, "orders").unwrap_err(),
            require(&granted, Right::Write).unwrap_err(),
            access.secret("TOKEN").unwrap_err(),
        ];
        insta::assert_snapshot!(refusals.map(|refusal| refusal.to_string()).join("\n"), @r#"
        access denied: queue `orders` is not granted for this, add "queue:orders:send+receive" to `grants` of [functions.counter]
        access denied: bucket `visits` is not granted for this, add "kv:visits:rw" to `grants` of [functions.counter]
        access denied: secret `TOKEN` is not granted, add `TOKEN = "env:VARIABLE"` or `= "file:PATH"` to `secrets` of [functions.counter]
        "#);
    }
}
