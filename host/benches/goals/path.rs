//! Goals 1 and 2: what the host adds to a call, on an instance that was used before and on one made for the call.

use std::path::Path;

use tokio::runtime::Runtime;
use wasm_faas::engine::{Component, Loader};
use wasm_faas::event::Event;
use wasm_faas::invoke::Function;

use crate::host;
use crate::measure::{Effort, compare, per_operation, thread_cpu};
use crate::raw::{self, Live, Raw};
use crate::report::{Figure, Goal};

/// Invocations of a turn.
pub(crate) const WARM: usize = 20_000;
pub(crate) const FRESH: usize = 2_000;

/// What is echoed.
const DATA: [u8; 64] = [b'x'; 64];

/// The echo guest, on the host and raw.
struct Echo {
    runtime: Runtime,
    /// Owns the engine of `component`.
    _loader: Loader,
    component: Component,
    raw: Raw,
}

impl Echo {
    fn new() -> anyhow::Result<Self> {
        let loader = host::loader(host::INSTANCES)?;
        let component = host::echo(&loader)?;
        let path = host::build("guests/rust/echo")?;
        Ok(Self { runtime: host::runtime()?, _loader: loader, component, raw: Raw::metered(Path::new(&path))? })
    }

    /// Nanoseconds per invocation of a turn. Events are made before, answers are dropped within.
    fn invoke(&self, function: &Function, operations: usize) -> anyhow::Result<f64> {
        let events: Vec<Box<Event>> = (0..operations).map(|_| Box::new(host::event(&DATA))).collect();
        self.runtime.block_on(async {
            let start = thread_cpu();
            for event in events {
                let (_outcome, data) = host::answer(function, event).await?;
                anyhow::ensure!(data.len() == DATA.len(), "the echo lost data");
            }
            Ok(per_operation(thread_cpu() - start, operations))
        })
    }
}

/// One instance serves all.
pub(crate) fn warm(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let echo = Echo::new()?;
    let function = host::function(echo.component.clone(), host::spec(host::backends()?)?, u64::MAX);
    let mut live = echo.runtime.block_on(echo.raw.instantiate())?;
    let operations = effort.operations(WARM);
    let compared =
        compare(effort, || echo.invoke(&function, operations), || call_warm(&echo.runtime, &mut live, operations))?;
    Ok(vec![Figure::new("1", "warm invocation", "raw `call_async`", compared, Goal::AtMost(1.75))])
}

/// Each invocation gets an instance of its own, which is dropped after it.
pub(crate) fn fresh(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let echo = Echo::new()?;
    // A pool of 0 keeps none.
    let function = host::function(echo.component.clone(), host::spec(host::backends()?)?, 1);
    let operations = effort.operations(FRESH);
    let compared =
        compare(effort, || echo.invoke(&function, operations), || call_fresh(&echo.runtime, &echo.raw, operations))?;
    let baseline = "raw store + instantiate + call + drop";
    Ok(vec![Figure::new("2", "fresh invocation", baseline, compared, Goal::AtMost(1.15))])
}

/// Nanoseconds per call of one raw instance.
pub(crate) fn call_warm(runtime: &Runtime, live: &mut Live, operations: usize) -> anyhow::Result<f64> {
    let events: Vec<_> = (0..operations).map(|_| raw::event(host::event(&DATA))).collect();
    runtime.block_on(async {
        let start = thread_cpu();
        for event in events {
            live.call(event).await?;
        }
        Ok(per_operation(thread_cpu() - start, operations))
    })
}

/// Nanoseconds per call of a raw instance that is made for it and dropped.
pub(crate) fn call_fresh(runtime: &Runtime, raw: &Raw, operations: usize) -> anyhow::Result<f64> {
    let events: Vec<_> = (0..operations).map(|_| raw::event(host::event(&DATA))).collect();
    runtime.block_on(async {
        let start = thread_cpu();
        for event in events {
            raw.instantiate().await?.call(event).await?;
        }
        Ok(per_operation(thread_cpu() - start, operations))
    })
}
