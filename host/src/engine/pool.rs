use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::shape::Handler;
use super::{CallError, Component, FunctionSpec, Instance, Loader, Registered};
use crate::config::{Isolation, PoolSettings};
use crate::services::context::Invocation;

/// The instances of one function. One that ended cleanly waits here for the next invocation; nobody else's does.
///
/// An instance lives until a bad end, its share of invocations, its age, its idle time, or too little memory left.
pub struct Pool {
    source: Source,
    spec: Arc<FunctionSpec>,
    settings: PoolSettings,
    /// Room for waiting instances, shared with other functions: without it the instances that wait for one function would
    /// take the engine's places from another.
    room: Arc<Semaphore>,
    /// The one parked last is used first, so that the others can age.
    parked: Mutex<Vec<Parked>>,
    /// Instances at work.
    lent: AtomicU32,
    /// Instances to have ready; only for [`Isolation::PerInvocation`].
    ahead: AtomicU32,
    refilling: AtomicBool,
}

/// Where instances come from.
pub enum Source {
    Loaded(Component),
    /// Mapped when an instance is needed.
    Registered(Registered, Arc<Loader>),
}

impl Source {
    async fn component(&self) -> Result<Component, CallError> {
        let (registered, loader) = match self {
            Self::Loaded(component) => return Ok(component.clone()),
            Self::Registered(registered, loader) => (registered, loader),
        };
        if let Some(component) = loader.mapped(registered) {
            return Ok(component);
        }
        // Some 0.1 ms as a rule; seconds when the compiled code is gone.
        let (registered, loader) = (registered.clone(), Arc::clone(loader));
        let activated = tokio::task::spawn_blocking(move || loader.activate(&registered)).await;
        let unloadable = |message| CallError::Unloadable { message };
        activated.map_err(|error| unloadable(error.to_string()))?.map_err(|error| unloadable(error.to_string()))
    }

    pub fn handler(&self) -> Option<Handler> {
        match self {
            Self::Loaded(component) => component.handler(),
            Self::Registered(registered, _) => registered.handler(),
        }
    }
}

impl From<Component> for Source {
    fn from(component: Component) -> Self {
        Self::Loaded(component)
    }
}

struct Parked {
    instance: Instance,
    life: Life,
    since: Instant,
    /// Given back when it no longer waits.
    _room: OwnedSemaphorePermit,
}

/// What an instance may still do.
#[derive(Clone, Copy)]
struct Life {
    /// Invocations left; 0 after the last.
    invocations: u64,
    end: Instant,
}

