//! CPU time and ratios.

use std::time::Duration;

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};

/// CPU time of the calling thread so far. Other work on the machine does not count, though it takes caches away.
pub(crate) fn thread_cpu() -> Duration {
    cpu(ClockId::ThreadCPUTime)
}

/// The same of all threads of this process.
pub(crate) fn process_cpu() -> Duration {
    cpu(ClockId::ProcessCPUTime)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Each gives one ratio.
    pub(crate) rounds: usize,
    /// Subject and baseline take turns this often in one round.
    pub(crate) turns: usize,
    /// Divides the operations of a turn.
    pub(crate) divisor: usize,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 11, turns: 4, divisor: 1 };
    /// Only shows that everything runs; its figures mean nothing.
    pub(crate) const QUICK: Self = Self { rounds: 2, turns: 1, divisor: 20 };

    pub(crate) fn operations(self, full: usize) -> usize {
        (full / self.divisor).max(1)
    }
}

/// The middle of all rounds, and the extremes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), min: at(0), max: at(values.len().saturating_sub(1)) }
    }
}

/// A subject beside its baseline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    /// Of subject to baseline in the same round.
    pub(crate) ratio: Spread,
    /// Nanoseconds per operation, medians.
    pub(crate) subject: f64,
    pub(crate) baseline: f64,
}

/// Takes turns between two functions that each run a turn and return its nanoseconds per operation. A first turn of each
/// is not counted.
pub(crate) fn compare(
    effort: Effort,
    mut subject: impl FnMut() -> anyhow::Result<f64>,
    mut baseline: impl FnMut() -> anyhow::Result<f64>,
) -> anyhow::Result<Compared> {
    subject()?;
    baseline()?;
    let (mut subjects, mut baselines) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let (mut of_subject, mut of_baseline) = (0.0, 0.0);
        for _ in 0..effort.turns {
            of_subject += subject()?;
            of_baseline += baseline()?;
        }
        subjects.push(of_subject);
        baselines.push(of_baseline);
    }
    Ok(Compared::of(&subjects, &baselines, effort.turns as f64))
}

impl Compared {
    /// From the sums of each round.
    pub(crate) fn of(subjects: &[f64], baselines: &[f64], turns: f64) -> Self {
        let per_turn = |sums: &[f64]| Spread::of(sums.iter().map(|sum| sum / turns).collect()).median;
        let ratios = subjects.iter().zip(baselines).map(|(subject, baseline)| subject / baseline).collect();
        Self { ratio: Spread::of(ratios), subject: per_turn(subjects), baseline: per_turn(baselines) }
    }

    /// Of a comparison that the baseline was the subject of: times per operation of both, and the ratio of their rates.
    pub(crate) fn as_rates(self) -> Self {
        Self { subject: self.baseline, baseline: self.subject, ratio: self.ratio }
    }
}

/// Nanoseconds per operation.
pub(crate) fn per_operation(spent: Duration, operations: usize) -> f64 {
    spent.as_secs_f64() * 1e9 / operations as f64
}

pub(crate) fn geometric_mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut logarithms, mut count) = (0.0, 0.0);
    for value in values {
        logarithms += value.ln();
        count += 1.0;
    }
    (logarithms / count).exp()
}

/// Resident memory of this process. Exact, unlike `statm`, which lags behind by some pages per core.
pub(crate) fn resident_kib() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).context("no `Rss` in smaps_rollup")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
