use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Wall-clock time for leases, delays and expiry, so that tests can move it by hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The operating system's clock.
    #[default]
    System,
    /// Stands still until [`Clock::advance`] moves it.
    Manual(Arc<Manual>),
}

/// A time that only [`Clock::advance`] moves, and who waits for it.
#[derive(Debug)]
pub struct Manual {
    now: watch::Sender<u64>,
    /// How many wait for each instant.
    awaited: Mutex<BTreeMap<u64, usize>>,
}

impl Clock {
    /// A clock that stands at `start_ms`.
    pub fn manual(start_ms: u64) -> Self {
        Self::Manual(Arc::new(Manual { now: watch::Sender::new(start_ms), awaited: Mutex::default() }))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Self::Manual(manual) => *manual.now.borrow(),
        }
    }

    /// Returns once [`Clock::now_ms`] is at least `instant_ms`.
    pub async fn sleep_until(&self, instant_ms: u64) {
        match self {
            Self::System => loop {
                let left = instant_ms.saturating_sub(self.now_ms());
                if left == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left)).await;
            },
            Self::Manual(manual) => {
                let _waiting = Waiting::new(manual, instant_ms);
                // The sender lives in `self`, so that waiting cannot fail.
                let _ = manual.now.subscribe().wait_for(|now| *now >= instant_ms).await;
            }
        }
    }

    /// Returns once `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.sleep_until(self.now_ms().saturating_add(millis)).await;
    }

    /// Moves a manual clock on; the system's clock goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(manual) = self {
            let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            manual.now.send_modify(|now| *now = now.saturating_add(by));
        }
    }

    /// The earliest instant after now that somebody waits for; the system's clock does not know.
    pub fn next_awaited(&self) -> Option<u64> {
        match self {
            Self::System => None,
            Self::Manual(manual) => manual.awaited().range(self.now_ms().saturating_add(1)..).next().map(|(at, _)| *at),
        }
    }
}

impl Manual {
    fn awaited(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits, until it is dropped.
struct Waiting<'a> {
    manual: &'a Manual,
    instant_ms: u64,
}

impl<'a> Waiting<'a> {
    fn new(manual: &'a Manual, instant_ms: u64) -> Self {
        *manual.awaited().entry(instant_ms).or_default() += 1;
        Self { manual, instant_ms }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut awaited = self.manual.awaited();
        match awaited.get_mut(&self.instant_ms) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(awaited.remove(&self.instant_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_knows_what_is_waited_for() {
        let clock = Clock::manual(1_000);
        assert_eq!(clock.next_awaited(), None);
        let wait = |instant_ms| {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(instant_ms).await })
        };
        let (later, early, twin) = (wait(5_000), wait(3_000), wait(3_000));
        tokio::task::yield_now().await;
        assert_eq!(clock.next_awaited(), Some(3_000));
        twin.abort();
        assert!(twin.await.unwrap_err().is_cancelled());
        assert_eq!(clock.next_awaited(), Some(3_000), "the other one still waits");
        clock.advance(Duration::from_millis(2_000));
        early.await.unwrap();
        assert_eq!(clock.next_awaited(), Some(5_000));
        clock.advance(Duration::from_millis(2_000));
        later.await.unwrap();
        assert_eq!(clock.next_awaited(), None);
    }
}
