use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Wall-clock time for leases, delays and expiry, so that tests can move it by hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The operating system's clock.
    #[default]
    System,
    /// Stands still until [`Clock::advance`] moves it.
    Manual(Arc<watch::Sender<u64>>),
}

impl Clock {
    /// A clock that stands at `start_ms`.
    pub fn manual(start_ms: u64) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(start_ms)))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Self::Manual(now) => *now.borrow(),
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
            Self::Manual(now) => {
                // The sender lives in `self`, so that waiting cannot fail.
                let _ = now.subscribe().wait_for(|now| *now >= instant_ms).await;
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
        if let Self::Manual(now) = self {
            now.send_modify(|now| *now += u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
        }
    }
}
