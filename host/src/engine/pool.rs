use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{CallError, Component, FunctionSpec, Instance};
use crate::services::context::Invocation;

/// The instances of one function. One that ended cleanly waits here for the next invocation; nobody else's does.
pub struct Pool {
    component: Component,
    spec: Arc<FunctionSpec>,
    /// The one parked last is used first, so that the others can age.
    parked: Mutex<Vec<Instance>>,
    capacity: usize,
}

impl Pool {
    /// Keeps at most `capacity` idle instances.
    pub fn new(component: Component, spec: FunctionSpec, capacity: usize) -> Self {
        Self { component, spec: Arc::new(spec), parked: Mutex::default(), capacity }
    }

    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    pub fn component(&self) -> &Component {
        &self.component
    }

    /// A warm instance, or a new one made within the limits of the invocation.
    pub async fn acquire(&self, invocation: &Invocation) -> Result<Lease<'_>, CallError> {
        let parked = self.parked().pop();
        let warm = parked.is_some();
        let instance = match parked {
            Some(instance) => instance,
            None => Instance::new(&self.component, &self.spec, invocation.clone()).await?,
        };
        Ok(Lease { pool: self, instance, warm })
    }

    fn parked(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to an instance. Dropping it drops the instance; only [`Lease::park`] keeps it.
pub struct Lease<'a> {
    pool: &'a Pool,
    instance: Instance,
    warm: bool,
}

impl Lease<'_> {
    /// Whether the instance served an invocation before.
    pub fn is_warm(&self) -> bool {
        self.warm
    }

    /// Gives the instance back after a clean end.
    pub fn park(self) {
        if !self.instance.may_be_reused() {
            return;
        }
        let mut parked = self.pool.parked();
        if parked.len() < self.pool.capacity {
            parked.push(self.instance);
        }
    }
}

impl Deref for Lease<'_> {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.instance
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Instance {
        &mut self.instance
    }
}
