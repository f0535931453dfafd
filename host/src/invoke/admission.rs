use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::config::Rate;

/// Decides who may run now: no more than the function's rate and so many at a time, of the function and of the whole host;
/// the others wait in line, and not for ever.
pub struct Admission {
    function: Arc<Semaphore>,
    host: Arc<Semaphore>,
    rate: Option<DefaultDirectRateLimiter>,
    wait: Duration,
}

/// The right to run one invocation; given back when dropped.
pub struct Permit<'a>(
    #[expect(dead_code, reason = "held for its drop")] SemaphorePermit<'a>,
    #[expect(dead_code, reason = "held for its drop")] Option<SemaphorePermit<'a>>,
);

/// The same, for as long as it is wanted: of those who take a permit before they look for work.
pub struct Reservation(
    #[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit,
    #[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit,
);

/// Why an invocation was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the function is busy: no turn came within {}; try again later", humantime::format_duration(*waited))]
    Overloaded { waited: Duration },
    #[error("the function was called too often; try again in {} s", .after.as_secs())]
    OverRate { after: Duration },
}

impl Rejected {
    /// When it is worth to try again, in whole seconds, 1 or more.
    pub fn retry_after(&self) -> u64 {
        match self {
            Self::Overloaded { .. } => 1,
            Self::OverRate { after } => after.as_secs().max(1),
        }
    }
}

impl Admission {
    /// At most `concurrency` at a time, and of all that share `host` as many as it has permits.
    pub fn new(concurrency: u32, wait: Duration, rate: Option<Rate>, host: Arc<Semaphore>) -> Self {
        let function = Arc::new(Semaphore::new(concurrency.max(1) as usize));
        Self { function, host, rate: rate.and_then(limiter), wait }
    }

    pub async fn admit(&self) -> Result<Permit<'_>, Rejected> {
        self.check_rate()?;
        // The timer is made only for those who have to wait.
        if let Ok(turn) = self.function.try_acquire()
            && let Ok(host) = self.host.try_acquire()
        {
            return Ok(Permit(turn, Some(host)));
        }
        // The function's turn first: a function that waits for itself takes nothing from others.
        let both =
            async { Ok::<_, AcquireError>(Permit(self.function.acquire().await?, Some(self.host.acquire().await?))) };
        self.in_time(both).await
    }

    /// The same for an invocation that another one waits for, whose permit of the host counts for both.
    pub async fn admit_nested(&self) -> Result<Permit<'_>, Rejected> {
        self.check_rate()?;
        let turn = async { Ok(Permit(self.function.acquire().await?, None)) };
        self.in_time(turn).await
    }

    async fn in_time<'a>(
        &self,
        permit: impl Future<Output = Result<Permit<'a>, AcquireError>>,
    ) -> Result<Permit<'a>, Rejected> {
        match tokio::time::timeout(self.wait, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Rejected::Overloaded { waited: self.wait }),
        }
    }

    /// Waits until it is the caller's turn, however long that takes, and takes up to `most` permits: more than one only where
    /// no rate counts them.
    pub async fn reserve(&self, most: u32) -> Vec<Reservation> {
        self.wait_for_rate().await;
        let mut permits = Vec::new();
        if let (Ok(turn), Ok(host)) =
            (Arc::clone(&self.function).acquire_owned().await, Arc::clone(&self.host).acquire_owned().await)
        {
            permits.push(Reservation(turn, host));
        }
        while self.rate.is_none()
            && permits.len() < most as usize
            && let Ok(turn) = Arc::clone(&self.function).try_acquire_owned()
            && let Ok(host) = Arc::clone(&self.host).try_acquire_owned()
        {
            permits.push(Reservation(turn, host));
        }
        permits
    }

    async fn wait_for_rate(&self) {
        let Some(rate) = &self.rate else { return };
        while let Err(early) = rate.check() {
            tokio::time::sleep(early.wait_time_from(DefaultClock::default().now())).await;
        }
    }

    fn check_rate(&self) -> Result<(), Rejected> {
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.check().map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            Rejected::OverRate { after: Duration::from_secs(wait.as_secs() + 1) }
        })
    }
}

/// As many at once as in one period, then one at a time as the period's share allows.
fn limiter(rate: Rate) -> Option<DefaultDirectRateLimiter> {
    let burst = NonZeroU32::new(rate.invocations)?;
    let quota = Quota::with_period(rate.per / rate.invocations)?.allow_burst(burst);
    Some(RateLimiter::direct(quota))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(permits: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(permits))
    }

    #[tokio::test]
    async fn the_host_and_the_function_each_have_their_cap() {
        let shared = host(3);
        let wait = Duration::from_millis(20);
        let [one, other] = [(); 2].map(|()| Admission::new(2, wait, None, Arc::clone(&shared)));
        let first = (one.admit().await.unwrap(), one.admit().await.unwrap());
        assert_eq!(one.admit().await.err(), Some(Rejected::Overloaded { waited: wait }));
        let third = other.admit().await.unwrap();
        assert_eq!(other.admit().await.err(), Some(Rejected::Overloaded { waited: wait }), "the host is full");
        drop((first, third));
        assert!(other.admit().await.is_ok());
        assert_eq!(shared.available_permits(), 3);
    }

    #[tokio::test]
    async fn who_is_waited_for_needs_a_place_of_its_function_only() {
        let shared = host(1);
        let wait = Duration::from_millis(20);
        let [caller, callee] = [(); 2].map(|()| Admission::new(1, wait, None, Arc::clone(&shared)));
        let _outer = caller.admit().await.unwrap();
        let nested = callee.admit_nested().await.unwrap();
        assert_eq!(callee.admit_nested().await.err(), Some(Rejected::Overloaded { waited: wait }));
        assert_eq!(
            caller.admit_nested().await.err(),
            Some(Rejected::Overloaded { waited: wait }),
            "it waits for itself"
        );
        drop(nested);
        assert!(callee.admit_nested().await.is_ok());
        assert_eq!(shared.available_permits(), 0, "a nested one gives back no permit of the host");
    }

    #[tokio::test]
    async fn a_rate_says_when_to_come_again() {
        let rate = Rate { invocations: 2, per: Duration::from_secs(60) };
        let admission = Admission::new(10, Duration::ZERO, Some(rate), host(10));
        let taken = [admission.admit().await.is_ok(), admission.admit().await.is_ok()];
        assert_eq!(taken, [true, true]);
        let rejected = admission.admit().await.err().unwrap();
        assert!((29..=30).contains(&rejected.retry_after()), "{rejected}");
    }

    #[test]
    fn a_rejection_says_what_to_do() {
        let rejected = [
            Rejected::Overloaded { waited: Duration::from_secs(5) },
            Rejected::OverRate { after: Duration::from_secs(30) },
        ];
        insta::assert_snapshot!(rejected.map(|rejected| rejected.to_string()).join("\n"), @r"
        the function is busy: no turn came within 5s; try again later
        the function was called too often; try again in 30 s
        ");
    }
}
