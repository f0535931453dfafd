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
    ), @"");
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
    ), @"");
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
    ), @"");
}

#[test]
fn names_of_triggers() {
    insta::assert_snapshot!(heads(&told_of(
        r#"
        [triggers]
        topic = [{ topic = "stored", function = "bill", name = "a/b" }]
        schedule = [{ name = "", schedule = "rate(1m)", function = "bill" }]
        "#
    )), @"");
}

#[test]
fn an_order_that_the_queue_does_not_keep() {
    insta::assert_snapshot!(told_of("triggers.queue = [{ queue = \"orders\", function = \"bill\", ordered = true }]"), @"");
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
    ), @"");
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
    ), @"");
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
    ), @"");
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
    )), @"");
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
    ), @"");
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
    ), @"");
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
    ), @"");
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
    ), @"");
}

#[test]
fn transactions_in_memory() {
    insta::assert_snapshot!(told_of(
        r#"
        [triggers]
        queue = [{ queue = "kept", function = "bill", delivery = "transactional" }]
        kv = [{ bucket = "kept", function = "bill", delivery = "transactional" }]
        "#
    ), @"");
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
    ), @"");
}
