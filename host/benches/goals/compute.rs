//! Goals 7 and 8: what fuel costs guests that only compute, and how they compare with native code.

#[path = "../workloads/src/work.rs"]
mod work;

use std::path::Path;

use tokio::runtime::Runtime;
pub(crate) use work::{Workload, keys};

use crate::host;
use crate::measure::{Compared, Effort, Spread, geometric_mean, thread_cpu};
use crate::raw::{self, Live, Raw};
use crate::report::{Figure, Goal};

/// The folder of the component with the workloads.
pub(crate) const WORKLOADS: &str = "host/benches/workloads";

/// CPU nanoseconds of one workload in each round.
struct Row {
    workload: Workload,
    native: Vec<f64>,
    unmetered: Vec<f64>,
    metered: Vec<f64>,
}

struct Guests {
    runtime: Runtime,
    unmetered: Live,
    metered: Live,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut guests = Guests::new()?;
    let mut rows: Vec<Row> = Workload::ALL.into_iter().map(Row::new).collect();
    for row in &mut rows {
        row.round(&mut guests)?;
    }
    // The first round warmed caches and the processor up.
    rows.iter_mut().for_each(Row::clear);
    for _ in 0..effort.rounds {
        for row in &mut rows {
            row.round(&mut guests)?;
        }
    }
    let mut figures: Vec<Figure> = rows.iter().flat_map(Row::figures).collect();
    let metering = mean(&rows, effort.rounds, |row, round| row.metered[round] / row.unmetered[round]);
    let native = mean(&rows, effort.rounds, |row, round| row.metered[round] / row.native[round]);
    figures.push(total("7", "fuel, geometric mean of seven", "no fuel", metering, Goal::AtMost(1.45)));
    figures.push(total("8", "guest with fuel, geometric mean", "native", native, Goal::AtMost(2.0)));
    Ok(figures)
}

impl Guests {
    fn new() -> anyhow::Result<Self> {
        let path = host::build(WORKLOADS)?;
        let path = Path::new(&path);
        let runtime = host::runtime()?;
        let unmetered = runtime.block_on(Raw::unmetered(path)?.instantiate())?;
        let metered = runtime.block_on(Raw::metered(path)?.instantiate())?;
        Ok(Self { runtime, unmetered, metered })
    }
}

impl Row {
    fn new(workload: Workload) -> Self {
        Self { workload, native: Vec::new(), unmetered: Vec::new(), metered: Vec::new() }
    }

    fn clear(&mut self) {
        *self = Self::new(self.workload);
    }

    /// Runs all three and checks that they computed the same.
    fn round(&mut self, guests: &mut Guests) -> anyhow::Result<()> {
        let start = thread_cpu();
        let expected = self.workload.run();
        self.native.push((thread_cpu() - start).as_secs_f64() * 1e9);
        self.unmetered.push(call(&guests.runtime, &mut guests.unmetered, self.workload, expected)?);
        self.metered.push(call(&guests.runtime, &mut guests.metered, self.workload, expected)?);
        Ok(())
    }

    fn figures(&self) -> [Figure; 2] {
        let name = self.workload.name();
        let metering = Compared::of(&self.metered, &self.unmetered, 1.0);
        let native = Compared::of(&self.metered, &self.native, 1.0);
        [
            Figure::new("7", &format!("{name} with fuel"), "no fuel", metering, Goal::None),
            Figure::new("8", &format!("{name} with fuel"), "native", native, Goal::None),
        ]
    }
}

/// CPU nanoseconds of one raw call that computes `workload`, whose result must be `expected`.
pub(crate) fn call(runtime: &Runtime, live: &mut Live, workload: Workload, expected: u64) -> anyhow::Result<f64> {
    let event = raw::event(host::event(workload.name().as_bytes()));
    let start = thread_cpu();
    let response = runtime.block_on(live.call(event))?;
    let spent = thread_cpu() - start;
    let found = host::number(&response.data)?;
    anyhow::ensure!(found == expected, "`{}` computed {found}, native {expected}", workload.name());
    Ok(spent.as_secs_f64() * 1e9)
}

/// The geometric mean over all workloads, round by round.
fn mean(rows: &[Row], rounds: usize, ratio: impl Fn(&Row, usize) -> f64) -> Spread {
    Spread::of((0..rounds).map(|round| geometric_mean(rows.iter().map(|row| ratio(row, round)))).collect())
}

fn total(number: &'static str, what: &str, baseline: &str, ratio: Spread, goal: Goal) -> Figure {
    Figure { number, what: what.into(), baseline: baseline.into(), ratio, unit: "x", goal }
}
