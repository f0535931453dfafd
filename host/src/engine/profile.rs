use std::num::NonZeroUsize;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, ModuleVersionStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

/// How a component is compiled and run. Each profile has an engine and compiled code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    /// Counts fuel; otherwise epochs bound the time alone. Never both: together they cost up to 1.8 times fuel alone
    /// (docs/benchmarks.md).
    pub metered: bool,
    /// Component-model concurrency, for `async func` exports and WASI 0.3. It doubles the cost of a warm call, so only
    /// components that need it get it.
    pub concurrent: bool,
}

/// How often an unmetered guest can be stopped.
const EPOCH: Duration = Duration::from_millis(10);

/// Stack of the guest, of 2 MiB for guest and host together.
const WASM_STACK: usize = 1 << 20;
const ASYNC_STACK: usize = 2 << 20;

/// At most so many beyond one stack for each instance, two with component-model concurrency. Each has a guard page, which
/// is a system call when the engine is made: twice as many were half of the start's time.
const SPARE_STACKS: u32 = 64;

/// A component's own memories, also the ceiling of any limit: wasm32 has no more.
const MEMORY_CEILING: usize = 4 << 30;

impl Profile {
    /// A word for file names: `metered`, `unmetered-concurrent`.
    pub fn word(self) -> &'static str {
        match (self.metered, self.concurrent) {
            (true, false) => "metered",
            (false, false) => "unmetered",
            (true, true) => "metered-concurrent",
            (false, true) => "unmetered-concurrent",
        }
    }

    /// The engine for at most `instances` live instances.
    pub fn engine(self, instances: u32) -> wasmtime::Result<Engine> {
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances, self.concurrent)))
            .consume_fuel(self.metered)
            .epoch_interruption(!self.metered)
            .concurrency_support(self.concurrent)
            .memory_init_cow(true)
            // Python's snapshot has 13 MiB; past this size it would be copied at each instantiation.
            .memory_guaranteed_dense_image_size(128 << 20)
            .max_wasm_stack(WASM_STACK)
            .async_stack_size(ASYNC_STACK)
            .native_unwind_info(false)
            .wasm_backtrace_details(WasmBacktraceDetails::Disable)
            .wasm_backtrace_max_frames(NonZeroUsize::new(20))
            .wasm_memory64(false)
            .relaxed_simd_deterministic(true)
            // Wasmtime compares only its major version, while code layout changed within 48.0; this text is compared whole.
            .module_version(ModuleVersionStrategy::Custom(version()))?;
        let engine = Engine::new(&config)?;
        if !self.metered {
            tick(&engine);
        }
        Ok(engine)
    }
}

/// The pinned version; a test compares it with Cargo.lock.
const WASMTIME: &str = "48.0.8";

/// Everything the shape of compiled code depends on besides the settings.
fn version() -> String {
    format!("wasm-faas-{}+wasmtime-{WASMTIME}", env!("CARGO_PKG_VERSION"))
}

/// Settings and reasons: docs/benchmarks.md.
fn pool(instances: u32, concurrent: bool) -> PoolingAllocationConfig {
    let scan = no_swap();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(80 * instances)
        // Each reserves 4 GiB of address space and a guard.
        .total_memories(3 * instances)
        .total_tables(8 * instances)
        .total_stacks(if concurrent { 2 * instances } else { instances } + instances.min(SPARE_STACKS))
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .max_core_instances_per_component(200)
        .max_memories_per_component(16)
        .max_tables_per_component(64)
        .max_memories_per_module(2)
        .max_tables_per_module(4)
        .table_elements(100_000)
        .max_memory_size(MEMORY_CEILING)
        .max_unused_warm_slots(instances)
        // Without the scan every kept byte is cleared at each reset, dirty or not.
        .linear_memory_keep_resident(if scan { 2 << 20 } else { 128 << 10 })
        .table_keep_resident(64 << 10)
        .pagemap_scan(if scan { Enabled::Auto } else { Enabled::No });
    pool
}

/// Whether this machine cannot swap. A page that was swapped out escapes the scan for dirty pages (wasmtime #14357), and
/// the next instance would see it.
fn no_swap() -> bool {
    let swaps = std::fs::read_to_string("/proc/swaps");
    swaps.is_ok_and(|text| text.lines().count() <= 1)
}

/// Moves the epoch on for as long as the engine lives.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_in_compiled_code_is_the_one_that_is_linked() {
        let lock = include_str!("../../../Cargo.lock");
        let version = format!("name = \"wasmtime\"\nversion = \"{}\"", super::WASMTIME);
        assert!(lock.contains(&version), "Cargo.lock has another wasmtime: change `WASMTIME` with it");
    }
}
