use std::time::Duration;

use bytesize::ByteSize;

/// Bounds of one invocation. Crossing any of them ends it and drops its instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes, summed over every memory of the component, and what its tables take. Default 128 MiB.
    pub memory: ByteSize,
    /// Fuel, about one unit per WebAssembly operator; `None` runs unmetered, bounded by `timeout` alone. Default
    /// 10,000,000,000: half a second to a second of computing.
    pub fuel: Option<u64>,
    /// Wall clock from admission to the handler's result; time spent queued is not counted. Default 3 s.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: ByteSize::mib(128), fuel: Some(10_000_000_000), timeout: Duration::from_secs(3) }
    }
}
