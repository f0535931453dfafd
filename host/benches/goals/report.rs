//! The table: what was measured against what, and whether the goal is met.

use std::fmt;

use crate::measure::{Compared, Spread};

/// What a ratio must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Measured to explain another figure.
    None,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Figure {
    /// The goal's number in the list of goals.
    pub(crate) number: &'static str,
    pub(crate) what: String,
    pub(crate) baseline: String,
    pub(crate) ratio: Spread,
    /// Written behind the ratio: `x`, ` KiB`.
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
}

impl Figure {
    /// Names both sides with their cost per operation.
    pub(crate) fn new(number: &'static str, what: &str, baseline: &str, compared: Compared, goal: Goal) -> Self {
        let what = format!("{what}, {}", Nanoseconds(compared.subject));
        let baseline = format!("{baseline}, {}", Nanoseconds(compared.baseline));
        Self { number, what, baseline, ratio: compared.ratio, unit: "x", goal }
    }
}

impl Goal {
    fn verdict(self, value: f64) -> &'static str {
        match self {
            Self::AtMost(limit) if value <= limit => "met",
            Self::AtLeast(limit) if value >= limit => "met",
            Self::None => "",
            Self::AtMost(_) | Self::AtLeast(_) => "MISSED",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, what, baseline, ratio: Spread { median, min, max }, unit, goal } = self;
        let bound = match goal {
            Goal::AtMost(limit) => format!("<= {limit}{unit}"),
            Goal::AtLeast(limit) => format!(">= {limit}{unit}"),
            Goal::None => String::new(),
        };
        let spread = format!("{}{unit} ({}-{})", Short(*median), Short(*min), Short(*max));
        write!(f, "| {number} | {what} | {baseline} | {spread} | {bound} | {} |", goal.verdict(*median))
    }
}

/// Three significant digits.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.0.abs() < 10.0 { 2 } else { usize::from(self.0.abs() < 100.0) };
        write!(f, "{:.decimals$}", self.0)
    }
}

struct Nanoseconds(f64);

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ns if ns < 1e3 => write!(f, "{ns:.0} ns"),
            ns if ns < 1e6 => write!(f, "{} us", Short(ns / 1e3)),
            ns => write!(f, "{} ms", Short(ns / 1e6)),
        }
    }
}

pub(crate) const HEADER: &str =
    "| goal | what | baseline | ratio (min-max) | goal value | |\n|---|---|---|---|---|---|";

/// Cores, kernel and load; the load is the machine's, this program's own thread included.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let load: Vec<String> = read("/proc/loadavg").split(' ').take(3).map(str::to_owned).collect();
    format!(
        "{cores} cores{}, {} {}, load average {}",
        cpu.replacen("\t: ", " of ", 1),
        std::env::consts::OS,
        read("/proc/sys/kernel/osrelease").trim(),
        load.join(" ")
    )
}
