use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a caller waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// Decides who may run now: so many invocations of a function at a time, the others wait in line, and not for ever.
pub struct Admission {
    turns: Arc<Semaphore>,
}

/// The right to run one invocation; given back when dropped.
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// Why an invocation was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the function is busy: no turn came within {} s; try again later", WAIT.as_secs())]
    Overloaded,
}

impl Admission {
    pub fn new(concurrency: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(concurrency.max(1))) }
    }

    pub async fn admit(&self) -> Result<Permit, Rejected> {
        // The timer is made only for those who have to wait.
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(Permit(turn));
        }
        match tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(Permit(turn)),
            _ => Err(Rejected::Overloaded),
        }
    }
}
