//! Event sources that cannot be.

use super::*;

/// With the resources and functions that triggers may name.
fn told_of(triggers: &str) -> String {
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

#[test]
fn batches_and_backoffs() {
    insta::assert_snapshot!(told_of(
        r#"
        [[triggers.queue]]
        queue = "orders"
        function = "bill"
        batch = { bytes = "2MiB", window = "6m" }
        backoff = { min = "1h", max = "1m" }
        [[triggers.kv]]
        bucket = "visits"
        function = "bill"
        batch = { bytes = "1B", window = "soon" }
        backoff = { min = "1ms", max = "13h" }
        "#
    ), @r#"
    error: `2MiB` is out of range: expected `1KiB` to `1MiB`
      --> wasm-faas.toml:11:19
       |
    11 | batch = { bytes = "2MiB", window = "6m" }
       |                   ^^^^^^

    error: `6m` is out of range: expected `0s` to `5m`
      --> wasm-faas.toml:11:36
       |
    11 | batch = { bytes = "2MiB", window = "6m" }
       |                                    ^^^^

    error: `max` of the backoff is below `min`, which is 1h
      --> wasm-faas.toml:12:31
       |
    12 | backoff = { min = "1h", max = "1m" }
       |                               ^^^^ expected `1h` or more

    error: `1B` is out of range: expected `1KiB` to `1MiB`
      --> wasm-faas.toml:16:19
       |
    16 | batch = { bytes = "1B", window = "soon" }
       |                   ^^^^

    error: `soon` is no duration: expected a number and a unit, such as `250ms` or `3s`
      --> wasm-faas.toml:16:34
       |
    16 | batch = { bytes = "1B", window = "soon" }
       |                                  ^^^^^^

    error: `1ms` is out of range: expected `10ms` to `12h`
      --> wasm-faas.toml:17:19
       |
    17 | backoff = { min = "1ms", max = "13h" }
       |                   ^^^^^

    error: `13h` is out of range: expected `10ms` to `12h`
      --> wasm-faas.toml:17:32
       |
    17 | backoff = { min = "1ms", max = "13h" }
       |                                ^^^^^
    "#);
}

#[test]
fn numbers_of_sources() {
    insta::assert_snapshot!(heads(&told_of(
        r#"
        [[triggers.topic]]
        topic = "stored"
        function = "bill"
        batch = { size = 0 }
        concurrency = 0
        max-receives = 1001
        "#
    )), @r"
    error: `triggers.topic[0].batch.size` cannot be `0`
    error: `triggers.topic[0].concurrency` cannot be `0`
    error: `triggers.topic[0].max-receives` cannot be `1001`
    ");
}

#[test]
fn destinations() {
    insta::assert_snapshot!(told(
        r#"
        queues.done = {}
        topics.failed = {}
        [functions.plain]
        component = "plain.wasm"
        [functions.a]
        component = "a.wasm"
        async = { on-success = "done", on-failure = "bucket:failed" }
        [functions.b]
        component = "b.wasm"
        async = { on-success = "queue:don", on-failure = "topic:fail" }
        [functions.c]
        component = "c.wasm"
        async = { on-success = "function:plain", on-failure = "function:plane", max-age = "1s", dead-letter = "did" }
        "#
    ), @r#"
    error: `done` is no destination
     --> wasm-faas.toml:8:24
      |
    8 | async = { on-success = "done", on-failure = "bucket:failed" }
      |                        ^^^^^^ expected `queue:NAME`, `topic:NAME` or `function:NAME`

    error: `bucket:failed` is no destination
     --> wasm-faas.toml:8:45
      |
    8 | async = { on-success = "done", on-failure = "bucket:failed" }
      |                                             ^^^^^^^^^^^^^^^ expected `queue:NAME`, `topic:NAME` or `function:NAME`

    error: no queue `don` is in this manifest
      --> wasm-faas.toml:11:24
       |
    11 | async = { on-success = "queue:don", on-failure = "topic:fail" }
       |                        ^^^^^^^^^^^
       = did you mean `done`?
       = to have it, add the table `[queues.don]`

    error: no topic `fail` is in this manifest
      --> wasm-faas.toml:11:50
       |
    11 | async = { on-success = "queue:don", on-failure = "topic:fail" }
       |                                                  ^^^^^^^^^^^^
       = did you mean `failed`?
       = to have it, add the table `[topics.fail]`

    error: function `plain` takes no asynchronous invocations
      --> wasm-faas.toml:14:24
       |
    14 | async = { on-success = "function:plain", on-failure = "function:plane", max-age = "1s", dead-letter = "did" }
       |                        ^^^^^^^^^^^^^^^^
       = to have it do so, add `async = {}` to `[functions.plain]`

    error: no function `plane` is in this manifest
      --> wasm-faas.toml:14:55
       |
    14 | async = { on-success = "function:plain", on-failure = "function:plane", max-age = "1s", dead-letter = "did" }
       |                                                       ^^^^^^^^^^^^^^^^
       = did you mean `plain`?
       = to have it, add the table `[functions.plane]`

    error: `1s` is out of range: expected `1m` to `14days`
      --> wasm-faas.toml:14:83
       |
    14 | async = { on-success = "function:plain", on-failure = "function:plane", max-age = "1s", dead-letter = "did" }
       |                                                                                   ^^^^

    error: no queue `did` is in this manifest
      --> wasm-faas.toml:14:103
       |
    14 | async = { on-success = "function:plain", on-failure = "function:plane", max-age = "1s", dead-letter = "did" }
       |                                                                                                       ^^^^^
       = to have it, add the table `[queues.did]`
    "#);
}

#[test]
fn functions_that_would_call_each_other_for_ever() {
    insta::assert_snapshot!(told(
        r#"
        [functions]
        own = { component = "own.wasm", async = { on-failure = "function:own" } }
        first = { component = "first.wasm", async = { on-success = "function:second" } }
        second = { component = "second.wasm", async = { on-failure = "function:third" } }
        third = { component = "third.wasm", async = { on-success = "function:first" } }
        before = { component = "before.wasm", async = { on-success = "function:first" } }
        "#
    ), @r#"
    error: what becomes of function `own` comes back to it, it would never rest
     --> wasm-faas.toml:3:56
      |
    3 | own = { component = "own.wasm", async = { on-failure = "function:own" } }
      |                                                        ^^^^^^^^^^^^^^
      = name another destination, or none

    error: what becomes of function `first` comes back to it, it would never rest
     --> wasm-faas.toml:4:60
      |
    4 | first = { component = "first.wasm", async = { on-success = "function:second" } }
      |                                                            ^^^^^^^^^^^^^^^^^
      = name another destination, or none
    "#);
}

#[test]
fn dead_letters_in_another_store() {
    insta::assert_snapshot!(told_of(
        r#"
        functions.more = { component = "more.wasm", async = { dead-letter = "kept" } }
        [triggers]
        topic = [{ topic = "kept", function = "bill", dead-letter = "dead" }]
        schedule = [{ name = "nightly", schedule = "rate(1h)", function = "bill", dead-letter = "kept" }]
        "#
    ), @r#"
    error: the invocation queue of function `more` and queue `kept` are kept by different backends, messages cannot move
     --> wasm-faas.toml:8:69
      |
    8 | functions.more = { component = "more.wasm", async = { dead-letter = "kept" } }
      |                                                                     ^^^^^^
      = set `backend` of both to the same

    error: topic `kept` and queue `dead` are kept by different backends, messages cannot move
      --> wasm-faas.toml:10:61
       |
    10 | topic = [{ topic = "kept", function = "bill", dead-letter = "dead" }]
       |                                                             ^^^^^^
       = set `backend` of both to the same

    error: schedule `nightly` and queue `kept` are kept by different backends, messages cannot move
      --> wasm-faas.toml:11:89
       |
    11 | schedule = [{ name = "nightly", schedule = "rate(1h)", function = "bill", dead-letter = "kept" }]
       |                                                                                         ^^^^^^
       = set `backend` of both to the same
    "#);
}

/// Handling dead letters does not change that they come back.
#[test]
fn dead_letters_that_come_back() {
    insta::assert_snapshot!(told(
        r#"
        functions.bill = { component = "bill.wasm" }
        [queues]
        orders = { dead-letter = "dead" }
        dead = { dead-letter = "orders" }
        [triggers]
        queue = [{ queue = "orders", function = "bill" }, { queue = "dead", function = "bill" }]
        "#
    ), @r#"
    error: the dead messages of queue `dead` come back to it, they would never rest
     --> wasm-faas.toml:5:24
      |
    5 | dead = { dead-letter = "orders" }
      |                        ^^^^^^^^
      = name another queue, or none
    "#);
}

#[test]
fn transactions_in_memory() {
    insta::assert_snapshot!(told_of(
        r#"
        [triggers]
        queue = [{ queue = "kept", function = "bill", delivery = "transactional" }]
        kv = [{ bucket = "kept", function = "bill", delivery = "transactional" }]
        "#
    ), @r#"
    error: queue `kept` is kept in memory, where there are no transactions
     --> wasm-faas.toml:9:58
      |
    9 | queue = [{ queue = "kept", function = "bill", delivery = "transactional" }]
      |                                                          ^^^^^^^^^^^^^^^ expected `at-least-once`
      = or set `backend = "embedded"` in `[queues.kept]`

    error: bucket `kept` is kept in memory, where there are no transactions
      --> wasm-faas.toml:10:56
       |
    10 | kv = [{ bucket = "kept", function = "bill", delivery = "transactional" }]
       |                                                        ^^^^^^^^^^^^^^^ expected `at-least-once`
       = or set `backend = "embedded"` in `[buckets.kept]`
    "#);
    insta::assert_snapshot!(told(
        r#"
        store.backend = "memory"
        [functions.bill]
        component = "bill.wasm"
        async = { delivery = "transactional" }
        [[triggers.schedule]]
        name = "nightly"
        schedule = "rate(1h)"
        function = "bill"
        delivery = "transactional"
        "#
    ), @r#"
    error: the invocation queue of function `bill` is kept in memory, where there are no transactions
     --> wasm-faas.toml:5:22
      |
    5 | async = { delivery = "transactional" }
      |                      ^^^^^^^^^^^^^^^ expected `at-least-once`
      = or set `backend = "embedded"` in `[store]`

    error: schedule `nightly` is kept in memory, where there are no transactions
      --> wasm-faas.toml:10:12
       |
    10 | delivery = "transactional"
       |            ^^^^^^^^^^^^^^^ expected `at-least-once`
       = or set `backend = "embedded"` in `[store]`
    "#);
    insta::assert_snapshot!(told(
        r#"
        queues = { orders = {}, kept = { backend = "memory" } }
        [functions.bill]
        component = "bill.wasm"
        grants = ["queue:kept:send"]
        [[triggers.queue]]
        queue = "orders"
        function = "bill"
        delivery = "transactional"
        "#
    ), @r#"
    error: the grant "queue:kept:send" lets the function write to queue `kept`, which is kept in memory, where there are no transactions: keep it in the embedded store, take the grant away or leave out `delivery = "transactional"`
     --> wasm-faas.toml:9:12
      |
    9 | delivery = "transactional"
      |            ^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn grants_of_asynchronous_invocations() {
    insta::assert_snapshot!(told(
        r#"
        functions.bill = { component = "bill.wasm" }
        [functions.order]
        component = "order.wasm"
        grants = ["function:bill:invoke", "function:bill:invoke-async"]
        "#
    ), @r#"
    error: function `bill` takes no asynchronous invocations
     --> wasm-faas.toml:5:35
      |
    5 | grants = ["function:bill:invoke", "function:bill:invoke-async"]
      |                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = to have it do so, add `async = {}` to `[functions.bill]`
    "#);
}
