//! A thousand sources that nothing comes for.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use wasm_faas::config::{Missed, Origin, Schedule, Ticks};

use super::{AtWork, Site, queues, runtime};
use crate::measure::{Effort, Spread, process_cpu};
use crate::report::{Figure, Goal};

const SOURCES: usize = 1_000;
/// Each tenth is a schedule.
const SCHEDULES: usize = 10;
const TURN: Duration = Duration::from_secs(3);
/// Until all sources have found nothing and wait.
const SETTLED: Duration = Duration::from_secs(2);

/// CPU time of the whole process in percent of a core.
pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = runtime()?;
    let sources = (0..SOURCES).map(source).collect::<anyhow::Result<Vec<_>>>()?;
    let site = Site::new(&runtime, &queues(sources.iter().map(|(_, queue)| queue.as_str())))?;
    let turn = TURN / u32::try_from(effort.divisor)?;
    let without = shares(effort, turn);
    let _at_work = AtWork::start(&runtime, &site, "guests/rust/echo", sources)?;
    std::thread::sleep(SETTLED);
    Ok(vec![Figure {
        number: "-",
        what: "processor's time of a core with 1,000 idle sources, one in ten a schedule".into(),
        baseline: format!("the store alone, {:.2} %", Spread::of(without).median),
        ratio: Spread::of(shares(effort, turn)),
        unit: " %",
        goal: Goal::AtMost(1.0),
    }])
}

fn source(number: usize) -> anyhow::Result<(Origin, String)> {
    if !number.is_multiple_of(SCHEDULES) {
        return Ok((Origin::Queue, format!("queue-{number}")));
    }
    let name = format!("yearly-{number}");
    let queue = format!("schedule/{name}");
    let schedule = Schedule::parse("cron(0 0 0 1 1 *)", TimeZone::UTC)?;
    let ticks = Ticks { name, schedule, missed: Missed::Skip, overlap: true, data: String::new() };
    Ok((Origin::Schedule(Box::new(ticks)), queue))
}

fn shares(effort: Effort, turn: Duration) -> Vec<f64> {
    let share = || {
        let (start, cpu) = (Instant::now(), process_cpu());
        std::thread::sleep(turn);
        (process_cpu() - cpu).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0
    };
    (0..effort.rounds).map(|_| share()).collect()
}
