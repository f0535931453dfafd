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
    assert_eq!(found, ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"]);
}

/// Clocks go from 03:00 back to 02:00.
#[test]
fn a_time_that_a_day_has_twice_comes_once_and_an_interval_goes_on() {
    let found = ticks("cron(0 30 2 * * *)", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    let found = ticks("cron(0 */30 * * * *)", "Europe/Berlin", "2026-10-25T00:00:00Z", 4);
    assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]);
}

/// A host that was down finds the same ticks as one that ran.
#[test]
fn forwards_and_backwards_the_ticks_are_the_same() {
    let texts =
        ["cron(0 30 2 * * *)", "cron(0 */30 * * * *)", "cron(0 0 2,3 * * *)", "rate(40m)", "cron(0 15 1-3 * * SUN)"];
    for (text, start) in texts.iter().flat_map(|text| [(text, "2026-03-28T12:00:00Z"), (text, "2026-10-24T12:00:00Z")])
    {
        let schedule = Schedule::parse(text, zone("Europe/Berlin").unwrap()).unwrap();
        let end = ms(start) + 48 * 3_600_000;
        let forwards = std::iter::successors(schedule.next_after(ms(start)), |at| schedule.next_after(*at));
        let mut backwards: Vec<u64> = std::iter::successors(schedule.last_until(end), |at| schedule.last_until(at - 1))
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
    assert_eq!(ticks("at(2026-12-31T18:00:00)", "Europe/Berlin", "2026-11-21T00:00:00Z", 9), ["2026-12-31T17:00:00Z"]);
    assert_eq!(ticks("at(2026-12-31T18:00:00Z)", "Europe/Berlin", "2026-11-21T00:00:00Z", 9), ["2026-12-31T18:00:00Z"]);
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
