use wasmtime::ResourceLimiter;

/// What a table element takes.
const ELEMENT_BYTES: usize = 8;

/// The memory limit was met; ends the invocation.
#[derive(Debug, thiserror::Error)]
#[error("the memory limit of {limit} bytes is reached")]
pub(super) struct OutOfMemory {
    pub(super) limit: u64,
}

/// Bounds what all memories and tables of one store take together; wasmtime's own limiter bounds each for itself.
pub(super) struct MemoryLimiter {
    limit: u64,
    used: u64,
}

impl MemoryLimiter {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// Bytes in use. A store gives nothing back before its end, so this is the peak as well.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    fn grow(&mut self, current: usize, desired: usize, unit: usize) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current).saturating_mul(unit) as u64;
        let wanted = self.used.saturating_add(more);
        if wanted > self.limit {
            // An error and no `false`: an allocation that fails in the guest ends differently in every language.
            return Err(OutOfMemory { limit: self.limit }.into());
        }
        self.used = wanted;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, 1)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired, ELEMENT_BYTES)
    }
}