impl Pool {
    /// Each waiting instance takes a permit of `room`; one that finds none does not wait.
    pub fn new(source: Source, spec: FunctionSpec, settings: PoolSettings, room: Arc<Semaphore>) -> Self {
        let ahead = AtomicU32::new(settings.min.max(1));
        Self {
            source,
            spec: Arc::new(spec),
            settings,
            room,
            parked: Mutex::default(),
            lent: AtomicU32::default(),
            ahead,
            refilling: AtomicBool::default(),
        }
    }

    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// A warm instance, or a new one made within the limits of the invocation.
    pub async fn acquire(self: &Arc<Self>, invocation: &Invocation, now: Instant) -> Result<Lease<'_>, CallError> {
        let parked = self.parked().pop();
        self.refill(parked.is_some());
        let warm = parked.is_some();
        let (instance, life) = match parked {
            Some(Parked { instance, life, .. }) => (instance, life),
            None => {
                let component = self.source.component().await?;
                (Instance::new(&component, &self.spec, invocation.clone()).await?, self.life(now))
            }
        };
        Ok(Lease { instance, life, warm, place: Place::take(&self.lent), pool: self })
    }

    /// Makes the instances that are to be there before anybody asks; fails with the first that cannot be made.
    pub async fn warm(&self) -> Result<(), CallError> {
        while self.lacks_some() {
            self.add().await?;
        }
        Ok(())
    }

    /// Whether there are fewer than there are to be at all times.
    pub fn lacks_some(&self) -> bool {
        let min = self.settings.min as usize;
        min > 0 && self.parked().len() + (self.lent.load(Relaxed) as usize) < min
    }

    /// Drops instances that have waited or lived too long; returns how many are left.
    pub fn sweep(&self, now: Instant) -> usize {
        let mut over = Vec::new();
        let mut parked = self.parked();
        let min = self.settings.min as usize;
        // Others could use the room better.
        let patience = if self.room.available_permits() == 0 { SWEEP } else { self.settings.idle };
        let mut index = 0;
        while index < parked.len() {
            let old = parked[index].life.end <= now;
            let idle = now.saturating_duration_since(parked[index].since) >= patience;
            if old || (idle && parked.len() > min) {
                over.push(parked.remove(index));
            } else {
                index += 1;
            }
        }
        let left = parked.len();
        if !over.is_empty() {
            self.ahead.store(u32::try_from(left).unwrap_or(u32::MAX).max(1), Relaxed);
        }
        // The lock is free while they are taken down.
        drop(parked);
        drop(over);
        left
    }

    /// Instances that wait.
    pub fn parked_count(&self) -> usize {
        self.parked().len()
    }

    async fn add(&self) -> Result<(), CallError> {
        let now = Instant::now();
        let deadline = now + self.spec.identity.limits.timeout;
        // What runs before the first invocation has none to belong to.
        let nobody =
            Invocation { id: String::new(), attempt: 0, deadline, traceparent: None, depth: 0, transaction: None };
        let room = self.take_room().ok_or(CallError::NoRoom)?;
        let instance = Instance::new(&self.source.component().await?, &self.spec, nobody).await?;
        self.parked().push(Parked { instance, life: self.life(now), since: now, _room: room });
        Ok(())
    }

    /// Sees to it that fresh instances are ready for the next invocations: twice as many after one found none.
    fn refill(self: &Arc<Self>, found: bool) {
        if self.settings.isolation == Isolation::Reuse {
            return;
        }
        if !found {
            let _ = self.ahead.fetch_update(Relaxed, Relaxed, |ahead| Some((2 * ahead).min(self.settings.max)));
        }
        if self.refilling.swap(true, Relaxed) {
            return;
        }
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            // One that cannot be made is reported by the invocation that needs it.
            while pool.parked_count() < pool.ahead.load(Relaxed) as usize && pool.add().await.is_ok() {
                tokio::task::yield_now().await;
            }
            pool.refilling.store(false, Relaxed);
        });
    }

    fn life(&self, now: Instant) -> Life {
        let (invocations, age) = (self.settings.max_invocations, self.settings.max_age);
        let invocations = match self.settings.isolation {
            Isolation::Reuse => invocations - fastrand::u64(..=invocations / 10),
            Isolation::PerInvocation => 1,
        };
        Life { invocations, end: now + age.mul_f64(1.0 - fastrand::f64() / 10.0) }
    }

    fn park(&self, instance: Instance, life: Life, now: Instant) {
        let Some(room) = self.take_room() else { return };
        let mut waiting = self.parked();
        if waiting.len() < self.settings.max as usize {
            waiting.push(Parked { instance, life, since: now, _room: room });
        }
    }

    fn take_room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    fn parked(&self) -> MutexGuard<'_, Vec<Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to an instance. Dropping it drops the instance; only [`Lease::park`] keeps it.
pub struct Lease<'a> {
    pool: &'a Pool,
    instance: Instance,
    life: Life,
    warm: bool,
    /// Given back after the instance.
    place: Place<'a>,
}

/// Counts an instance at work.
struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    fn take(lent: &'a AtomicU32) -> Self {
        lent.fetch_add(1, Relaxed);
        Self(lent)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Lease<'_> {
    /// Whether the instance was there before it was needed.
    pub fn is_warm(&self) -> bool {
        self.warm
    }

    /// Gives the instance back after a clean end, unless its life is over.
    pub fn park(self, now: Instant) {
        let Self { pool, mut instance, mut life, place, .. } = self;
        life.invocations = life.invocations.saturating_sub(1);
        if life.invocations > 0 && now < life.end && instance.may_be_reused() {
            pool.park(instance, life, now);
        }
        drop(place);
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

/// How often [`Pool::sweep`] is worth its while.
pub const SWEEP: Duration = Duration::from_secs(1);
