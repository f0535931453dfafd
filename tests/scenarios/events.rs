//! Every trigger that is not HTTP, with a function of every language over every backend.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::application::{Application, body, encoded};
use super::{Verdict, support};

/// A trigger and what its function gets. The backend is that of the manifest's store.
type Case = (&'static str, fn(&str, &str) -> Verdict);

const CASES: [Case; 9] = [
    ("queue", queue),
    ("fifo_queue", fifo_queue),
    ("topic", topic),
    ("schedule", schedule),
    ("blob", blob),
    ("kv", kv),
    ("batch", batch),
    ("asynchronous", asynchronous),
    ("transactional", transactional),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, case) in CASES {
        for backend in ["embedded", "memory"] {
            trials.extend(support::LANGUAGES.map(|language| {
                let missing = support::missing(language).or_else(|| support::missing("rust"));
                support::trial(format!("events/{backend}/{language}/{name}"), missing, move || case(language, backend))
            }));
        }
    }
    trials
}

fn start(language: &str, backend: &str, grants: &[&str], manifest: &str) -> Result<Application, Failed> {
    Application::start(language, grants, &format!("{manifest}\n[store]\nbackend = \"{backend}\"\n"))
}

/// What one of `record`'s messages says, without what differs between triggers.
fn summary(seen: &Value) -> Value {
    json!([seen["source"], seen["type"], seen["subject"], seen["trigger"], seen["attempt"], seen["data"]])
}

fn summaries(seen: &[Value]) -> Vec<Value> {
    let mut summaries: Vec<Value> = seen.iter().map(summary).collect();
    summaries.sort_by_key(Value::to_string);
    summaries
}

/// The attributes of a dead letter that are the same each time.
fn death(message: &Value) -> Value {
    let attribute = |name: &str| message["attributes"][format!("faas-dead-{name}")].clone();
    json!([
        body(message),
        attribute("reason"),
        attribute("source"),
        attribute("receives"),
        attribute("error"),
        attribute("function")
    ])
}

fn queue(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [queues.orders]
        max-receives = 2
        dead-letter = "dead"
        [queues.dead]
        [[triggers.queue]]
        queue = "orders"
        function = "record"
        backoff = { min = "20ms" }"#;
    let application = start(language, backend, &["queue:orders:send", "queue:dead:receive"], manifest)?;
    application.send("orders", &["fine", "reject", "retry"])?;
    let of = |data: &str, attempt: u32| {
        json!(["/queues/orders", "faas.queue.message", null, ["queue", "orders", null], attempt, data])
    };
    assert_eq!(summaries(&application.seen(4)?), [of("fine", 1), of("reject", 1), of("retry", 1), of("retry", 2)]);
    let mut dead: Vec<Value> = application.received("dead", 2)?.iter().map(death).collect();
    dead.sort_by_key(Value::to_string);
    let rejected = json!(["reject", "rejected", "orders", "1", "rejected on request", "record"]);
    let given_up = json!(["retry", "max-receives", "orders", "2", "not now", "record"]);
    assert_eq!(dead, [rejected, given_up]);
    Ok(())
}

/// What fails holds its group back, and no other.
fn fifo_queue(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [queues.orders]
        fifo = true
        max-receives = 3
        [[triggers.queue]]
        queue = "orders"
        function = "record"
        ordered = true
        backoff = { min = "300ms" }"#;
    let application = start(language, backend, &["queue:orders:send"], manifest)?;
    let send = |data: &str, group: &str| json!({ "op": "queue.send", "queue": "orders", "message": { "body": encoded(data), "group": group } });
    application.steps(&json!([send("retry", "a"), send("behind", "a"), send("other", "b")]))?;
    let seen = application.seen(5)?;
    let order = |group: &str| -> Vec<String> {
        let of_group = seen.iter().filter(|seen| seen["trigger"][2] == group);
        of_group.map(|seen| format!("{} {}", seen["data"].as_str().unwrap_or_default(), seen["attempt"])).collect()
    };
    assert_eq!(order("a"), ["retry 1", "retry 2", "retry 3", "behind 1"]);
    assert_eq!(order("b"), ["other 1"]);
    Ok(())
}

