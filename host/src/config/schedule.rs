//! When a schedule's ticks are.

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

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    fn ticks(text: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(text, zone(zone_name).unwrap()).unwrap();
        let mut last = ms(after);
        let mut found = Vec::new();
        while let Some(next) = schedule.next_after(last).filter(|_| found.len() < count) {
            found.push(Timestamp::from_millisecond(i64::try_from(next).unwrap()).unwrap().to_string());
            last = next;
        }
        found
    }

    #[test]
    fn a_cron_ticks_by_seconds() {
        let found = ticks("cron(*/20 * * * * *)", "UTC", "2026-11-21T03:00:00Z", 3);
        assert_eq!(found, ["2026-11-21T03:00:20Z", "2026-11-21T03:00:40Z", "2026-11-21T03:01:00Z"]);
    }

    #[test]
    fn a_cron_goes_by_its_zone_through_a_change_of_the_clock() {
        let found = ticks("cron(0 0 12 * * *)", "Europe/Berlin", "2026-10-23T12:00:00Z", 3);
        assert_eq!(found, ["2026-10-24T10:00:00Z", "2026-10-25T11:00:00Z", "2026-10-26T11:00:00Z"]);
    }

    /// Clocks go from 02:00 to 03:00.
    #[test]
    fn a_time_that_a_day_lacks_comes_right_after_the_gap() {
        let found = ticks("cron(0 30 2 * * *)", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
        assert_eq!(found, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        let found = ticks("cron(0 */30 * * * *)", "Europe/Berlin", "2026-03-29T00:00:00Z", 4);
        assert_eq!(
            found,
            ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"]
        );
    }

    /// Clocks go from 03:00 back to 02:00.
    #[test]
    fn a_time_that_a_day_has_twice_comes_once_and_an_interval_goes_on() {
        let found = ticks("cron(0 30 2 * * *)", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        let found = ticks("cron(0 */30 * * * *)", "Europe/Berlin", "2026-10-25T00:00:00Z", 4);
        assert_eq!(
            found,
            ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
        );
    }

    /// A host that was down finds the same ticks as one that ran.
    #[test]
    fn forwards_and_backwards_the_ticks_are_the_same() {
        let texts = [
            "cron(0 30 2 * * *)",
            "cron(0 */30 * * * *)",
            "cron(0 0 2,3 * * *)",
            "rate(40m)",
            "cron(0 15 1-3 * * SUN)",
        ];
        for (text, start) in
            texts.iter().flat_map(|text| [(text, "2026-03-28T12:00:00Z"), (text, "2026-10-24T12:00:00Z")])
        {
            let schedule = Schedule::parse(text, zone("Europe/Berlin").unwrap()).unwrap();
            let end = ms(start) + 48 * 3_600_000;
            let forwards = std::iter::successors(schedule.next_after(ms(start)), |at| schedule.next_after(*at));
            let mut backwards: Vec<u64> =
                std::iter::successors(schedule.last_until(end), |at| schedule.last_until(at - 1))
                    .take_while(|at| *at > ms(start))
                    .collect();
            backwards.reverse();
            assert_eq!(forwards.take_while(|at| *at <= end).collect::<Vec<_>>(), backwards, "{text} from {start}");
        }
    }

    #[test]
    fn a_leap_day_comes() {
        assert_eq!(ticks("cron(0 0 0 29 2 *)", "UTC", "2097-01-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
    }

    #[test]
    fn the_last_friday_can_be_named() {
        assert_eq!(ticks("cron(0 0 9 * * FRI#L)", "UTC", "2026-11-01T00:00:00Z", 1), ["2026-11-27T09:00:00Z"]);
    }

    #[test]
    fn a_rate_ticks_at_multiples() {
        let found = ticks("rate(5 minutes)", "UTC", "2026-11-21T03:01:00Z", 2);
        assert_eq!(found, ["2026-11-21T03:05:00Z", "2026-11-21T03:10:00Z"]);
    }

    #[test]
    fn one_instant_ticks_once() {
        assert_eq!(
            ticks("at(2026-12-31T18:00:00)", "Europe/Berlin", "2026-11-21T00:00:00Z", 9),
            ["2026-12-31T17:00:00Z"]
        );
        assert_eq!(
            ticks("at(2026-12-31T18:00:00Z)", "Europe/Berlin", "2026-11-21T00:00:00Z", 9),
            ["2026-12-31T18:00:00Z"]
        );
        assert!(ticks("at(2026-12-31T18:00:00)", "UTC", "2027-01-01T00:00:00Z", 9).is_empty());
    }

    #[test]
    fn what_is_no_schedule_says_where_and_why() {
        let texts = [
            "hourly",
            "",
            "(* * * * * *)",
            "cron(",
            "crom(* * * * * *)",
            "cron(* * * * *)",
            "cron()",
            "cron(* * * * * * 2027)",
            "cron(-1 * * * * *)",
            "cron(0  61 * * * *)",
            "cron(0 0 22-24 * * 1)",
            "cron(0 0 0 32 * *)",
            "cron(0 0 0 * FOO *)",
            "cron(0 0 0 * * MON-FIR)",
            "cron(*/0 0 0 * * *)",
            "cron(0 0 5-1 * * *)",
            "cron(0 é * * * *)",
            "cron(0 0 0 30 2 *)",
            "rate()",
            "rate(5)",
            "rate(0s)",
            "rate(2y)",
            "rate(100ms)",
            "at()",
            "at(tomorrow)",
            "at(2026-02-30T00:00:00)",
        ];
        let told = texts.map(|text| {
            let error = Schedule::parse(text, TimeZone::UTC).unwrap_err();
            format!("{text}\n{}{}\n{error}", " ".repeat(error.place.start), "^".repeat(error.place.len().max(1)))
        });
        insta::assert_snapshot!(told.join("\n"), @r"
        hourly
        ^^^^^^
        `hourly` is no schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`

        ^
        `` is no schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`
        (* * * * * *)
        ^
        `` is no kind of schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`
        cron(
        ^^^^^
        `cron(` is no schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`
        crom(* * * * * *)
        ^^^^
        `crom` is no kind of schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`
        cron(* * * * *)
             ^^^^^^^^^
        a cron has 6 fields, second minute hour day month weekday, and this has 5
        cron()
             ^
        a cron has 6 fields, second minute hour day month weekday, and this has 0
        cron(* * * * * * 2027)
             ^^^^^^^^^^^^^^^^
        a cron has 6 fields, second minute hour day month weekday, and this has 7
        cron(-1 * * * * *)
             ^^
        `-1` is no second: expected 0-59, `*`, a list, a range or a step such as `*/5`
        cron(0  61 * * * *)
                ^^
        `61` is no minute: expected 0-59, `*`, a list, a range or a step such as `*/5`
        cron(0 0 22-24 * * 1)
                 ^^^^^
        `22-24` is no hour: expected 0-23, `*`, a list, a range or a step such as `*/5`
        cron(0 0 0 32 * *)
                   ^^
        `32` is no day: expected 1-31, `L` or `15W`, `*`, a list, a range or a step such as `*/5`
        cron(0 0 0 * FOO *)
                     ^^^
        `FOO` is no month: expected 1-12 or JAN-DEC, `*`, a list, a range or a step such as `*/5`
        cron(0 0 0 * * MON-FIR)
                       ^^^^^^^
        `MON-FIR` is no weekday: expected 0-7, SUN-SAT, `FRI#2` or `FRI#L`, `*`, a list, a range or a step such as `*/5`
        cron(*/0 0 0 * * *)
             ^^^
        `*/0` is no second: expected 0-59, `*`, a list, a range or a step such as `*/5`
        cron(0 0 5-1 * * *)
                 ^^^
        `5-1` is no hour: expected 0-23, `*`, a list, a range or a step such as `*/5`
        cron(0 é * * * *)
               ^^
        `é` is no minute: expected 0-59, `*`, a list, a range or a step such as `*/5`
        cron(0 0 0 30 2 *)
             ^^^^^^^^^^^^
        `0 0 0 30 2 *` never comes: no month that is named has such a day
        rate()
             ^
        `` is no duration: expected a number and a unit, such as `250ms` or `3s`
        rate(5)
             ^
        `5` is no duration: expected a number and a unit, such as `250ms` or `3s`
        rate(0s)
             ^^
        `0s` is out of range: expected `1s` to `1year`
        rate(2y)
             ^^
        `2y` is out of range: expected `1s` to `1year`
        rate(100ms)
             ^^^^^
        `100ms` is out of range: expected `1s` to `1year`
        at()
           ^
        `` is no date and time: expected one such as `2026-12-31T18:00:00`
        at(tomorrow)
           ^^^^^^^^
        `tomorrow` is no date and time: expected one such as `2026-12-31T18:00:00`
        at(2026-02-30T00:00:00)
           ^^^^^^^^^^^^^^^^^^^
        `2026-02-30T00:00:00` is no date and time: expected one such as `2026-12-31T18:00:00`
        ");
    }

    #[test]
    fn what_is_no_zone_is_told() {
        insta::assert_snapshot!(zone("Berlin").unwrap_err(), @"`Berlin` is no time zone: expected one such as `Europe/Berlin` or `UTC`");
    }
}
