//! Goal 12: one instance stays as fast and as small over a million invocations.

use tokio::runtime::Runtime;
use wasm_faas::engine::Component;
use wasm_faas::invoke::{Function, Start};

use crate::host;
use crate::measure::{Compared, Effort, Spread, per_operation, resident_kib, thread_cpu};
use crate::report::{Figure, Goal};

const INVOCATIONS: usize = 1_000_000;

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = host::runtime()?;
    let loader = host::loader(host::INSTANCES)?;
    let component = host::echo(&loader)?;
    let (mut first, mut last, mut growth) = (Vec::new(), Vec::new(), Vec::new());
    // Seven at most: each is a million invocations.
    for _ in 0..effort.rounds.min(7) {
        let life = live(&runtime, &component, effort.operations(INVOCATIONS))?;
        first.push(life.first);
        last.push(life.last);
        growth.push(life.growth);
    }
    let compared = Compared::of(&last, &first, 1.0);
    let what = "last quarter of 1,000,000 warm invocations";
    let memory = Figure {
        number: "12",
        what: "resident memory after them".into(),
        baseline: "before them".into(),
        ratio: Spread::of(growth),
        unit: " KiB",
        goal: Goal::AtMost(256.0),
    };
    Ok(vec![Figure::new("12", what, "first quarter", compared, Goal::AtMost(1.10)), memory])
}

/// One instance's life.
struct Life {
    /// Nanoseconds per invocation in the first and in the last quarter.
    first: f64,
    last: f64,
    /// Of resident memory, in KiB.
    growth: f64,
}

fn live(runtime: &Runtime, component: &Component, invocations: usize) -> anyhow::Result<Life> {
    let function = host::function(component.clone(), host::spec(host::backends()?)?, u64::MAX);
    let quarter = invocations / 4;
    // Makes the instance and what is made once.
    run(runtime, &function, 1_000)?;
    let before = resident_kib()?;
    let first = run(runtime, &function, quarter)?;
    run(runtime, &function, quarter)?;
    run(runtime, &function, quarter)?;
    let last = run(runtime, &function, quarter)?;
    Ok(Life { first, last, growth: resident_kib()? - before })
}

/// Nanoseconds per invocation. Events are made within: a million of them would drown the growth that is looked for.
fn run(runtime: &Runtime, function: &Function, invocations: usize) -> anyhow::Result<f64> {
    runtime.block_on(async {
        let start = thread_cpu();
        for turn in 0..invocations {
            let (outcome, _) = host::answer(function, Box::new(host::event(&[b'x'; 64]))).await?;
            anyhow::ensure!(turn == 0 || outcome.start == Start::Warm, "the instance was replaced");
        }
        Ok(per_operation(thread_cpu() - start, invocations))
    })
}
