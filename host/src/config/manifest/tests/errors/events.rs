//! Event sources that cannot be.

use super::*;

/// With the resources and functions that triggers may name.
pub fn told_of(triggers: &str) -> String {
    told(&format!(
        r#"
        queues = {{ orders = {{}}, dead = {{}}, kept = {{ backend = "memory" }} }}
        topics = {{ stored = {{}}, kept = {{ backend = "memory" }} }}
        containers.inbox = {{}}
        buckets = {{ visits = {{}}, kept = {{ backend = "memory" }} }}
        functions.bill = {{ component = "bill.wasm" }}
        functions.other = {{ component = "other.wasm", async = {{}} }}
        {triggers}
        "#
    ))
}

#[test]
fn sources_that_are_not_there() {
    insta::assert_snapshot!(told_of(
        r#"
        [triggers]
        queue = [{ queue = "ordres", function = "bil" }]
        topic = [{ topic = "stord", function = "bill", dead-letter = "ded" }]
        blob = [{ container = "outbox", function = "bill" }]
        kv = [{ bucket = "visit", function = "bill" }]
        schedule = [{ name = "nightly", schedule = "rate(1h)", function = "clean", dead-letter = "gone" }]
        "#
    ), @r#"
    error: no queue `ordres` is in this manifest
     --> wasm-faas.toml:9:20
      |
    9 | queue = [{ queue = "ordres", function = "bil" }]
      |                    ^^^^^^^^
      = did you mean `orders`?
      = to have it, add the table `[queues.ordres]`

    error: no function `bil` is in this manifest
     --> wasm-faas.toml:9:41
      |
    9 | queue = [{ queue = "ordres", function = "bil" }]
      |                                         ^^^^^
      = did you mean `bill`?
      = to have it, add the table `[functions.bil]`

    error: no topic `stord` is in this manifest
      --> wasm-faas.toml:10:20
       |
    10 | topic = [{ topic = "stord", function = "bill", dead-letter = "ded" }]
       |                    ^^^^^^^
       = did you mean `stored`?
       = to have it, add the table `[topics.stord]`

    error: no queue `ded` is in this manifest
      --> wasm-faas.toml:10:62
       |
    10 | topic = [{ topic = "stord", function = "bill", dead-letter = "ded" }]
       |                                                              ^^^^^
       = did you mean `dead`?
       = to have it, add the table `[queues.ded]`

    error: no container `outbox` is in this manifest
      --> wasm-faas.toml:11:23
       |
    11 | blob = [{ container = "outbox", function = "bill" }]
       |                       ^^^^^^^^
       = to have it, add the table `[containers.outbox]`

    error: no bucket `visit` is in this manifest
      --> wasm-faas.toml:12:18
       |
    12 | kv = [{ bucket = "visit", function = "bill" }]
       |                  ^^^^^^^
       = did you mean `visits`?
       = to have it, add the table `[buckets.visit]`

    error: no function `clean` is in this manifest
      --> wasm-faas.toml:13:67
       |
    13 | schedule = [{ name = "nightly", schedule = "rate(1h)", function = "clean", dead-letter = "gone" }]
       |                                                                   ^^^^^^^
       = to have it, add the table `[functions.clean]`

    error: no queue `gone` is in this manifest
      --> wasm-faas.toml:13:90
       |
    13 | schedule = [{ name = "nightly", schedule = "rate(1h)", function = "clean", dead-letter = "gone" }]
       |                                                                                          ^^^^^^
       = to have it, add the table `[queues.gone]`
    "#);
}

#[test]
fn missing_and_unknown_keys() {
    insta::assert_snapshot!(told_of(
        r#"
        [[triggers.queue]]
        function = "bill"
        dead-letter = "dead"
        [[triggers.topic]]
        topic = "stored"
        [[triggers.schedule]]
        function = "bill"
        missed = "never"
        [[triggers.blob]]
        container = "inbox"
        function = "bill"
        on = ["created", "deleted"]
        [[triggers.kv]]
        bucket = "visits"
        function = "bill"
        delivery = "exactly-once"
        batch = { size = 101, windw = "1s" }
        "#
    ), @r#"
    error: `triggers.queue[0]` has no `queue`
     --> wasm-faas.toml:8:1
      |
    8 | [[triggers.queue]]
      | ^^^^^^^^^^^^^^^^^^
      = add it, such as `queue = "orders"`

    error: unknown key `dead-letter` in `triggers.queue[0]`
      --> wasm-faas.toml:10:1
       |
    10 | dead-letter = "dead"
       | ^^^^^^^^^^^ expected `backoff`, `batch`, `concurrency`, `delivery`, `function`, `ordered` or `queue`

    error: `triggers.topic[0]` has no `function`
      --> wasm-faas.toml:11:1
       |
    11 | [[triggers.topic]]
       | ^^^^^^^^^^^^^^^^^^
       = add it, such as `function = "resize"`

    error: `triggers.schedule[0]` has no `name`
      --> wasm-faas.toml:13:1
       |
    13 | [[triggers.schedule]]
       | ^^^^^^^^^^^^^^^^^^^^^
       = add it, such as `name = "nightly"`

    error: `triggers.schedule[0]` has no `schedule`
      --> wasm-faas.toml:13:1
       |
    13 | [[triggers.schedule]]
       | ^^^^^^^^^^^^^^^^^^^^^
       = add it, such as `schedule = "cron(0 0 3 * * *)"`

    error: `triggers.schedule[0].missed` cannot be `"never"`
      --> wasm-faas.toml:15:10
       |
    15 | missed = "never"
       |          ^^^^^^^ expected `"skip"`, `"last"` or `"all"`

    error: `triggers.blob[0].on[1]` cannot be `"deleted"`
      --> wasm-faas.toml:19:18
       |
    19 | on = ["created", "deleted"]
       |                  ^^^^^^^^^ expected `"created"` or `"removed"`

    error: `triggers.kv[0].delivery` cannot be `"exactly-once"`
      --> wasm-faas.toml:23:12
       |
    23 | delivery = "exactly-once"
       |            ^^^^^^^^^^^^^^ expected `"at-least-once"` or `"transactional"`

    error: `triggers.kv[0].batch.size` cannot be `101`
      --> wasm-faas.toml:24:18
       |
    24 | batch = { size = 101, windw = "1s" }
       |                  ^^^ expected a whole number from 1 to 100

    error: unknown key `windw` in `triggers.kv[0].batch`
      --> wasm-faas.toml:24:23
       |
    24 | batch = { size = 101, windw = "1s" }
       |                       ^^^^^ expected `bytes`, `size` or `window`
       = did you mean `window`?
    "#);
}

#[test]
fn triggers_that_get_in_each_others_way() {
    insta::assert_snapshot!(told_of(
        r#"
        [triggers]
        queue = [{ queue = "orders", function = "bill" }, { queue = "orders", function = "other" }]
        topic = [{ topic = "stored", function = "bill" }, { topic = "stored", function = "bill", filter = '{"body": [1]}' }]
        kv = [{ bucket = "visits", function = "bill", name = "audit" }, { bucket = "visits", function = "other", name = "audit" }]
        blob = [{ container = "inbox", function = "bill" }, { container = "inbox", function = "other", name = "bill" }]
        schedule = [
        { name = "often", schedule = "rate(1m)", function = "bill" },
        { name = "often", schedule = "rate(1h)", function = "bill" },
        ]
        "#
    ), @r#"
    error: queue `orders` has another trigger, and a message goes to one function
     --> wasm-faas.toml:9:61
      |
    9 | queue = [{ queue = "orders", function = "bill" }, { queue = "orders", function = "other" }]
      |                                                             ^^^^^^^^
      = to reach several functions, use a topic

    error: topic `stored` has another trigger named `bill`
      --> wasm-faas.toml:10:82
       |
    10 | topic = [{ topic = "stored", function = "bill" }, { topic = "stored", function = "bill", filter = '{"body": [1]}' }]
       |                                                                                  ^^^^^^
       = give each a `name` of its own

    error: bucket `visits` has another trigger named `audit`
      --> wasm-faas.toml:11:113
       |
    11 | kv = [{ bucket = "visits", function = "bill", name = "audit" }, { bucket = "visits", function = "other", name = "audit" }]
       |                                                                                                                 ^^^^^^^
       = give each a `name` of its own

    error: container `inbox` has another trigger named `bill`
      --> wasm-faas.toml:12:103
       |
    12 | blob = [{ container = "inbox", function = "bill" }, { container = "inbox", function = "other", name = "bill" }]
       |                                                                                                       ^^^^^^
       = give each a `name` of its own

    error: there is another schedule named `often`
      --> wasm-faas.toml:15:10
       |
    15 | { name = "often", schedule = "rate(1h)", function = "bill" },
       |          ^^^^^^^
       = give each a `name` of its own
    "#);
}

#[test]
fn names_of_triggers() {
    insta::assert_snapshot!(heads(&told_of(
        r#"
        [triggers]
        topic = [{ topic = "stored", function = "bill", name = "a/b" }]
        schedule = [{ name = "", schedule = "rate(1m)", function = "bill" }]
        "#
    )), @r#"
    error: "a/b" cannot name a trigger: only the letters a-z and A-Z, digits, `-`, `_` and `.` may stand in it
    error: "" cannot name a trigger: it is empty
    "#);
}

#[test]
fn an_order_that_the_queue_does_not_keep() {
    insta::assert_snapshot!(told_of("triggers.queue = [{ queue = \"orders\", function = \"bill\", ordered = true }]"), @r#"
    error: queue `orders` is not `fifo`, its messages come in no order
     --> wasm-faas.toml:8:68
      |
    8 | triggers.queue = [{ queue = "orders", function = "bill", ordered = true }]
      |                                                                    ^^^^
      = set `fifo = true` in `[queues.orders]`, or leave `ordered` out
    "#);
}

#[test]
fn schedules() {
    insta::assert_snapshot!(told_of(
        r#"
        [triggers]
        schedule = [
        { name = "a", schedule = "cron(0 61 * * * *)", function = "bill" },
        { name = "b", schedule = 'rate(10ms)', function = "bill", zone = "Europe/Berln" },
        { name = "c", schedule = "at(tomorrow)", function = "bill", zone = "" },
        { name = "d", schedule = "", function = "bill" },
        { name = "e", schedule = "${NAME}", function = "bill" },
        ]
        "#
    ), @r#"
    error: `61` is no minute: expected 0-59, `*`, a list, a range or a step such as `*/5`
      --> wasm-faas.toml:10:34
       |
    10 | { name = "a", schedule = "cron(0 61 * * * *)", function = "bill" },
       |                                  ^^

    error: `10ms` is out of range: expected `1s` to `1year`
      --> wasm-faas.toml:11:32
       |
    11 | { name = "b", schedule = 'rate(10ms)', function = "bill", zone = "Europe/Berln" },
       |                                ^^^^

    error: `Europe/Berln` is no time zone: expected one such as `Europe/Berlin` or `UTC`
      --> wasm-faas.toml:11:66
       |
    11 | { name = "b", schedule = 'rate(10ms)', function = "bill", zone = "Europe/Berln" },
       |                                                                  ^^^^^^^^^^^^^^
       = did you mean `Europe/Berlin`?

    error: `tomorrow` is no date and time: expected one such as `2026-12-31T18:00:00`
      --> wasm-faas.toml:12:30
       |
    12 | { name = "c", schedule = "at(tomorrow)", function = "bill", zone = "" },
       |                              ^^^^^^^^

    error: `` is no time zone: expected one such as `Europe/Berlin` or `UTC`
      --> wasm-faas.toml:12:68
       |
    12 | { name = "c", schedule = "at(tomorrow)", function = "bill", zone = "" },
       |                                                                    ^^

    error: `` is no schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`
      --> wasm-faas.toml:13:27
       |
    13 | { name = "d", schedule = "", function = "bill" },
       |                           ^

    error: `Zürich` is no schedule: expected `cron(second minute hour day month weekday)`, `rate(5m)` or `at(2026-12-31T18:00:00)`
      --> wasm-faas.toml:14:26
       |
    14 | { name = "e", schedule = "${NAME}", function = "bill" },
       |                          ^^^^^^^^^
    "#);
}

#[test]
fn patterns() {
    insta::assert_snapshot!(told_of(
        r#"
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        name = "one"
        filter = '{"attributes": {"kind": [{"prefx": "a"}]}}'
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        name = "two"
        filter = "{\"body\": {\"price\": [{\"numeric\": [\"=>\", 1]}]}}"
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        name = "three"
        filter = '''
        {
        "attributes": {"kind": ["paid"],},
        }'''
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        name = "four"
        filter = '{"attributes": {"city": ["${NAME}"], "kind": "paid"}}'
        "#
    ), @r#"
    error: `prefx` is no operator: expected `prefix`, `suffix`, `equals-ignore-case`, `wildcard`, `numeric`, `cidr`, `exists` or `anything-but`
      --> wasm-faas.toml:12:37
       |
    12 | filter = '{"attributes": {"kind": [{"prefx": "a"}]}}'
       |                                     ^^^^^^^

    error: `"=>"` is none of `=`, `!=`, `<`, `<=`, `>`, `>=`
      --> wasm-faas.toml:17:50
       |
    17 | filter = "{\"body\": {\"price\": [{\"numeric\": [\"=>\", 1]}]}}"
       |                                                  ^^^^^^

    error: the pattern is no JSON: trailing comma
      --> wasm-faas.toml:24:33
       |
    24 | "attributes": {"kind": ["paid"],},
       |                                 ^

    error: `"paid"` must stand in an array: `["paid"]`
      --> wasm-faas.toml:30:10
       |
    30 | filter = '{"attributes": {"city": ["${NAME}"], "kind": "paid"}}'
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}
