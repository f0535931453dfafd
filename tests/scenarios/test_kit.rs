//! `wasm-faas test`: scenarios of an application on a simulated clock.

use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use super::stage::{Stage, Transcript};
use super::{Scenario, Verdict, support};

pub fn trials() -> Vec<Trial> {
    let scenarios: [Scenario; 7] = [
        ("passes_and_fails", passes_and_fails),
        ("days_take_a_moment", days_take_a_moment),
        ("faults_repeat_with_their_seed", faults_repeat_with_their_seed),
        ("transactions_count_once", transactions_count_once),
        ("events_grow_too_old", events_grow_too_old),
        ("events_without_end", events_without_end),
        ("wrong_files", wrong_files),
    ];
    scenarios.map(|(name, run)| support::trial(format!("test_kit/{name}"), support::missing("rust"), run)).into()
}

const MANIFEST: &str = r#"
version = 1
[functions.counter]
component = "counter.wasm"
grants = ["kv:visits:rw", "queue:counts:send"]
[functions.misbehave]
component = "misbehave.wasm"
async = { max-age = "1m", max-receives = 100, backoff = { min = "20s", max = "20s" }, on-failure = "queue:failed" }
[functions.record]
component = "record.wasm"
grants = ["queue:seen:send"]
[buckets.visits]
[queues.counts]
[queues.seen]
[queues.failed]
[queues.orders]
max-receives = 3
dead-letter = "dead"
[queues.many]
max-receives = 300
[queues.dead]
[topics.stored]
[[triggers.http]]
path = "/count"
function = "counter"
[[triggers.queue]]
queue = "orders"
function = "misbehave"
[[triggers.queue]]
queue = "many"
function = "record"
[[triggers.schedule]]
name = "nightly"
schedule = "cron(0 30 3 * * *)"
function = "counter"
[[triggers.topic]]
topic = "stored"
function = "counter"
[[triggers.kv]]
bucket = "visits"
function = "record"
on = ["expired"]
"#;

/// What is handled twice is counted twice, unless in transactions.
const COUNTED: &str = r#"
[[scenario]]
name = "nothing is counted twice"
seed = 1
faults = { duplicate = 20, drop-ack = 10, crash = 10, unavailable = 10, slow = 10 }
[[scenario.step]]
publish = { topic = "stored" }
[[scenario.step]]
advance = "1s"
[[scenario.step]]
publish = { topic = "stored" }
[[scenario.step]]
advance = "1h"
[scenario.expect]
kv.visits = { total = "2" }
"#;

fn stage(scenarios: &str) -> Result<Stage, Failed> {
    let stage = Stage::new()?;
    for guest in ["counter", "misbehave", "record"] {
        stage.guest("rust", guest)?;
    }
    stage.write("wasm-faas.toml", MANIFEST)?;
    stage.write("orders.test.toml", scenarios)?;
    Ok(stage)
}

fn passes_and_fails() -> Verdict {
    let stage = stage(
        r#"
        [[scenario]]
        name = "an order that fails is tried three times and then dead"
        seed = 7
        [[scenario.step]]
        send = { queue = "orders", body = "retry" }
        expect = { invocations.misbehave = 1 }
        [[scenario.step]]
        advance = "1h"
        expect = { invocations.misbehave = 3, queue.dead = ["retry"], queue.orders = [] }

        [[scenario]]
        name = "each visit is counted"
        seed = 7
        given.kv.visits = { total = "3" }
        [[scenario.step]]
        http = { request = "POST /count" }
        expect = { status = 200, body = '{"count":4}' }
        [[scenario.step]]
        invoke = { function = "counter", subject = "user/1" }
        expect = { outcome = "ok", body = '{"count":1}' }
        [[scenario.step]]
        publish = { topic = "stored" }
        [scenario.expect]
        kv.visits = { total = "5", "user/1" = "1" }
        queue.counts = ["5", "4", "1"]
        fuel-at-most = 10_000_000
        invocations.counter = 3

        [[scenario]]
        name = "this is not so"
        seed = 7
        [[scenario.step]]
        invoke = { function = "misbehave", data = "reject" }
        [[scenario.step]]
        invoke = { function = "counter" }
        expect = { body = '{"count":2}', outcome = "rejected" }

        [[scenario]]
        name = "nor is this"
        seed = 7
        [[scenario.step]]
        set = { bucket = "visits", key = "a", value = "1", ttl = "1m" }
        [[scenario.step]]
        advance = "2m"
        [scenario.expect]
        kv.visits = { a = "1" }
        queue.seen = []
        invocations.record = 2
        logs = ["hello"]
        "#,
    )?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["test"])?;
    transcript.run(&["test", "orders.test.toml", "--json"])?;
    transcript.matches("test_kit")
}

