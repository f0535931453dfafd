use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::services::{Error, Result};

/// What one instance may have the host keep at a time: messages that were not sent, values that go nowhere yet.
pub const BYTES: usize = 16 << 20;

/// Counts what the host keeps for one instance. Clones count together.
#[derive(Clone, Default)]
pub struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// Nothing yet; [`Held::resize`] takes.
    pub fn hold(&self) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

/// A part of a budget; given back when dropped.
pub struct Held {
    budget: Budget,
    bytes: usize,
}

impl Held {
    /// Holds `bytes` instead of what it held; [`Error::TooLarge`], and no change, when the budget has less.
    pub fn resize(&mut self, bytes: usize) -> Result<()> {
        let exchange = |kept: usize| (kept - self.bytes).checked_add(bytes).filter(|kept| *kept <= BYTES);
        match self.budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, exchange) {
            Ok(_) => {
                self.bytes = bytes;
                Ok(())
            }
            Err(_) => Err(Error::TooLarge(BYTES as u64)),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_add_up_and_are_given_back() {
        let budget = Budget::default();
        let (mut one, mut other) = (budget.hold(), budget.clone().hold());
        one.resize(BYTES - 1).unwrap();
        assert_eq!(other.resize(2), Err(Error::TooLarge(BYTES as u64)));
        other.resize(1).unwrap();
        assert_eq!(one.resize(BYTES), Err(Error::TooLarge(BYTES as u64)));
        drop(other);
        one.resize(BYTES).unwrap();
        assert_eq!(one.resize(usize::MAX), Err(Error::TooLarge(BYTES as u64)));
        one.resize(0).unwrap();
        budget.hold().resize(BYTES).unwrap();
    }
}
