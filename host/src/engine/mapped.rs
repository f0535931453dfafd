//! Which machine code stays mapped while no instance uses it.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Component;

/// Kernel mappings of a component's code: what runs, what is read, and what its memory starts as.
const MAPPINGS: usize = 3;
/// What Linux allows a process unless told otherwise.
const DEFAULT_MAX_MAPPINGS: usize = 65_530;

/// Holds the components that were used last, so that they need not be mapped anew; beyond its limit it lets go of those
/// that were used longest ago. Instances hold theirs themselves.
pub(super) struct Mapped {
    limit: usize,
    held: Mutex<Vec<Component>>,
    /// Counts uses.
    clock: AtomicU64,
}

impl Mapped {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: Mutex::default(), clock: AtomicU64::new(0) }
    }

    pub(super) fn touch(&self, component: &Component) {
        component.inner().used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Holds a component that was mapped just now.
    pub(super) fn hold(&self, component: Component) {
        self.touch(&component);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(component);
        let surplus = if held.len() > self.limit { self.take_oldest(&mut held) } else { Vec::new() };
        drop(held);
        // Unmapping takes its time, which others need not wait for.
        drop(surplus);
    }

    /// An eighth at a time, so that the search is paid for rarely.
    fn take_oldest(&self, held: &mut Vec<Component>) -> Vec<Component> {
        held.sort_unstable_by_key(|component| Reverse(component.inner().used.load(Ordering::Relaxed)));
        held.split_off(self.limit - self.limit / 8)
    }
}

/// As many as fit into a quarter of the mappings that the system allows a process; the others are for instances.
pub(super) fn default_limit() -> usize {
    let allowed = std::fs::read_to_string("/proc/sys/vm/max_map_count");
    let allowed = allowed.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT_MAX_MAPPINGS);
    allowed / 4 / MAPPINGS
}
