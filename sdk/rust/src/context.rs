//! The invocation this instance is serving now. An instance may serve many, one after the other.

use std::time::{Duration, SystemTime};

use crate::bindings::function::wasm_faas::function::context as raw;
use crate::time::{instant, millis};

#[derive(Clone, Debug)]
pub struct Invocation {
    /// Unique for this attempt.
    pub id: String,
    /// The function's name.
    pub function: String,
    /// Identifies the component's bytes.
    pub version: String,
    /// 1 at the first attempt to handle this event.
    pub attempt: u32,
    /// When the host will stop this invocation.
    pub deadline: SystemTime,
    /// Linear memory that the instance may use, in bytes.
    pub memory_limit: u64,
    /// Fuel this invocation may burn; none where the function runs unmetered.
    pub fuel_limit: Option<u64>,
    /// W3C trace context, where the caller sent one.
    pub traceparent: Option<String>,
}

pub fn current() -> Invocation {
    let invocation = raw::current();
    Invocation {
        id: invocation.id,
        function: invocation.function,
        version: invocation.version,
        attempt: invocation.attempt,
        deadline: instant(invocation.deadline_ms),
        memory_limit: invocation.memory_limit,
        fuel_limit: invocation.fuel_limit,
        traceparent: invocation.traceparent,
    }
}

/// Time until the deadline; zero when it has passed.
pub fn remaining_time() -> Duration {
    Duration::from_millis(raw::remaining_time_ms())
}

/// Fuel left; none where the function runs unmetered.
pub fn remaining_fuel() -> Option<u64> {
    raw::remaining_fuel()
}

/// The host's wall clock, to the millisecond.
pub fn now() -> SystemTime {
    instant(raw::now_ms())
}

/// Bytes from the operating system's random source, at most 65,536: a larger count is cut to that.
pub fn random_bytes(count: u32) -> Vec<u8> {
    raw::random_bytes(count)
}

/// Suspends this instance; ends early, with the invocation, at the deadline. In an `async` handler await
/// [`crate::sleep`] instead, which lets other futures run.
pub fn sleep(duration: Duration) {
    raw::sleep(millis(duration));
}