fn days_take_a_moment() -> Verdict {
    let stage = stage(
        r#"
        [[scenario]]
        name = "three days"
        [[scenario.step]]
        send = { queue = "many", body = "retry" }
        [[scenario.step]]
        advance = "3days"
        [scenario.expect]
        kv.visits = { total = "3" }
        invocations.record = 300
        "#,
    )?;
    // Not to measure the compiler.
    stage.run(&["test"])?.ended(0)?;
    let started = Instant::now();
    stage.run(&["test"])?.ended(0)?;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    Ok(())
}

/// With enough seeds one fails, and it fails again.
fn faults_repeat_with_their_seed() -> Verdict {
    let stage = stage(COUNTED)?;
    let failed = stage.run(&["test", "--runs", "50", "--json"])?.ended(1)?.json()?;
    let seed = failed["seed"].to_string();
    let again = || stage.run(&["test", "--seed", &seed, "--json"])?.ended(1)?.json();
    let (first, second) = (again()?, again()?);
    assert_eq!(first["problems"][0], failed["problems"][0]);
    assert_eq!((&first["problems"][0], &first["simulatedMs"]), (&second["problems"][0], &second["simulatedMs"]));
    Ok(())
}

/// With the very seeds of which one fails above.
fn transactions_count_once() -> Verdict {
    let stage = stage(COUNTED)?;
    let subscription = "topic = \"stored\"\nfunction = \"counter\"\n";
    let transactional = format!("{subscription}delivery = \"transactional\"\nmax-receives = 30\n");
    assert!(MANIFEST.contains(subscription));
    stage.write("wasm-faas.toml", MANIFEST.replace(subscription, &transactional))?;
    let passed = stage.run(&["test", "--runs", "50", "--json"])?.ended(0)?.json()?;
    assert_eq!((&passed["ok"], &passed["runs"]), (&true.into(), &50.into()));
    Ok(())
}

/// The next attempt would come after `max-age`: the record of the failure says so, and there is no other attempt.
fn events_grow_too_old() -> Verdict {
    let stage = stage(
        r#"
        [[scenario]]
        name = "too old"
        [[scenario.step]]
        invoke-async = { function = "misbehave", data = "throw" }
        [[scenario.step]]
        advance = "1day"
        [scenario.expect]
        queue.failed = []
        "#,
    )?;
    let failed = stage.run(&["test", "--json"])?.ended(1)?.json()?;
    let record = failed["problems"][0].as_str().and_then(|problem| problem.split('`').nth(3));
    let record: Value = serde_json::from_str(record.unwrap_or_default())?;
    assert_eq!((&record["condition"], &record["error"]), (&"expired".into(), &"thrown on request".into()), "{failed}");
    assert!((3..=6).contains(&record["attempts"].as_u64().unwrap_or_default()), "{record}");
    Ok(())
}

/// A function that is sent what it sends.
fn events_without_end() -> Verdict {
    let stage = stage(
        r#"
        [[scenario]]
        name = "it counts for ever"
        seed = 7
        [[scenario.step]]
        send = { queue = "counts" }
        "#,
    )?;
    stage.write(
        "wasm-faas.toml",
        format!("{MANIFEST}[[triggers.queue]]\nqueue = \"counts\"\nfunction = \"counter\"\n"),
    )?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["test"])?;
    transcript.matches("test_kit_without_end")
}

fn wrong_files() -> Verdict {
    let stage = Stage::new()?;
    let mut transcript = Transcript::new(&stage);
    transcript.run(&["test"])?;
    stage.write("orders.test.toml", "[[scenario]]\nname = \"lost\"\n")?;
    transcript.run(&["test"])?;
    stage.write("wasm-faas.toml", MANIFEST)?;
    stage.write("orders.test.toml", "[[scenario]]\nname = \"x\"\nstep = [{ send = { queue = \"order\" } }]\n")?;
    transcript.run(&["test"])?;
    transcript.run(&["test", "nothing.test.toml"])?;
    stage.write("orders.test.toml", "")?;
    transcript.run(&["test"])?;
    stage.write("orders.test.toml", "[[scenario]]\nname = \"x\"\n")?;
    transcript.run(&["test", "--name", "y"])?;
    transcript.matches("test_kit_wrong_files")
}
