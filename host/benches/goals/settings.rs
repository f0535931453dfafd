//! What each setting of the engine is worth: raw calls with one setting changed, beside the same with the host's.

use std::path::Path;

use tokio::runtime::Runtime;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::compute::{WORKLOADS, call};
use crate::host;
use crate::measure::{Effort, compare};
use crate::path::{FRESH, WARM, call_fresh, call_warm};
use crate::raw::Raw;
use crate::report::{Figure, Goal};

type Change = fn(&mut Config);

/// For a call of an instance that is there.
const WARM_CHANGES: [(&str, Change); 2] = [
    ("warm, component-model concurrency on", |config| {
        config.concurrency_support(true);
    }),
    ("warm, fuel and epochs", |config| {
        config.epoch_interruption(true);
    }),
];

/// For an instance of its own for each call.
const FRESH_CHANGES: [(&str, Change); 6] = [
    ("fresh, no pool", |config| {
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    }),
    ("fresh, wasmtime's default pool", |config| pool(config, &mut PoolingAllocationConfig::new())),
    ("fresh, nothing of memory kept", |config| pool(config, tuned().linear_memory_keep_resident(0))),
    ("fresh, nothing of tables kept", |config| pool(config, tuned().table_keep_resident(0))),
    ("fresh, 2 MiB kept without the scan", |config| pool(config, tuned().pagemap_scan(Enabled::No))),
    ("fresh, 128 KiB kept without the scan", |config| {
        pool(config, tuned().pagemap_scan(Enabled::No).linear_memory_keep_resident(128 << 10));
    }),
];

/// What the host's pool sets for speed; its other settings are limits.
fn tuned() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(2 << 20).table_keep_resident(64 << 10).pagemap_scan(Enabled::Auto);
    pool
}

fn pool(config: &mut Config, pool: &mut PoolingAllocationConfig) {
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool.clone()));
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = host::runtime()?;
    let echo = host::build("guests/rust/echo")?;
    let mut figures = Vec::new();
    for (what, change) in WARM_CHANGES {
        figures.push(warm(effort, &runtime, &echo, what, change)?);
    }
    for (what, change) in FRESH_CHANGES {
        figures.push(fresh(effort, &runtime, &echo, what, change)?);
    }
    figures.extend(epochs(effort, &runtime)?);
    Ok(figures)
}

fn warm(effort: Effort, runtime: &Runtime, path: &Path, what: &str, change: Change) -> anyhow::Result<Figure> {
    let mut changed = runtime.block_on(Raw::with(path, change)?.instantiate())?;
    let mut host = runtime.block_on(Raw::metered(path)?.instantiate())?;
    let operations = effort.operations(WARM);
    let compared =
        compare(effort, || call_warm(runtime, &mut changed, operations), || call_warm(runtime, &mut host, operations))?;
    Ok(Figure::new("", what, "the host's settings", compared, Goal::None))
}

fn fresh(effort: Effort, runtime: &Runtime, path: &Path, what: &str, change: Change) -> anyhow::Result<Figure> {
    let (changed, host) = (Raw::with(path, change)?, Raw::metered(path)?);
    let operations = effort.operations(FRESH);
    let compared =
        compare(effort, || call_fresh(runtime, &changed, operations), || call_fresh(runtime, &host, operations))?;
    Ok(Figure::new("", what, "the host's settings", compared, Goal::None))
}

/// Epochs besides fuel, on guests that compute.
fn epochs(effort: Effort, runtime: &Runtime) -> anyhow::Result<Vec<Figure>> {
    let path = host::build(WORKLOADS)?;
    let both = Raw::with(&path, |config| {
        config.epoch_interruption(true);
    })?;
    let mut both = runtime.block_on(both.instantiate())?;
    let mut fuel = runtime.block_on(Raw::metered(&path)?.instantiate())?;
    let mut figures = Vec::new();
    for workload in crate::compute::Workload::ALL {
        let expected = workload.run();
        let compared = compare(
            effort,
            || call(runtime, &mut both, workload, expected),
            || call(runtime, &mut fuel, workload, expected),
        )?;
        let what = format!("{}, fuel and epochs", workload.name());
        figures.push(Figure::new("", &what, "the host's settings", compared, Goal::None));
    }
    Ok(figures)
}
