//! When a schedule's ticks are.

#[cfg(test)]
mod tests;

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::units;

/// What a schedule's text may be, for messages.
const EXPECTED: &str = "`cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`";
/// Up to a year of 365.25 days.
const RATE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31_557_600);

/// The planned times of a schedule, in whole seconds.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    zone: TimeZone,
    times: Times,
}

#[derive(Debug, Clone)]
enum Times {
    Cron(Box<Cron>),
    /// At the multiples of the interval since the Unix epoch, so that every host has the same ones.
    Rate(Duration),
    At(Timestamp),
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl Eq for Schedule {}

/// Why a text is no schedule, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ScheduleError {
    /// In bytes from the text's start.
    pub place: Range<usize>,
    pub why: String,
}

impl Schedule {
    /// Reads `cron(..)` with six fields, seconds first, `rate(..)` with a duration from 1 s to a year, or `at(..)` with a
    /// date and time; cron and at go by `zone`.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, ScheduleError> {
        let wrong = |why: String| ScheduleError { place: 0..text.len(), why };
        let inside = text.split_once('(').and_then(|(kind, rest)| Some((kind, rest.strip_suffix(')')?)));
        let (kind, inside) = inside.ok_or_else(|| wrong(format!("`{text}` is no schedule: expected {EXPECTED}")))?;
        let start = kind.len() + 1;
        let times = match kind {
            "cron" => cron(inside, start).map(|cron| Times::Cron(Box::new(cron)))?,
            "rate" => Times::Rate(units::duration_within(inside, RATE).map_err(|why| at(inside, start, why))?),
            "at" => Times::At(instant(inside, &zone).map_err(|why| at(inside, start, why))?),
            _ => {
                return Err(ScheduleError {
                    place: 0..kind.len(),
                    why: format!("`{kind}` is no kind of schedule: expected {EXPECTED}"),
                });
            }
        };
        Ok(Self { text: text.into(), zone, times })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first planned time after `ms`, both in milliseconds since the Unix epoch; `None` when there is none any more.
    pub fn next_after(&self, ms: u64) -> Option<u64> {
        match &self.times {
            Times::Cron(cron) => {
                let next = cron.find_next_occurrence(&self.zoned(ms)?, false).ok()?;
                u64::try_from(next.timestamp().as_millisecond()).ok()
            }
            Times::Rate(every) => {
                let every = u64::try_from(every.as_millis()).ok()?.max(1);
                (ms / every).checked_add(1)?.checked_mul(every)
            }
            Times::At(instant) => u64::try_from(instant.as_millisecond()).ok().filter(|at| *at > ms),
        }
    }

    /// The last planned time up to `ms`, itself included.
    pub fn last_until(&self, ms: u64) -> Option<u64> {
        match &self.times {
            Times::Cron(cron) => {
                let last = cron.find_previous_occurrence(&self.zoned(ms)?, true).ok()?;
                u64::try_from(last.timestamp().as_millisecond()).ok()
            }
            Times::Rate(every) => {
                let every = u64::try_from(every.as_millis()).ok()?.max(1);
                Some(ms / every * every)
            }
            Times::At(instant) => u64::try_from(instant.as_millisecond()).ok().filter(|at| *at <= ms),
        }
    }

    /// The whole second: from within one, croner 4.0.3 finds later times than that when it searches backwards through an
    /// hour that a day has twice.
    fn zoned(&self, ms: u64) -> Option<Zoned> {
        Some(Timestamp::from_second(i64::try_from(ms / 1000).ok()?).ok()?.to_zoned(self.zone.clone()))
    }
}

fn at(inside: &str, start: usize, why: String) -> ScheduleError {
    ScheduleError { place: start..start + inside.len(), why }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build()
}

fn cron(text: &str, start: usize) -> Result<Cron, ScheduleError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let why = format!("a cron has 6 fields, second minute hour day month weekday, and this has {}", fields.len());
        return Err(at(text, start, why));
    }
    let cron = parser().parse(text).map_err(|_| wrong_field(text, &fields, start))?;
    // Years are searched, so that a 29th of February is found.
    match cron.find_next_occurrence(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC), false) {
        Ok(_) => Ok(cron),
        Err(_) => Err(at(text, start, format!("`{text}` never comes: no month that is named has such a day"))),
    }
}

/// What the fields of a cron may be, for messages.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0-59"),
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day", "1-31, `L` or `15W`"),
    ("month", "1-12 or JAN-DEC"),
    ("weekday", "0-7, SUN-SAT, `FRI#2` or `FRI#L`"),
];

/// The wrong field is found by trying each for itself among stars.
fn wrong_field(text: &str, fields: &[&str], start: usize) -> ScheduleError {
    let is_wrong = |index: usize, field: &str| {
        let alone: [&str; FIELDS.len()] = std::array::from_fn(|place| if place == index { field } else { "*" });
        parser().parse(&alone.join(" ")).is_err()
    };
    let mut known = fields.iter().zip(FIELDS).enumerate();
    match known.find(|(index, (field, _))| is_wrong(*index, field)) {
        Some((_, (field, (name, values)))) => {
            // Fields are parts of the text.
            let place = start + (field.as_ptr().addr() - text.as_ptr().addr());
            at(
                field,
                place,
                format!("`{field}` is no {name}: expected {values}, `*`, a list, a range or a step such as `*/5`"),
            )
        }
        None => at(text, start, format!("`{text}` is no cron")),
    }
}

/// A date and time with an offset or `Z`, or one that goes by the zone.
fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let expected = || format!("`{text}` is no date and time: expected one such as `2026-12-31T18:00:00`");
    let civil: DateTime = text.parse().map_err(|_| expected())?;
    civil.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| expected())
}

/// A time zone by its IANA name.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone: expected one such as `Europe/Berlin` or `UTC`"))
}
