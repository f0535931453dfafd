//! How events are delivered: what cannot be asked for.

use super::events::told_of;
use super::*;

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
fn destinations_in_memory() {
    insta::assert_snapshot!(told(
        r#"
        queues = { kept = { backend = "memory" } }
        [functions.bill]
        component = "bill.wasm"
        async = { delivery = "transactional", on-success = "queue:kept", on-failure = "queue:kept" }
        "#
    ), @r#"
    error: what becomes of function `bill` goes to queue `kept`, which is kept in memory, where there are no transactions
     --> wasm-faas.toml:5:52
      |
    5 | async = { delivery = "transactional", on-success = "queue:kept", on-failure = "queue:kept" }
      |                                                    ^^^^^^^^^^^^
      = keep it in the embedded store or leave out `delivery = "transactional"`
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