fn topic(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [topics.stored]
        [[triggers.topic]]
        topic = "stored"
        function = "record"
        [[triggers.topic]]
        topic = "stored"
        name = "paid"
        function = "record"
        filter = '{"attributes": {"kind": ["paid"]}, "body": {"amount": [{"numeric": [">", 10]}]}}'"#;
    let application = start(language, backend, &["topic:stored:publish"], manifest)?;
    let publish = |data: &str, kind: &str| {
        let message = json!({ "body": encoded(data), "attributes": { "kind": kind }, "group": "g" });
        json!({ "op": "topic.publish", "topic": "stored", "message": message })
    };
    let (small, large) = (r#"{"amount":1}"#, r#"{"amount":11}"#);
    application.steps(&json!([publish(small, "paid"), publish(large, "paid"), publish(large, "sent")]))?;
    let of = |data: &str| json!(["/topics/stored", "faas.topic.message", null, ["topic", "stored", "g"], 1, data]);
    assert_eq!(summaries(&application.seen(4)?), [of(large), of(large), of(large), of(small)]);
    Ok(())
}

fn schedule(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [[triggers.schedule]]
        name = "often"
        schedule = "rate(1s)"
        function = "record"
        data = "tick""#;
    let application = start(language, backend, &[], manifest)?;
    let of = json!(["/schedules/often", "faas.schedule.tick", null, ["schedule", "often"], 1, "tick"]);
    assert_eq!(summaries(&application.seen(2)?)[..2], [of.clone(), of]);
    Ok(())
}

fn blob(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [containers.inbox]
        [[triggers.blob]]
        container = "inbox"
        function = "record"
        prefix = "in/"
        suffix = ".txt""#;
    let application = start(language, backend, &["blob:inbox:rw"], manifest)?;
    let put = |key: &str| json!({ "op": "blob.put", "container": "inbox", "key": key, "data": encoded("hello") });
    let delete = json!({ "op": "blob.delete", "container": "inbox", "key": "in/a.txt" });
    application.steps(&json!([put("in/a.txt"), put("out/a.txt"), put("in/a.png"), delete]))?;
    let seen: Vec<Value> =
        application.seen(2)?.iter().map(|seen| json!([seen["type"], seen["subject"], seen["trigger"]])).collect();
    let created = json!(["faas.blob.created", "in/a.txt", ["blob", "inbox", "in/a.txt", "created", 5]]);
    let removed = json!(["faas.blob.removed", "in/a.txt", ["blob", "inbox", "in/a.txt", "removed"]]);
    assert_eq!(seen, [created, removed]);
    Ok(())
}

fn kv(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [buckets.visits]
        [[triggers.kv]]
        bucket = "visits"
        function = "record"
        prefix = "user/""#;
    let application = start(language, backend, &["kv:visits:rw"], manifest)?;
    let set = |key: &str, ttl: Value| json!({ "op": "kv.set", "bucket": "visits", "key": key, "value": encoded("1"), "ttl_ms": ttl });
    let delete = json!({ "op": "kv.delete", "bucket": "visits", "key": "user/a" });
    application.steps(&json!([set("user/a", Value::Null), set("b", Value::Null), delete, set("user/a", json!(50))]))?;
    let seen: Vec<Value> = application.seen(4)?.iter().map(|seen| json!([seen["type"], seen["trigger"][3]])).collect();
    let of = |change: &str| json!([format!("faas.kv.{change}"), change]);
    assert_eq!(seen, [of("set"), of("removed"), of("set"), of("expired")]);
    Ok(())
}

/// One answer for each event; what breaks a batch is found, and the others of it are handled.
fn batch(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [functions.batch]
        component = "batch.wasm"
        grants = ["kv:seen:rw"]
        [buckets.seen]
        [queues.orders]
        max-receives = 2
        dead-letter = "dead"
        [queues.dead]
        [[triggers.queue]]
        queue = "orders"
        function = "batch"
        batch = { size = 4, window = "2s" }
        backoff = { min = "20ms" }"#;
    let stage = super::stage::Stage::new()?;
    stage.guest("rust", "record")?;
    stage.guest(language, "batch")?;
    let grants = ["queue:orders:send", "queue:dead:receive", "kv:seen:ro"];
    let application = Application::on(stage, &grants, &format!("{manifest}\n[store]\nbackend = \"{backend}\"\n"))?;
    application.send("orders", &["ok", "reject", "ok", "retry"])?;
    let mut dead = application.received("dead", 2)?;
    application.send("orders", &["ok", "trap", "ok", "ok"])?;
    dead.extend(application.received("dead", 1)?);
    let mut dead: Vec<Value> = dead.iter().map(death).collect();
    dead.sort_by_key(Value::to_string);
    let short: Vec<Value> = dead.iter().map(|dead| json!([dead[0], dead[1], dead[3]])).collect();
    assert_eq!(
        short,
        [
            json!(["reject", "rejected", "1"]),
            json!(["retry", "max-receives", "2"]),
            json!(["trap", "max-receives", "2"])
        ]
    );
    // Each once in a batch; alone those of the batch that broke, and the one that was to be tried again.
    super::stage::until("thirteen events", || (counted(&application) == "13").then_some(()))?;
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(counted(&application), "13", "none comes again");
    Ok(())
}

/// How many events `batch` got until now.
fn counted(application: &Application) -> String {
    let step = json!([{ "op": "kv.get", "bucket": "seen", "key": "events" }]);
    application.steps(&step).map_or_else(|_| String::new(), |answers| body(&json!({ "body": answers[0]["value"] })))
}

fn asynchronous(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [functions.record.async]
        max-receives = 2
        backoff = { min = "20ms" }
        on-success = "queue:done"
        on-failure = "queue:failed"
        [queues.done]
        [queues.failed]"#;
    let grants = ["function:record:invoke-async", "queue:done:receive", "queue:failed:receive"];
    let application = start(language, backend, &grants, manifest)?;
    let invoke = |data: &str| json!({ "op": "functions.invoke_async", "function": "record", "data": encoded(data) });
    application.steps(&json!([invoke("fine"), invoke("retry")]))?;
    let of = |data: &str, attempt: u32| json!(["/functions/driver", "faas.invoke", null, ["invoke"], attempt, data]);
    assert_eq!(summaries(&application.seen(3)?), [of("fine", 1), of("retry", 1), of("retry", 2)]);
    let record = |queue: &str| -> Result<Value, Failed> {
        let record: Value = serde_json::from_str(&body(&application.received(queue, 1)?[0]))?;
        Ok(json!([record["condition"], record["function"], record["attempts"], record["event"], record["error"]]))
    };
    assert_eq!(record("done")?, json!(["success", "record", 1, "fine", null]));
    assert_eq!(record("failed")?, json!(["retries-exhausted", "record", 2, "retry", "not now"]));
    Ok(())
}

/// What a failed attempt sent is not there. What is kept in memory cannot promise that, and does not.
fn transactional(language: &str, backend: &str) -> Verdict {
    let manifest = r#"
        [queues.orders]
        max-receives = 2
        dead-letter = "dead"
        [queues.dead]
        [[triggers.queue]]
        queue = "orders"
        function = "record"
        delivery = "transactional"
        backoff = { min = "20ms" }"#;
    let started = start(language, backend, &["queue:orders:send", "queue:dead:receive"], manifest);
    if backend == "memory" {
        let refused = started.err().ok_or("transactions in memory were promised")?;
        let told = refused.message().unwrap_or_default().to_owned();
        assert!(told.contains("`orders` is kept in memory, where there are no transactions"), "{told}");
        return Ok(());
    }
    let application = started?;
    application.send("orders", &["retry", "reject", "fine"])?;
    let mut dead: Vec<Value> = application.received("dead", 2)?.iter().map(|dead| json!(body(dead))).collect();
    dead.sort_by_key(Value::to_string);
    assert_eq!(dead, [json!("reject"), json!("retry")]);
    let of = json!(["/queues/orders", "faas.queue.message", null, ["queue", "orders", null], 1, "fine"]);
    assert_eq!(summaries(&application.seen(1)?), [of]);
    Ok(())
}
